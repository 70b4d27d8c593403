"""What was removed where, and what stays until when: JSON, without an id of a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

# Of copies that nobody can change, and so nobody can remove a user from: days that AWS keeps them.
RECOVERY_DAYS = 35  # DynamoDB developer guide, "Point-in-time recovery"
HISTORY_DAYS = 90  # Step Functions developer guide, "Quotas": closed executions
TRACE_DAYS = 30  # X-Ray developer guide, "Concepts"
WAREHOUSE_RECOVERY_DAYS = 1  # Redshift management guide, "Snapshots and recovery points": serverless
WAREHOUSE_LOG_DAYS = 7  # Redshift database developer guide, "SYS monitoring views"


def report(
    *,
    requests: Sequence[str],
    removed: Mapping[str, int],
    at: datetime,
    log_retention_days: int,
    warehouse: bool = True,
) -> dict[str, Any]:
    return {
        "deletions": list(requests),
        "finished_at": _day(at, days=0, time=True),
        "removed": dict(sorted(removed.items())),
        "stays": _stays(at, log_retention_days, warehouse=warehouse),
    }


def _stays(at: datetime, log_retention_days: int, *, warehouse: bool) -> list[dict[str, str]]:
    of_warehouse = (
        ("recovery points of the warehouse", "rows as they were", WAREHOUSE_RECOVERY_DAYS),
        ("query history of the warehouse", "values of statements", WAREHOUSE_LOG_DAYS),
    )
    rows = (
        (
            "recovery period of the tables",
            "events and lists as they were; the id of a request, encrypted",
            RECOVERY_DAYS,
        ),
        *(of_warehouse if warehouse else ()),
        ("traces of the API", "paths of requests, which hold ids", TRACE_DAYS),
        (
            "logs of functions and of the warehouse" if warehouse else "logs of functions",
            "a warning about a list may name its key",
            log_retention_days,
        ),
        ("histories of executions", "ids of requests and runs, none of users", HISTORY_DAYS),
    )
    known = [{"where": where, "what": what, "until": _day(at, days=days)} for where, what, days in rows]
    own = {
        "where": "the application's database and its backups",
        "what": "what the application keeps, until it removes it; runs leave the user out all the same",
        "until": "-",
    }
    return [*known, own]


def _day(at: datetime, *, days: int, time: bool = False) -> str:
    moment = at.astimezone(UTC) + timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if time else "%Y-%m-%d")
