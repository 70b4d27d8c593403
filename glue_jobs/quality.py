"""Figures about a run's data, and the bounds that the runs before it teach.

A figure is a name and a number: `rows.<dataset>`, `rows.<source>.<event type>`, `users.distinct`,
`age_hours.<source>.<event type>` (of the newest event, at the run's start), `null_share.<dataset>.<field>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

REMEMBERED = 14  # runs whose figures a report carries on
TAUGHT_BY = 3  # runs that it takes to learn a bound
# A source may rest over a weekend; three times the longest rest so far is no rest any more.
LEAST_AGE_HOURS, TIMES_THE_OLDEST = 48.0, 3.0
MORE_NULLS = 0.1

Figures = Mapping[str, float]
Bounds = tuple[float | None, float | None]


def learned(name: str, values: Sequence[float], *, min_rows: float) -> Bounds:
    """(low, high) of what the figure may be, by its values in earlier runs."""
    kind, _, what = name.partition(".")
    if len(values) < TAUGHT_BY:
        return None, None
    if kind == "users" or (kind == "rows" and "." in what):  # whole datasets are compared with the run before
        return min_rows * median(values), None
    if kind == "age_hours":
        return None, max(LEAST_AGE_HOURS, TIMES_THE_OLDEST * max(values))
    if kind == "null_share":
        return None, min(1.0, max(values) + MORE_NULLS)
    return None, None


def history(previous: Mapping[str, Any] | None, *, accepted: Iterable[str]) -> list[dict[str, Any]]:
    """Figures of the runs before, oldest first. What is accepted starts without a history."""
    before = (previous or {}).get("quality")
    if before is None:
        return []
    own = {name: figure["value"] for name, figure in before["figures"].items()}
    runs = [*before["history"], {"run_id": previous["run_id"] if previous else "", "values": own}][
        -REMEMBERED:
    ]
    gone = set(accepted)
    return [
        {**run, "values": {name: value for name, value in run["values"].items() if name not in gone}}
        for run in runs
    ]


def assessed(
    figures: Figures,
    *,
    quality: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
    accepted: Sequence[str],
) -> dict[str, Any]:
    """What the report says: {figures: {name: {value, low, high}}, history, accepted}.

    `quality` is datasets.quality of the configuration; its `bounds` stand before those that are learned.
    """
    runs = history(previous, accepted=accepted)
    told = quality.get("bounds", {})
    share = quality.get("min_rows_against_previous", 0.0)
    judged = {}
    for name, value in figures.items():
        values = [run["values"][name] for run in runs if name in run["values"]]
        low, high = learned(name, values, min_rows=share)
        own = told.get(name) or {}
        judged[name] = {
            "value": value,
            "low": _first(own.get("min"), low),
            "high": _first(own.get("max"), high),
        }
    return {"figures": judged, "history": runs, "accepted": sorted(accepted)}


def _first(one: float | None, other: float | None) -> float | None:
    return other if one is None else one


def rows(
    assessment: Mapping[str, Any], *, run_id: str
) -> list[tuple[str, str, float, float | None, float | None]]:
    """Rows of the warehouse's table data_quality."""
    figures = assessment["figures"]
    return [(run_id, name, float(f["value"]), f["low"], f["high"]) for name, f in figures.items()]
