"""Simulated users: when they come, what they click and buy of what they were shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from local.month import plan

COMES = 0.4  # on a day
CLICKS = 0.06  # a mean user's rate at the first position
FADING = 0.85  # of attention, from one position to the next
FAVOURITE = 1.6  # times as often, an item of the favourite category
BUYS = 0.15  # of what was clicked
CATEGORIES = 6
ITEMS = 120


@dataclass(frozen=True)
class People:
    """`taste`: how much more than others a user clicks; `favourite`: a category."""

    taste: NDArray[np.float64]
    favourite: NDArray[np.int64]

    @classmethod
    def made(cls, count: int, rng: np.random.Generator) -> People:
        return cls(rng.gamma(8.0, 1 / 8.0, count), rng.integers(0, CATEGORIES, count))

    @property
    def names(self) -> list[str]:
        return [user(n) for n in range(len(self.taste))]

    def comers(self, rng: np.random.Generator) -> list[int]:
        return [int(n) for n in np.flatnonzero(rng.random(len(self.taste)) < COMES)]

    def clicked(self, who: int, shown: Sequence[str], *, lift: float, rng: np.random.Generator) -> list[str]:
        """The planted lift is of the expected clicks, whatever was shown."""
        fits = np.array([FAVOURITE if category(item) == self.favourite[who] else 1.0 for item in shown])
        rate = CLICKS * self.taste[who] * fits * FADING ** np.arange(len(shown)) * (1 + lift)
        return [item for item, yes in zip(shown, rng.random(len(shown)) < rate, strict=True) if yes]


def user(number: int) -> str:
    return f"simulated-user-{number:05}"


def item(number: int) -> str:
    return f"simulated-item-{number:04}"


def category(name: str) -> int:
    return int(name[-4:]) % CATEGORIES


def is_lost(who: int, *, seed: int) -> bool:
    """Whether the application loses what this user is shown in the faulty variant: the same every day."""
    return bool(np.random.default_rng((seed, who)).random() < plan.LOSS)
