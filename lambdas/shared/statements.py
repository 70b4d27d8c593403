"""Statements of the warehouse's Data API, waited for where the function's own time-out is wait enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

POLL_SECONDS = 0.5


def ended(redshift_data: Any, statement_id: str, *, sleep: Callable[[float], None]) -> dict[str, Any]:
    """What describes the statement once its status is FINISHED, FAILED or ABORTED."""
    while True:
        seen: dict[str, Any] = redshift_data.describe_statement(Id=statement_id)
        if seen["Status"] in ("FINISHED", "FAILED", "ABORTED"):
            return seen
        sleep(POLL_SECONDS)
