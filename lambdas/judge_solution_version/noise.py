"""How far two equally good versions' metrics lie apart: GetSolutionMetrics answers means and no variance.

With a history: half the mean square of successive differences (von Neumann, Kent, Bellinson, Hart: "The mean square
successive difference", Annals of Mathematical Statistics 12, 1941), which a slow drift of the data does not swell.
For n values, as if of 2(n-1)^2/(3n-4) degrees of freedom; Student's quantile by Abramowitz and Stegun 26.7.5. Only
versions that passed are remembered: what is seen is a normal distribution without its lowest share, whose mean lies
higher and whose deviation is smaller by what Johnson, Kotz and Balakrishnan ("Continuous univariate distributions",
volume 1, 13.10.1) give.

Without: a metric between 0 and 1 that is a mean over tested users has a variance of at most m(1-m)/n (Bhatia and
Davis: "A better bound on the variance", American Mathematical Monthly 107, 2000). Personalize tests one user in ten.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

LEAST_HISTORY = 5  # values; with fewer, their differences say less than the bound
TESTED_SHARE = 0.1  # "Evaluating a solution version with metrics"


@dataclass(frozen=True)
class Noise:
    """`deviation` of one value; `quantile`: how many of them a difference may reach by chance.

    `lifted`: by how many the mean of those that passed lies above the mean of all.
    """

    deviation: float
    quantile: float
    source: str
    lifted: float = 0.0

    def margin(self, *, averaged: int) -> float:
        """The margin of one value below the mean of `averaged` others, in the metric's own unit."""
        by_chance = self.quantile * math.sqrt(1 + 1 / max(averaged, 1))
        return self.deviation * (by_chance + self.lifted)


NONE = Noise(0.0, 0.0, "unknown")


def noise(*, history: Sequence[float], level: float, users: int | None, false_rejections: float) -> Noise:
    """The noise of a metric; `users` are those whom a tenth is tested of, None where that is not known."""
    normal = NormalDist().inv_cdf(1 - false_rejections)
    if len(history) >= LEAST_HISTORY:
        quantile = student(normal, freedom=freedom(len(history)))
        lifted, narrowed = cut_off(normal, share=false_rejections)
        return Noise(successive(history) / narrowed, quantile, f"of {len(history)} versions", lifted)
    if users and 0 < level < 1:
        tested = max(1.0, TESTED_SHARE * users)
        return Noise(
            math.sqrt(level * (1 - level) / tested), normal, f"at most, of {tested:.0f} tested users"
        )
    return NONE


def successive(values: Sequence[float]) -> float:
    """The standard deviation, by successive differences."""
    squares = [(after - before) ** 2 for before, after in itertools.pairwise(values)]
    return math.sqrt(sum(squares) / (2 * len(squares)))


def cut_off(normal: float, *, share: float) -> tuple[float, float]:
    """(mean, deviation) of a standard normal distribution without its lowest share, which ends at -normal."""
    lifted = NormalDist().pdf(normal) / (1 - share)
    return lifted, math.sqrt(1 - normal * lifted - lifted**2)


def freedom(count: int) -> float:
    return 2 * (count - 1) ** 2 / (3 * count - 4)


def student(normal: float, *, freedom: float) -> float:
    """Student's quantile where the normal distribution's is `normal`."""
    first = (normal**3 + normal) / 4
    second = (5 * normal**5 + 16 * normal**3 + 3 * normal) / 96
    third = (3 * normal**7 + 19 * normal**5 + 17 * normal**3 - 15 * normal) / 384
    return normal + first / freedom + second / freedom**2 + third / freedom**3
