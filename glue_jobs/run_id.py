"""A run's id is its start: YYYYMMDDTHHMMSSZ."""

from __future__ import annotations

from datetime import UTC, datetime

FORMAT = "%Y%m%dT%H%M%SZ"


def started_at(run_id: str) -> datetime:
    """Raises ValueError that names the id when it isn't one."""
    try:
        return datetime.strptime(run_id, FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"run_id is {run_id!r}: give a start time such as 20261124T030000Z") from None
