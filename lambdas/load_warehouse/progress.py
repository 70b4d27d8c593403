"""What the control table knows of a run: how it was asked for, when each phase ended, what its jobs used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

Known = dict[str, str | float | None]
# The attribute that says when a phase ended -> the column of landing.runs.
_ENDED = {"prepared_at": "prepared_at", "trained_at": "trained_at", "serving_at": "served_at"}
_JOBS = ("prepared", "serving")  # phases that run jobs


NOTHING: Known = dict.fromkeys(("mode", *_ENDED.values(), "dpu_hours"))


def of_run(dynamodb: Any, *, table: str, run_id: str) -> Known:
    """A value for each column of landing.runs but the run's id; null for what nobody noted."""
    if not table:
        return NOTHING
    item = _item(dynamodb, table=table, run_id=run_id)
    ended = {column: _time(item.get(attribute)) for attribute, column in _ENDED.items()}
    return {"mode": _told(item.get("plan")).get("mode"), **ended, "dpu_hours": _dpu_hours(item)}


def _item(dynamodb: Any, *, table: str, run_id: str) -> Mapping[str, Any]:
    answer = dynamodb.get_item(TableName=table, Key={"pk": {"S": f"progress#{run_id}"}}, ConsistentRead=True)
    return dict(answer.get("Item", {}))


def _told(attribute: Mapping[str, str] | None) -> Mapping[str, Any]:
    """What a phase gave; runs of before it was kept noted `true`."""
    found = json.loads(attribute["S"]) if attribute else {}
    return found if isinstance(found, dict) else {}


def _time(attribute: Mapping[str, str] | None) -> str | None:
    if attribute is None:
        return None
    return datetime.fromisoformat(attribute["S"]).strftime("%Y-%m-%dT%H:%M:%S")


def _dpu_hours(item: Mapping[str, Any]) -> float | None:
    """The hours of all jobs, or none: a sum without one of them would be taken for the whole."""
    hours: list[list[float | None] | None] = [_told(item.get(phase)).get("dpu_hours") for phase in _JOBS]
    jobs = [job for of_phase in hours for job in of_phase or [None]]
    known = [job for job in jobs if job is not None]
    return float(sum(known)) if len(known) == len(jobs) else None
