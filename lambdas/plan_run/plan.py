"""What a run is called, and which part of the application log it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lambdas.shared import times

# DynamoDB developer guide, "Requesting a table export": an incremental export spans 15 minutes to 24 hours.
SHORTEST = timedelta(minutes=15)
LONGEST = timedelta(hours=24)
MODES = ("auto", "full", "incremental")
DATASETS = ("interactions", "users", "items")
MAX_JOB_NAME = 63  # Personalize's job and solution names
NONE = "none"


class WatermarkTooOld(RuntimeError):
    """An incremental run was asked for and can't cover the time since the last one."""


class JobNameTooLong(RuntimeError):
    """A Personalize job of the run would have a name that Personalize refuses."""


@dataclass(frozen=True)
class Watermark:
    """How far the log was exported, and by which run."""

    exported_until: datetime
    run_id: str


def plan(
    *,
    mode: str,
    started_at: datetime,
    restorable_until: datetime,
    watermark: Watermark | None,
    prefix: str,
    solutions: Iterable[str],
) -> dict[str, Any]:
    run_id = times.run_id(started_at)
    until = min(started_at, restorable_until)
    full = is_full(mode=mode, until=until, watermark=watermark)
    since = None if full or watermark is None else min(watermark.exported_until, until - SHORTEST)
    return {
        "run_id": run_id,
        "mode": "full" if full else "incremental",
        "export": {
            "type": "FULL_EXPORT" if full else "INCREMENTAL_EXPORT",
            "from": since and times.iso(since),
            "to": times.iso(until),
            "prefix": f"application_log/run={run_id}",
        },
        "previous_run_id": watermark.run_id if watermark else NONE,
        "names": job_names(prefix=prefix, parts=[*DATASETS, *solutions], run_id=run_id),
    }


def is_full(*, mode: str, until: datetime, watermark: Watermark | None) -> bool:
    """Raises WatermarkTooOld when an incremental run is asked for and impossible."""
    possible = watermark is not None and until - watermark.exported_until <= LONGEST
    if mode == "incremental" and not possible:
        last = times.iso(watermark.exported_until) if watermark else "never"
        raise WatermarkTooOld(
            f"the log was last exported {last}, an incremental export spans at most 24 h up to "
            f"{times.iso(until)}: start with mode full or auto"
        )
    return mode == "full" or not possible


def job_names(*, prefix: str, parts: Iterable[str], run_id: str) -> dict[str, str]:
    names = {part: f"{prefix}-{part}-{run_id}" for part in parts}
    for part, name in names.items():
        if len(name) > MAX_JOB_NAME:
            raise JobNameTooLong(
                f"{name} has {len(name)} characters, Personalize takes {MAX_JOB_NAME}: "
                f"shorten app, environment or {part!r} in the configuration"
            )
    return names
