"""What is kept of the users of a variant: their number, sums and sums of products of four figures of each.

The figures of a user, in order: OUTCOME (what the metric counts), BASE (what it is divided by; 1 for a mean over
users), BEFORE and BEFORE_BASE (the same of the days before the user was first exposed).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FIGURES = ("outcome", "base", "before", "before_base")
OUTCOME, BASE, BEFORE, BEFORE_BASE = range(4)


@dataclass(frozen=True)
class Moments:
    """`n` of shape (...), `sums` of (..., 4), `products` of (..., 4, 4): symmetric."""

    n: Array
    sums: Array
    products: Array

    @classmethod
    def of(cls, figures: Array) -> Moments:
        """The moments of users' figures, whose shape is (..., users, 4)."""
        n = np.full(figures.shape[:-2], float(figures.shape[-2]))
        return cls(n, figures.sum(axis=-2), np.swapaxes(figures, -1, -2) @ figures)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.sums + other.sums, self.products + other.products)

    def at(self, index: Any) -> Moments:
        """A part along the leading axes."""
        return Moments(self.n[index], self.sums[index], self.products[index])

    @property
    def means(self) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.sums / self.n[..., None]

    @property
    def covariance(self) -> Array:
        """Unbiased, (..., 4, 4); NaN for fewer than two users."""
        means = self.means
        outer = means[..., :, None] * means[..., None, :] * self.n[..., None, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.products - outer) / np.where(self.n > 1, self.n - 1, np.nan)[..., None, None]
