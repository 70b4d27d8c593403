"""Times as the workflows write them. A run's id is its start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lambdas.shared.events import InvalidEvent

RUN_ID = "%Y%m%dT%H%M%SZ"


def parse(key: str, value: str) -> datetime:
    """An ISO 8601 time with its zone, in UTC and whole seconds. Raises InvalidEvent that names the key."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidEvent(f"{key} is {value!r}: pass ISO 8601 such as 2026-11-24T03:00:00Z") from None
    if moment.tzinfo is None:
        raise InvalidEvent(f"{key} is {value!r}: add its time zone, such as Z")
    return moment.astimezone(UTC).replace(microsecond=0)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def run_id(moment: datetime) -> str:
    return moment.strftime(RUN_ID)


def started_at(run_id: str) -> datetime:
    try:
        return datetime.strptime(run_id, RUN_ID).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidEvent(f"run_id is {run_id!r}: pass a start time such as 20261124T030000Z") from None


def run_before(run_id: str, *, days: int) -> str:
    """The least id of a run that is kept beside this one, where runs are kept for so many days."""
    return datetime.strftime(started_at(run_id) - timedelta(days=days), RUN_ID)
