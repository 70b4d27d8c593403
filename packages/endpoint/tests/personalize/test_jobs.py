"""The runner of asynchronous operations, without an endpoint."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.errors import JobFailure
from osusume_endpoint.personalize.jobs import Jobs, Runner
from osusume_endpoint.personalize.store import Record, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def new_record(store: Store, name: str = "a", **private: Any) -> Record:
    fields = {"status": states.PENDING, "creationDateTime": time.time()}
    record = Record("Thing", f"arn:aws:personalize:r:1:thing/{name}", fields, private)
    store.add(record)
    return record


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def jobs_with(store: Store, work: Callable[[Record], Any], **options: Any) -> Jobs:
    jobs = Jobs(store, wait_scale=0)
    jobs.register("create", "Thing", Runner(work, **options))
    return jobs


def test_work_gives_the_fields_of_the_active_resource(store: Store) -> None:
    record = new_record(store)
    jobs_with(store, lambda r: {"size": 3, "private": {"secret": 1}}).submit("create", record)
    wait_for(lambda: record.status == states.ACTIVE)
    again = Store(store.folder).get(record.arn)
    assert (again.fields["size"], again.private) == (3, {"secret": 1})


def test_a_refusal_is_the_failure_reason(store: Store) -> None:
    def work(record: Record) -> Any:
        raise JobFailure("no data")

    record = new_record(store)
    jobs_with(store, work).submit("create", record)
    wait_for(lambda: record.status == states.FAILED)
    assert record.fields["failureReason"] == "no data"


def test_a_crash_fails_the_resource_without_its_traceback(store: Store) -> None:
    record = new_record(store)
    jobs_with(store, lambda r: 1 // 0).submit("create", record)  # type: ignore[arg-type, return-value]
    wait_for(lambda: record.status == states.FAILED)
    assert "internal error" in record.fields["failureReason"]


def test_the_training_lane_runs_one_at_a_time_in_order(store: Store) -> None:
    running, order, together = threading.Semaphore(1), [], []

    def work(record: Record) -> dict[str, Any]:
        together.append(running.acquire(blocking=False))
        time.sleep(0.02)
        running.release()
        order.append(record.arn)
        return {}

    jobs = jobs_with(store, work, lane="training")
    records = [new_record(store, str(n)) for n in range(4)]
    for record in records:
        jobs.submit("create", record)
    wait_for(lambda: len(order) == 4)
    assert order == [record.arn for record in records]
    assert all(together)


def test_what_was_stopped_while_it_waited_does_not_run(store: Store) -> None:
    gate, done = threading.Event(), []

    def work(record: Record) -> dict[str, Any]:
        gate.wait()
        done.append(record.arn)
        return {}

    jobs = jobs_with(store, work, lane="training")
    first, second = new_record(store, "1"), new_record(store, "2")
    jobs.submit("create", first)
    jobs.submit("create", second)

    def stop(record: Record) -> None:
        record.private.pop("job")
        record.fields["status"] = states.STOPPED

    store.change(second.arn, stop)
    gate.set()
    wait_for(lambda: first.status == states.ACTIVE)
    time.sleep(0.05)
    assert done == [first.arn]
    assert second.status == states.STOPPED


def test_unfinished_jobs_are_resumed_and_given_up_after_two_attempts(store: Store) -> None:
    once = new_record(store, "once", job="create", attempts=1)
    twice = new_record(store, "twice", job="create", attempts=2)
    again = Store(store.folder)
    jobs_with(again, lambda r: {}).resume()
    wait_for(lambda: again.get(once.arn).status == states.ACTIVE)
    assert again.get(twice.arn).status == states.FAILED
    assert "interrupted" in again.get(twice.arn).fields["failureReason"]


def test_a_deleted_resource_leaves_no_file(store: Store) -> None:
    record = new_record(store)
    jobs = Jobs(store, wait_scale=0)
    jobs.register("delete", "Thing", Runner(lambda r: {}, running=states.DELETE_IN_PROGRESS))
    jobs.submit("delete", record)
    wait_for(lambda: store.find(record.arn) is None)
    assert list(store.folder.iterdir()) == []


def test_an_unknown_time_mode_names_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSUSUME_PERSONALIZE_TIME", "slow")
    with pytest.raises(ValueError, match="instant or realistic"):
        states.duration("Dataset", wait_scale=1)
    monkeypatch.setenv("OSUSUME_PERSONALIZE_TIME", "realistic")
    assert states.duration("Dataset", wait_scale=0.5) == 10


def test_a_reader_sees_all_of_an_edit_or_nothing(store: Store) -> None:
    record = new_record(store)
    before = record.fields

    def edit(draft: Record) -> None:
        draft.fields["half"] = True
        assert "half" not in store.get(record.arn).fields
        draft.fields["status"] = "ACTIVE"

    store.change(record.arn, edit)
    assert record.fields["half"] and record.status == "ACTIVE"
    assert "half" not in before


def test_an_edit_that_cannot_be_written_changes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = new_record(store)

    def full(self: Path, *args: object, **kwargs: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        store.update(record.arn, half=True)
    assert "half" not in store.get(record.arn).fields
