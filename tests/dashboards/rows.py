"""Rows for every data set, made of its own columns: each text from a short list, numbers that tell rows apart."""

from __future__ import annotations

import itertools
from typing import Any

from dashboards.page import Content
from dashboards.pages import PAGES
from dashboards.spec import Column, DataSet, data_sets

TEXTS = {
    "recency": ("earlier", "newest"),
    "solution": ("personal", "related", "popular"),
    "audience": ("user", "item"),
    "metric": ("normalized_discounted_cumulative_gain_at_25", "coverage"),
    "made_by": ("people", "simulator"),
    "chosen_by": ("the API", "the application"),
    "verdict": ("within bounds", "too low"),
    "decision": ("promoted", "held back"),
    "comparison": ("home 0123abcd new",),
    "outcome": ("taken out", "put in"),
    "acted_where": ("after inference", "at read time"),
    "history": ("shown", "bought"),
    "role": ("primary", "guardrail", "secondary", "segment", "ratio", "day"),
}
TIMES = ("2026-01-01T03:00:00", "2026-01-02T03:00:00")
DAYS = ("2026-01-01", "2026-01-02")


def content(**changes: Any) -> Content:
    rows = {data.mart: made(data) for data in data_sets(PAGES)}
    given = {"environment": "dev", "written_at": "2026-01-02 05:00 UTC", "rows": rows, "missing": {}}
    return Content(**{**given, **changes})


def made(data: DataSet) -> list[dict[str, Any]]:
    """A row for each combination of the grain's values."""
    keys = [data.column(name) for name in data.grain]
    combinations = itertools.product(*(_values(column) for column in keys))
    return [_row(data, dict(zip(data.grain, keyed, strict=True)), n) for n, keyed in enumerate(combinations)]


def _row(data: DataSet, keyed: dict[str, Any], number: int) -> dict[str, Any]:
    row = {column.name: _other(column, number) for column in data.columns} | keyed
    if "run_id" in keyed:
        place = _values(data.column("run_id")).index(keyed["run_id"])
        row |= {"run_at": TIMES[place]} | ({"recency": TEXTS["recency"][place]} if "recency" in row else {})
    return row


def _values(column: Column) -> tuple[Any, ...]:
    if column.kind == "text":
        return TEXTS.get(column.name, (f"{column.name} one", f"{column.name} two"))
    return {"day": DAYS, "time": TIMES}.get(column.kind, (1, 2, 3))


def _other(column: Column, number: int) -> Any:
    if column.share:
        return (number % 9 + 1) / 10
    if column.kind in ("number", "whole"):
        return number + 1
    values = _values(column)
    return values[(number + number // 2) % len(values)]
