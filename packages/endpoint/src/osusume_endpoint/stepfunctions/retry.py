"""Which error a retrier or catcher matches, and how long a retrier waits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from osusume_endpoint.stepfunctions.errors import (
    ALL,
    DATA_LIMIT_EXCEEDED,
    HEARTBEAT_TIMEOUT,
    RUNTIME,
    TASK_FAILED,
    TIMEOUT,
)

DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_INTERVAL_SECONDS = 1
DEFAULT_BACKOFF_RATE = 2.0


def matches(names: Sequence[str], error: str | None) -> bool:
    """States.Runtime always ends the execution, and no wildcard stands for States.DataLimitExceeded.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html, "Error names"
    """
    if error == RUNTIME:
        return False
    if error in names or (error == HEARTBEAT_TIMEOUT and TIMEOUT in names):
        return True
    if error == DATA_LIMIT_EXCEEDED:
        return False
    return ALL in names or (TASK_FAILED in names and error not in (TIMEOUT, HEARTBEAT_TIMEOUT))


class Retries:
    """The attempts of one state visit: every retrier counts its own."""

    def __init__(self, retriers: Sequence[dict[str, Any]]) -> None:
        self._retriers = retriers
        self._attempts = [0] * len(retriers)

    @property
    def count(self) -> int:
        return sum(self._attempts)

    def delay(self, error: str | None) -> float | None:
        """Seconds until the next attempt, or None when the error is not (any longer) retried."""
        for place, retrier in enumerate(self._retriers):
            if matches(retrier["ErrorEquals"], error):
                return self._next(place, retrier)
        return None

    def _next(self, place: int, retrier: dict[str, Any]) -> float | None:
        attempt = self._attempts[place]
        if attempt >= retrier.get("MaxAttempts", DEFAULT_MAX_ATTEMPTS):
            return None
        self._attempts[place] += 1
        return delay_seconds(retrier, attempt=attempt)


def delay_seconds(retrier: dict[str, Any], *, attempt: int) -> float:
    """IntervalSeconds · BackoffRate^attempt, capped, then anything from 0 to that with full jitter."""
    interval = retrier.get("IntervalSeconds", DEFAULT_INTERVAL_SECONDS)
    seconds = interval * retrier.get("BackoffRate", DEFAULT_BACKOFF_RATE) ** attempt
    seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
    return random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds


def catcher_for(catchers: Sequence[dict[str, Any]], error: str | None) -> dict[str, Any] | None:
    return next((catcher for catcher in catchers if matches(catcher["ErrorEquals"], error)), None)
