"""Execution history in the shape of GetExecutionHistory: numbered events that name their predecessor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from osusume_endpoint.stepfunctions.payloads import now

# Step Functions developer guide, "Avoid reaching the history quota": the last event that fits is the end's.
LIMIT = 25_000
FULL = f"The execution reached the maximum number of history events ({LIMIT})."
_ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")


class History:
    """The events of one execution, growing while it runs; closed when somebody ends it from outside.

    `on_full` is called, outside of the lock, for an event that finds no room; it ends the execution.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.on_full: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def add(self, kind: str, *, previous: int, details: dict[str, Any] | None = None) -> int:
        if len(self.events) >= LIMIT - 1 and kind not in _ENDS and self.on_full and not self._closed:
            self.on_full()
        with self._lock:
            if self._closed:
                return len(self.events)
            timestamp, number = round(now().timestamp(), 3), len(self.events) + 1
            event: dict[str, Any] = {"timestamp": timestamp, "type": kind, "id": number}
            event["previousEventId"] = previous
            if details is not None:
                event[details_key(kind)] = details
            self.events.append(event)
            return len(self.events)

    def close(self) -> None:
        with self._lock:
            self._closed = True

    def reopen(self) -> None:
        with self._lock:
            self._closed = False


def details_key(kind: str) -> str:
    """`TaskStateEntered` → `stateEnteredEventDetails`, `TaskFailed` → `taskFailedEventDetails`."""
    for shared in ("StateEntered", "StateExited"):
        if kind.endswith(shared):
            return f"s{shared[1:]}EventDetails"
    if kind in ("MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"):
        return f"m{kind[1:]}EventDetails"
    return kind[0].lower() + kind[1:] + "EventDetails"


def payload(name: str, text: str) -> dict[str, Any]:
    return {name: text, f"{name}Details": {"truncated": False}}


class Trail:
    """The chain of events of one thread of states: the whole execution, a branch or an iteration."""

    def __init__(self, history: History, *, previous: int = 0) -> None:
        self.history = history
        self.previous = previous

    def add(self, kind: str, details: dict[str, Any] | None = None) -> int:
        self.previous = self.history.add(kind, previous=self.previous, details=details)
        return self.previous

    def note(self, kind: str, details: dict[str, Any] | None = None) -> None:
        """An event that no other follows on: the next one goes on from the event before it."""
        self.history.add(kind, previous=self.previous, details=details)

    def fork(self) -> Trail:
        return Trail(self.history, previous=self.previous)
