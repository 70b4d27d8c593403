"""Task tokens: what `.waitForTaskToken` waits for and SendTaskSuccess, -Failure and -Heartbeat answer."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.stepfunctions.errors import HEARTBEAT_TIMEOUT, TIMEOUT, DeclaredError, StateError
from osusume_endpoint.stepfunctions.signals import StopSignal

POLL_SECONDS = 0.05
TOKEN_BYTES = 48


class PendingTask:
    def __init__(self) -> None:
        self.token = base64.b64encode(secrets.token_bytes(TOKEN_BYTES)).decode()
        self._answered = threading.Event()
        self._output: Any = None
        self._failure: StateError | None = None
        self._last_sign = time.monotonic()

    def succeed(self, output: str) -> None:
        self._output = depth.loads(output)
        self._answered.set()

    def fail(self, *, error: str | None, cause: str | None) -> None:
        self._failure = DeclaredError(error, cause)
        self._answered.set()

    def heartbeat(self) -> None:
        self._last_sign = time.monotonic()

    def wait(self, *, stop: StopSignal, timeout: float | None, heartbeat: float | None) -> Any:
        """The answer, or States.Timeout / States.HeartbeatTimeout after that many seconds."""
        self.heartbeat()
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._answered.wait(POLL_SECONDS):
            stop.check()
            if deadline is not None and time.monotonic() > deadline:
                raise StateError(TIMEOUT)
            if heartbeat is not None and time.monotonic() - self._last_sign > heartbeat:
                raise StateError(HEARTBEAT_TIMEOUT)
        if self._failure:
            raise self._failure
        return self._output


def is_token(text: str) -> bool:
    """Whether it could be one of ours, open or not."""
    try:
        return len(base64.b64decode(text, validate=True)) == TOKEN_BYTES
    except ValueError:
        return False


class TaskTokens:
    """The open tasks of an endpoint or of one execution."""

    def __init__(self) -> None:
        self._tasks: dict[str, PendingTask] = {}

    def open(self) -> PendingTask:
        task = PendingTask()
        self._tasks[task.token] = task
        return task

    def close(self, task: PendingTask) -> None:
        self._tasks.pop(task.token, None)

    def find(self, token: str) -> PendingTask | None:
        return self._tasks.get(token)
