"""Rows of mart_experiment_moments as arrays: days along the first axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations_with_replacement

import numpy as np

from analysis.design import Design
from analysis.moments import FIGURES, Array, Moments

ALL = "all"
MART = "marts.mart_experiment_moments"
KEYS = ("variant", "day", "metric", "segment_name", "segment_value", "users")
PAIRS = tuple(combinations_with_replacement(range(len(FIGURES)), 2))
SUMS = FIGURES
PRODUCTS = tuple(f"{FIGURES[one]}_{FIGURES[other]}" for one, other in PAIRS)
DAY = ("day_outcome", "day_base", "day_outcome_outcome", "day_outcome_base", "day_base_base")
# What the mart's rows hold, in this order.
COLUMNS = (*KEYS, *SUMS, *PRODUCTS, *DAY)

Row = Sequence[object]
Segment = tuple[str, str]


@dataclass(frozen=True)
class Panel:
    """One metric of one segment: the moments of each variant, cumulative, and those of each day alone."""

    days: tuple[date, ...]
    cumulative: Mapping[str, Moments]
    daily: Mapping[str, Moments]


def moments_of(design: Design) -> str:
    """The statement that reads them. Names and versions are patterns of the configuration: nothing ends a text."""
    keys = f"experiment = '{design.name}' and experiment_version = '{design.version}'"
    return f"select {', '.join(COLUMNS)} from {MART} where {keys}"


def simulated_ones() -> str:
    """The statement that reads which versions of experiments saw events that a simulator made."""
    return (
        "select distinct experiment, experiment_version from marts.mart_experiment_placements "
        "where made_by = 'simulator'"
    )


class Rows:
    """The rows of one version of an experiment. A day without news has no row: what was so stays so."""

    def __init__(self, rows: Iterable[Row], *, until: date | None = None) -> None:
        self._values: dict[tuple[str, str, str, str], dict[date, Array]] = {}
        for row in rows:
            variant, day, metric, name, value = (str(one) for one in row[:5])
            found = date.fromisoformat(day[:10])
            if until is None or found <= until:
                figures = np.array([float(one or 0) for one in row[5:]])  # type: ignore[arg-type]
                self._values.setdefault((variant, metric, name, value), {})[found] = figures
        days = sorted({day for rows_of in self._values.values() for day in rows_of})
        length = (days[-1] - days[0]).days + 1 if days else 0
        self.days = tuple(days[0] + timedelta(days=n) for n in range(length))

    @property
    def segments(self) -> list[Segment]:
        found = {(name, value) for _, _, name, value in self._values}
        return sorted(found - {(ALL, ALL)})

    def panel(self, metric: str, *, variants: Iterable[str], segment: Segment = (ALL, ALL)) -> Panel:
        filled = {variant: self._filled((variant, metric, *segment)) for variant in variants}
        return Panel(
            self.days,
            {variant: _cumulative(values) for variant, values in filled.items()},
            {variant: _daily(values) for variant, values in filled.items()},
        )

    def _filled(self, key: tuple[str, str, str, str]) -> Array:
        """(days, columns): the newest row so far, whose figures of its own day are gone on the days after."""
        width = len(COLUMNS) - len(KEYS) + 1
        values, last = np.zeros((len(self.days), width)), np.zeros(width)
        for n, day in enumerate(self.days):
            if day in self._values.get(key, {}):
                last = self._values[key][day].copy()
                values[n] = last
            else:
                values[n] = last
                values[n, -len(DAY) :] = 0
        return values


def _cumulative(values: Array) -> Moments:
    sums = values[:, 1 : 1 + len(SUMS)]
    products = np.zeros((len(values), len(SUMS), len(SUMS)))
    for n, (one, other) in enumerate(PAIRS):
        products[:, one, other] = products[:, other, one] = values[:, 1 + len(SUMS) + n]
    return Moments(values[:, 0], sums, products)


def _daily(values: Array) -> Moments:
    outcome, base, outcome_outcome, outcome_base, base_base = values[:, -len(DAY) :].T
    sums = np.zeros((len(values), len(SUMS)))
    products = np.zeros((len(values), len(SUMS), len(SUMS)))
    sums[:, 0], sums[:, 1] = outcome, base
    products[:, 0, 0], products[:, 1, 1] = outcome_outcome, base_base
    products[:, 0, 1] = products[:, 1, 0] = outcome_base
    return Moments(values[:, 0], sums, products)
