"""Means over users with their intervals, and what may be said of a difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
Verdict = Literal["better", "worse", "no difference"]


@dataclass(frozen=True)
class Interval:
    """A mean over users, and the interval of 95% by Student's t."""

    mean: float
    low: float
    high: float
    users: int

    @property
    def verdict(self) -> Verdict:
        """What may be said, where the mean is of differences."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no difference"


def interval(values: np.ndarray) -> Interval:
    count = len(values)
    mean = float(values.mean()) if count else 0.0
    if count < 2:
        return Interval(mean, -1.0, 1.0, count)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return Interval(mean, mean - half, mean + half, count)
