"""How many users and days an experiment needs before it may be expected to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from scipy import optimize, stats

from analysis import sequential
from analysis.moments import Array

POWER = 0.8
MOST_LOOKS = 60  # more looks than that differ by nothing that a plan could promise


@dataclass(frozen=True)
class Plan:
    """`users` are those of all variants that the comparison needs, `days` at the traffic that was given."""

    users: int
    days: int
    information: float
    """1 over the variance that the difference must come to."""


def plan(
    *,
    control: float,
    variance: float,
    detectable: float,
    shares: tuple[float, float],
    daily_users: float,
    looks: int = 1,
    declared: bool = True,
    alpha: float = sequential.ALPHA,
    power: float = POWER,
) -> Plan:
    """`variance` is that of one user's share in the metric, `detectable` a relative effect, `shares` those of control
    and variant among the experiment's users. Raises ValueError where no number of users would do.
    """
    difference = abs(control * detectable)
    if not (difference > 0 and variance > 0 and min(shares) > 0 and daily_users > 0):
        raise ValueError(
            f"nothing to plan with: control {control:g}, variance {variance:g}, daily users {daily_users:g} must all "
            "be above 0: wait for the first days' rows, or take the metric's of the days before"
        )
    information = (needed_drift(min(looks, MOST_LOOKS), declared, alpha, power) / difference) ** 2
    users = information * variance * (1 / shares[0] + 1 / shares[1])
    return Plan(ceil(users), ceil(users / daily_users), information)


@lru_cache(maxsize=256)
def needed_drift(looks: int, declared: bool, alpha: float = sequential.ALPHA, power: float = POWER) -> float:
    """The mean of z at the last look with which a test of so many equal looks is called with the wanted power."""
    if looks == 1 and declared:
        return _single(alpha, power)
    times = np.arange(1, looks + 1) / looks
    critical = _declared(times, alpha) if declared else _undeclared(times, alpha)

    def missing(drift: float) -> float:
        return sequential.crossing(critical(drift), times, drift=drift) - power

    return float(optimize.brentq(missing, 0.5, 12.0, xtol=1e-4))


def _single(alpha: float, power: float) -> float:
    return float(stats.norm.isf(alpha / 2) + stats.norm.ppf(power))


def _declared(times: Array, alpha: float) -> Callable[[float], Array]:
    found = sequential.bounds(times, alpha=alpha)
    return lambda drift: found


def _undeclared(times: Array, alpha: float) -> Callable[[float], Array]:
    """Information is drift squared at the end, where the effect is the detectable one."""
    return lambda drift: sequential.always_valid_bound(times * drift**2, detectable=1.0, alpha=alpha)
