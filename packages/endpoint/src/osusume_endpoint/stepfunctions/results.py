"""How an execution ended."""

from __future__ import annotations

from dataclasses import dataclass

RUNNING, SUCCEEDED, FAILED = "RUNNING", "SUCCEEDED", "FAILED"
ABORTED, TIMED_OUT = "ABORTED", "TIMED_OUT"


@dataclass(frozen=True)
class Result:
    """`output` is JSON text, as the API returns it."""

    status: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None
