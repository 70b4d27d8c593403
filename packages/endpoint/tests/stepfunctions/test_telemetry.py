"""https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html, "Log levels"."""

from __future__ import annotations

import pytest

from osusume_endpoint.stepfunctions import telemetry


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        ("TaskStateEntered", ["ALL"]),
        ("TaskFailed", ["ALL", "ERROR"]),
        ("TaskTimedOut", ["ALL", "ERROR"]),
        ("FailStateEntered", ["ALL", "ERROR"]),
        ("ExecutionFailed", ["ALL", "ERROR", "FATAL"]),
        ("ExecutionSucceeded", ["ALL"]),
        ("ExecutionAborted", ["ALL", "ERROR", "FATAL"]),
    ],
)
def test_an_event_is_logged_at_its_levels(kind: str, levels: list[str]) -> None:
    assert [level for level in ("ALL", "ERROR", "FATAL", "OFF") if telemetry.is_logged(kind, level)] == levels
