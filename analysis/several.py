"""Several comparisons at once: Holm (1979) for what decides, Benjamini and Hochberg (1995) for what is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from analysis.moments import Array


def holm(ps: Sequence[float] | Array) -> Array:
    """Adjusted p-values in the given order; the chance of any false call is kept. NaN stays and counts for none."""
    given = np.asarray(ps, float)
    adjusted = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return adjusted


def benjamini_hochberg(ps: Sequence[float] | Array) -> Array:
    """Adjusted p-values; the expected share of false calls among the calls is kept."""
    given = np.asarray(ps, float)
    adjusted = np.full(given.shape, np.nan)
    known = ~np.isnan(given)
    if known.any():
        adjusted[known] = stats.false_discovery_control(given[known], method="bh")
    return adjusted
