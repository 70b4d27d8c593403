"""When a metric that is looked at every day may be called.

With a declared end: group-sequential bounds by alpha spending (Lan and DeMets 1983; O'Brien and Fleming's shape),
found by numerical integration (Armitage, McPherson, Rowe 1969). Without: an always-valid p-value and confidence
sequence of the normal mixture (Robbins 1970; Johari et al., "Always valid inference", 2022; Waudby-Smith et al.,
"Time-uniform central limit theory", 2024). Looks lie on the last axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from scipy import optimize, stats
from scipy.special import gammaln, ndtr

from analysis.moments import Array

ALPHA = 0.05
FARTHEST = 9.0  # in standard errors: what lies beyond has a probability below 1e-18
NODES = 256
# Steps whose variance is a smaller share of all are finer than the nodes lie apart: probability would get lost.
STILL = 0.005
STILL_SIGMAS = 3.0
# The prior's weight, in users: a ratio that is off by a few percent is found soonest.
RATIO_PRIOR = 1_000.0

Spending = Callable[[Array, float], Array]


def obrien_fleming(time: Array, alpha: float) -> Array:
    """Alpha spent until `time`, a share of the declared duration, on both sides together."""
    with np.errstate(divide="ignore"):
        return 4 * stats.norm.sf(stats.norm.isf(alpha / 4) / np.sqrt(time))


def bounds(
    times: Sequence[float] | Array,
    *,
    information: Sequence[float] | Array | None = None,
    alpha: float = ALPHA,
    spending: Spending = obrien_fleming,
) -> Array:
    """Critical values of |z|, one a look.

    `times` are shares of the declared duration, rising to at most 1; by them alpha is spent. `information` (1 over
    the estimate's variance, on any scale) says how looks hang together; without it, it is what `times` say.
    """
    spent = np.diff(spending(np.asarray(times, float), alpha), prepend=0.0)
    walk = _Walk(np.asarray(times if information is None else information, float))
    found: list[float] = []
    left = 0.0
    for look, share in enumerate(spent):
        left += float(share)
        if walk.is_still(look):
            found.append(found[-1] + walk.leeway(look))
            continue
        found.append(walk.bound(look, left))
        left = 0.0
        walk.go_on(look, found[-1])
    return np.array(found)


def crossing(
    critical: Sequence[float] | Array, information: Sequence[float] | Array, *, drift: float = 0.0
) -> float:
    """Probability that |z| passes a critical value at some look, where z has the mean drift * sqrt(information)."""
    walk = _Walk(np.asarray(information, float), drift=drift)
    total = 0.0
    for look, bound in enumerate(critical):
        if walk.is_still(look):
            continue
        total += walk.exit(look, float(bound))
        walk.go_on(look, float(bound))
    return total


@cache
def _gauss() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return nodes, weights


class _Walk:
    """Density of z * sqrt(information) at each look, of those that passed no bound before."""

    def __init__(self, information: Array, *, drift: float = 0.0) -> None:
        self._information = np.maximum.accumulate(information)
        self._drift = drift
        self._places: Array = np.zeros(1)
        self._masses: Array = np.ones(1)  # all of it at zero, before the first look
        self._before = 0.0

    def is_still(self, look: int) -> bool:
        """Whether there is too little news for the nodes to tell: it counts with the next look's."""
        return self._news(look) < STILL * float(self._information[look])

    def leeway(self, look: int) -> float:
        """What is added to the last bound at a still look, so that nearly nobody passes who did not pass before."""
        return float(STILL_SIGMAS * np.sqrt(self._news(look) / self._information[look]))

    def _news(self, look: int) -> float:
        return float(self._information[look]) - self._before

    def exit(self, look: int, bound: float) -> float:
        """Probability to pass the bound at this look and none before."""
        edge = bound * np.sqrt(self._information[look])
        sd, mean = self._step(look)
        outside = ndtr((mean - edge) / sd) + ndtr((-edge - mean) / sd)
        return float(self._masses @ outside)

    def bound(self, look: int, probability: float) -> float:
        if probability <= 0 or self.exit(look, FARTHEST) >= probability:
            return FARTHEST
        if self.exit(look, 0.0) <= probability:  # at a level near 1: fewer are left than are to pass
            return 0.0
        return float(optimize.brentq(lambda bound: self.exit(look, bound) - probability, 0.0, FARTHEST))

    def go_on(self, look: int, bound: float) -> None:
        sd, mean = self._step(look)
        edge = min(bound, FARTHEST) * np.sqrt(self._information[look])
        low, high = max(-edge, mean.min() - FARTHEST * sd), min(edge, mean.max() + FARTHEST * sd)
        nodes, weights = _gauss()
        places = (high - low) / 2 * nodes + (high + low) / 2
        density = (
            np.exp(-0.5 * ((places[:, None] - mean) / sd) ** 2) @ self._masses / (sd * np.sqrt(2 * np.pi))
        )
        self._masses = density * weights * (high - low) / 2
        self._places, self._before = places, float(self._information[look])

    def _step(self, look: int) -> tuple[float, Array]:
        """Standard deviation and mean of where the walk gets to."""
        more = self._news(look)
        return float(np.sqrt(more)), self._places + self._drift * more


def repeated_p(
    z: Sequence[float] | Array,
    times: Sequence[float] | Array,
    *,
    information: Sequence[float] | Array | None = None,
) -> float:
    """The smallest level at which a look so far would have called it; 1 where none would at any."""

    def passes(log_alpha: float) -> bool:
        critical = bounds(times, information=information, alpha=float(np.exp(log_alpha)))
        return bool((np.abs(np.asarray(z)) >= critical).any())

    low, high = np.log(1e-12), np.log(0.999)
    if not passes(high):
        return 1.0
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return float(np.exp(high))


def always_valid_p(z: Array, information: Array, *, detectable: Array | float) -> Array:
    """Running p-value: at any look, whatever was looked at before, it is below alpha in at most alpha of null tests.

    `detectable` is the effect for which the mixture is tuned, on the scale of 1 / sqrt(information).
    """
    news = np.asarray(information * detectable**2)
    evidence = 0.5 * np.asarray(z) ** 2 * news / (1 + news) - 0.5 * np.log1p(news)
    p = np.exp(-np.maximum(np.nan_to_num(evidence, nan=0.0), 0.0))
    return np.minimum.accumulate(p, axis=-1)


def always_valid_bound(information: Array, *, detectable: Array | float, alpha: float = ALPHA) -> Array:
    """Critical values of |z|, and half widths of the confidence sequence in standard errors."""
    news = np.asarray(information * detectable**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(2 * (1 + 1 / news) * np.log(np.sqrt(1 + news) / alpha))


def narrowed(low: Array, high: Array) -> tuple[Array, Array]:
    """The intersection of the intervals so far, which a confidence sequence may take."""
    return np.maximum.accumulate(low, axis=-1), np.minimum.accumulate(high, axis=-1)


def sample_ratio_p(counts: Array, weights: Sequence[float]) -> Array:
    """Running p-value that users came in the ratio of the weights; `counts` are (..., looks, variants), cumulative.

    Lindon and Malek, "Anytime-valid inference for multinomial count data" (2022): the multinomial mixture whose
    Dirichlet prior has the ratio as its mean.
    """
    expected = np.asarray(weights, float) / np.sum(weights)
    prior = RATIO_PRIOR * expected
    total = counts.sum(axis=-1)
    evidence = (
        gammaln(RATIO_PRIOR)
        - gammaln(RATIO_PRIOR + total)
        + (gammaln(prior + counts) - gammaln(prior) - counts * np.log(expected)).sum(axis=-1)
    )
    return np.minimum.accumulate(np.exp(-np.maximum(evidence, 0.0)), axis=-1)
