"""Histories as Step Functions writes them, made step by step for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ARN = "arn:aws:states:ap-northeast-1:111111111111:execution:osusume-dev-{}:run"


class Machine:
    """A history being written: each call adds an event that follows the one before it, or `after`."""

    def __init__(self, name: str) -> None:
        self.arn = ARN.format(name)
        self.events: list[dict[str, Any]] = []
        self.status, self.error, self.cause = "RUNNING", "", ""

    def add(self, kind: str, seconds: float, *, after: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        self.events.append(
            {
                "id": number,
                "previousEventId": number - 1 if after is None else after,
                "type": kind,
                "timestamp": START + timedelta(seconds=seconds),
                **details,
            }
        )
        return number

    def enter(
        self, kind: str, name: str, seconds: float, *, after: int | None = None, given: Any = None
    ) -> int:
        details = {"name": name, "input": json.dumps(given or {})}
        return self.add(f"{kind}StateEntered", seconds, after=after, stateEnteredEventDetails=details)

    def leave(self, kind: str, name: str, seconds: float, *, after: int | None = None) -> int:
        return self.add(f"{kind}StateExited", seconds, after=after, stateExitedEventDetails={"name": name})

    def call(self, child: Machine, seconds: float) -> None:
        output = json.dumps({"ExecutionArn": child.arn})
        details = {"resource": "startExecution.sync:2", "resourceType": "states", "output": output}
        self.add("TaskSubmitted", seconds, taskSubmittedEventDetails=details)

    def fail(self, seconds: float, error: str, cause: str) -> None:
        details = {"resource": "r", "resourceType": "t", "error": error, "cause": cause}
        self.add("TaskFailed", seconds, taskFailedEventDetails=details)

    def end(self, status: str, *, error: str = "", cause: str = "") -> None:
        self.status, self.error, self.cause = status, error, cause


class FakeStepFunctions:
    """DescribeExecution and GetExecutionHistory; `script` changes the machines between polls."""

    def __init__(self, *machines: Machine, script: Iterator[None] | None = None) -> None:
        self._machines = {machine.arn: machine for machine in machines}
        self._script = script
        self.read = 0

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        machine = self._machines[executionArn]
        failed = {"error": machine.error, "cause": machine.cause} if machine.error else {}
        return {"status": machine.status, **failed}

    def get_execution_history(
        self, executionArn: str, reverseOrder: bool, maxResults: int, nextToken: str = "0"
    ) -> dict[str, Any]:
        start = int(nextToken)
        events = self._machines[executionArn].events
        events = list(reversed(events)) if reverseOrder else events
        page = events[start : start + maxResults]
        self.read += len(page)
        more = {"nextToken": str(start + maxResults)} if start + maxResults < len(events) else {}
        return {"events": page, **more}

    def sleep(self, seconds: float) -> None:
        assert self._script is not None
        next(self._script)
