"""What a run is called, and which part of the application log it takes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lambdas.shared import times

# DynamoDB developer guide, "Requesting a table export": an incremental export spans 15 minutes to 24 hours.
SHORTEST = timedelta(minutes=15)
LONGEST = timedelta(hours=24)
# The recovery period moves on while a run waits for its exports, so its oldest hour is not counted on.
MARGIN = timedelta(hours=1)
MODES = ("auto", "full", "incremental")
NONE = "none"


class WatermarkTooOld(RuntimeError):
    """An incremental run was asked for and can't cover the time since the last one."""


class NothingToExport(RuntimeError):
    """An incremental run was asked for, and there is no log."""


@dataclass(frozen=True)
class Watermark:
    """How far the log was exported, and by which run."""

    exported_until: datetime
    run_id: str
    export_whole: bool = False  # users were forgotten since: changes would tell whose events were deleted
    of_another_table: bool = (
        False  # the log was another table then: this one's changes aren't all that it holds
    )


@dataclass(frozen=True)
class Restorable:
    """The time that point-in-time recovery covers."""

    since: datetime
    until: datetime


def plan(
    *,
    mode: str,
    started_at: datetime,
    restorable: Restorable,
    watermark: Watermark | None,
) -> dict[str, Any]:
    run_id = times.run_id(started_at)
    until = min(started_at, restorable.until)
    since = window_start(until=until, earliest=restorable.since, watermark=watermark)
    full = is_full(mode=mode, until=until, since=since, watermark=watermark)
    return {
        "run_id": run_id,
        "mode": "full" if full else "incremental",
        "export": {
            "type": "FULL_EXPORT" if full else "INCREMENTAL_EXPORT",
            "windows": [] if full or since is None else windows(since=since, until=until),
            "to": times.iso(until),
            "prefix": f"application_log/run={run_id}",
        },
        "previous_run_id": watermark.run_id if watermark else NONE,
    }


def without_log(*, mode: str, started_at: datetime, watermark: Watermark | None) -> dict[str, Any]:
    """A run that exports nothing: `to` is its start. Raises NothingToExport for a run of changes alone."""
    if mode == "incremental":
        raise NothingToExport(
            "mode is 'incremental', but the environment has no application log whose changes could be exported: start "
            "with mode full or auto"
        )
    return {
        "run_id": times.run_id(started_at),
        "mode": "full",
        "export": {"type": NONE, "windows": [], "to": times.iso(started_at), "prefix": NONE},
        "previous_run_id": watermark.run_id if watermark else NONE,
    }


def window_start(*, until: datetime, earliest: datetime, watermark: Watermark | None) -> datetime | None:
    """The time at which incremental exports must start; None when none can cover the time since the watermark."""
    if watermark is None or watermark.export_whole or watermark.of_another_table:
        return None
    since = min(watermark.exported_until, until - SHORTEST)
    moving = until - earliest > LONGEST  # of a younger table, all that ever happened is still there
    reachable = earliest + MARGIN if moving else earliest
    return since if since >= reachable else None


def windows(*, since: datetime, until: datetime) -> list[dict[str, str]]:
    """Windows of one length, to the second, that together cover the time: DynamoDB exports a day at most.

    Starts are inclusive and ends exclusive, so a window starts where the one before it ends.
    """
    count = -(-(until - since) // LONGEST)  # rounded up
    step = (until - since) // count
    edges = [*(_whole(since + n * step) for n in range(count)), until]
    return [{"from": times.iso(start), "to": times.iso(end)} for start, end in itertools.pairwise(edges)]


def _whole(moment: datetime) -> datetime:
    """Rounded up: of seconds that can't be divided, the last window has the fewest."""
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)


def is_full(*, mode: str, until: datetime, since: datetime | None, watermark: Watermark | None) -> bool:
    """Raises WatermarkTooOld when an incremental run is asked for and impossible."""
    possible = since is not None
    if mode == "incremental" and not possible:
        if watermark and watermark.export_whole:
            raise WatermarkTooOld("users were forgotten since the last run: start with mode full or auto")
        if watermark and watermark.of_another_table:
            raise WatermarkTooOld(
                "the last run exported another table, and all of this one is new: start with mode full or auto"
            )
        last = times.iso(watermark.exported_until) if watermark else "never"
        raise WatermarkTooOld(
            f"the log was last exported {last}; incremental exports must lie within point-in-time recovery, "
            f"which reaches back 35 days at most from {times.iso(until)}: start with mode full or auto"
        )
    return mode == "full" or not possible
