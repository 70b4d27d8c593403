"""`python -m local faults`, against a running endpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import cli
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.faults.client import Faults


@pytest.fixture
def command(
    cloud: Endpoint, faults: Faults, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command; its code and what it printed."""
    monkeypatch.setenv("OSUSUME_HOME", str(cloud.home))

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.main(["faults", *arguments])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_a_plan_is_set_told_and_ended(
    command: Callable[..., tuple[int, str]], client: Callable[..., Any], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("rules: [{service: sqs, operation: ListQueues, kind: throttle, count: 9}]")
    assert command() == (0, "no faults are set\n")
    assert command(str(plan)) == (0, "nothing: no call or process was met\n")
    with pytest.raises(ClientError, match="RequestThrottled"):
        client("sqs").list_queues()
    told = "throttle of sqs:ListQueues, 1 x (call 1 of 1; rules.0)\n"
    assert command() == (0, told)
    assert command("--clear") == (0, told)
    client("sqs").list_queues()


def test_a_wrong_plan_is_told_and_nothing_is_set(
    command: Callable[..., tuple[int, str]], faults: Faults, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("rules: [{service: sqs, kind: throttled}]")
    code, printed = command(str(plan))
    assert code == 1
    assert f"{plan}: no fault was set" in printed and "rules.0.kind = 'throttled'" in printed
    assert faults.report()["plan"] is None
