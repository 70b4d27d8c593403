"""A killed endpoint comes back with what was saved while it served."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from osusume_endpoint import checkpoint, processes, state
from osusume_endpoint.calls import Call
from osusume_endpoint.checkpoint import LONGEST_SECONDS, QUIET_SECONDS, Checkpoints
from osusume_endpoint.testing.running import attached, eventually, start
from osusume_endpoint.wire import Request


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def call(action: str) -> Call:
    return Call("dynamodb", action, Request("POST", "/", {}, b"", {}))


def test_it_saves_once_when_the_changes_have_paused() -> None:
    clock, saved = Clock(), []
    checkpoints = Checkpoints(lambda: saved.append(clock.now), clock=clock)
    checkpoints.note(call("dynamodb:PutItem"))
    checkpoints.save_if_due()
    assert saved == []
    clock.now += QUIET_SECONDS
    checkpoints.save_if_due()
    checkpoints.save_if_due()
    assert saved == [clock.now]


def test_it_does_not_wait_for_ever_for_a_pause() -> None:
    clock, saved = Clock(), []
    checkpoints = Checkpoints(lambda: saved.append(clock.now), clock=clock)
    start = clock.now
    while not saved:
        checkpoints.note(call("s3:PutObject"))
        checkpoints.save_if_due()
        clock.now += 1
    assert saved == [start + LONGEST_SECONDS]


def test_a_service_that_changes_while_it_is_copied_is_copied_again() -> None:
    saved: list[object] = []
    copies = iter([RuntimeError("dictionary changed size during iteration"), {"executions": 1}])

    def copied() -> object:
        copy = next(copies)
        if isinstance(copy, Exception):
            raise copy
        return copy

    checkpoint._one_at_a_time(lambda services: saved.extend(get() for get in services.values()))(
        {"s": copied}
    )
    assert saved == [{"executions": 1}]


def test_reading_is_no_reason_to_save() -> None:
    clock, saved = Clock(), []
    checkpoints = Checkpoints(lambda: saved.append(clock.now), clock=clock)
    for action in ("dynamodb:Query", "personalize:DescribeDataset", "s3:GetObject", "s3:ListBucket"):
        checkpoints.note(call(action))
    clock.now += LONGEST_SECONDS
    checkpoints.save_if_due()
    assert saved == []


@pytest.mark.slow
def test_a_killed_endpoint_starts_again_with_its_tables(tmp_path: Path) -> None:
    supervisor = start(tmp_path, plugins="iam,dynamodb")
    table = attached(tmp_path).client("dynamodb")
    table.create_table(
        TableName="kept",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.put_item(TableName="kept", Item={"id": {"S": "one"}})
    saved = tmp_path / "ministack" / "dynamodb.json"
    eventually(lambda: saved.exists() and "one" in saved.read_text(), seconds=15)
    os.kill(state.running(tmp_path).server_pid, signal.SIGKILL)
    eventually(lambda: not processes.is_alive(supervisor))
    again = start(tmp_path, plugins="iam,dynamodb")
    try:
        found = attached(tmp_path).client("dynamodb").get_item(TableName="kept", Key={"id": {"S": "one"}})
        assert found["Item"] == {"id": {"S": "one"}}
    finally:
        processes.terminate(again)
