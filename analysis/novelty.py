"""Whether an effect wears off: the lift of each day against the day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.estimates import Effect

FEWEST_DAYS = 6
LEVEL = 0.01


@dataclass(frozen=True)
class Novelty:
    """Lifts of the first and the last third of the days, and the p-value of the trend (weighted least squares)."""

    first: float
    last: float
    p: float

    @property
    def fades(self) -> bool:
        """The effect has moved towards nothing, or past it."""
        return self.p < LEVEL and (self.last - self.first) * self.first < 0


def novelty(daily: Effect) -> Novelty | None:
    """None before there are enough days to tell."""
    usable = np.isfinite(daily.lift) & (daily.lift_error > 0)
    if usable.sum() < FEWEST_DAYS:
        return None
    lift, weight = daily.lift[usable], daily.lift_error[usable] ** -2
    day = np.flatnonzero(usable).astype(float)
    centred = day - np.average(day, weights=weight)
    slope = (weight * centred * lift).sum() / (weight * centred**2).sum()
    z = slope * np.sqrt((weight * centred**2).sum())
    third = max(len(lift) // 3, 1)
    first = np.average(lift[:third], weights=weight[:third])
    last = np.average(lift[-third:], weights=weight[-third:])
    return Novelty(float(first), float(last), float(2 * stats.norm.sf(abs(z))))
