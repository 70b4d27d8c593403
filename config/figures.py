"""Names of figures that bounds are given for: a bound of a figure that no run measures would never be looked at.

Names are those of glue_jobs/quality.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from config.errors import did_you_mean

if TYPE_CHECKING:
    from config.settings import Datasets

_SHARES = "null_share."


def check(datasets: Datasets) -> None:
    """Raises ValueError that names the figure and those that there are."""
    known = set(measured(datasets))
    for name, bound in datasets.quality.bounds.items():
        if name not in known:
            raise ValueError(
                f"quality.bounds has {name!r}, which no run measures: {did_you_mean(name, known)}"
            )
        least = bound.min or 0
        if name.startswith(_SHARES) and least > 1:
            raise ValueError(f"quality.bounds.{name}.min is {least:g}, and a share is 1 at most: lower it")


def measured(datasets: Datasets) -> Iterator[str]:
    """Each figure of a run. Of an event type that no row has, a run tells the rows alone."""
    interactions = datasets.interactions
    yield from ("users.distinct", "rows.interactions")
    for event in interactions.events:
        yield from (f"{figure}.{event.source}.{event.type}" for figure in ("rows", "age_hours"))
        fields = ("EVENT_VALUE", *(field.name for field in interactions.fields if field.nullable))
        yield from (f"{_SHARES}interactions.{event.type}.{field}" for field in fields)
    for name in ("users", "items"):
        if datasets.configured(name):
            yield f"rows.{name}"
            yield from (f"{_SHARES}{name}.{field.name}" for field in datasets.fields(name) if field.nullable)
    yield from (f"rows.{name}" for name in ("actions", "action_interactions") if datasets.configured(name))
