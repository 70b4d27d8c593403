"""popularity_discount_factor: how far a related list goes with its item, rather than with every item.

The guide (recipes SIMS, Similar-Items): "Specify a value closer to zero to include more popular items. Specify
a value closer to one for less emphasis on popularity." How that is reckoned is not documented, so it is ours
(ADR 20).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osusume_engine.models.popularity import Popularity
from osusume_engine.models.ranking import Lists
from osusume_engine.storage import storable

MOST_POPULAR = 25  # items that places are counted for: as many as the metrics look at,
TENTH = (
    10  # and at most a tenth of the catalogue: in a small one the others are few, and not all worth a place
)


@storable
@dataclass(frozen=True)
class Discount:
    """factor: 0 takes nothing off; with 1 a hit is worth the less the more users its item has, in proportion."""

    factor: float = 0.0

    def worth(self, users: np.ndarray) -> np.ndarray:
        """float32, of a hit on items with so many users: popularity^-factor. Rankers learn and are judged by it."""
        return ((users + 1.0) ** -self.factor).astype(np.float32)

    def spread(self, lists: Lists, popularity: Popularity, k: int) -> Lists:
        """The first k entries, of which popular ones wait until they fit.

        Of the first n places at most (1 - factor) n, rounded up, go to the MOST_POPULAR most popular items, as
        long as there are others: give k + MOST_POPULAR entries, so that there are. Scores stay with the places.
        """
        if not self.factor:
            return Lists(lists.items[:, :k], lists.scores[:, :k])
        popular = np.zeros(len(popularity.users), dtype=bool)
        popular[popularity.by_users[: min(MOST_POPULAR, len(popular) // TENTH)]] = True
        listed = lists.items >= 0
        order = _places(listed & popular[lists.items], listed & ~popular[lists.items], 1 - self.factor, k)
        taken = np.take_along_axis(lists.items, np.maximum(order, 0), axis=1)
        scores = np.take_along_axis(lists.scores, np.maximum(order, 0), axis=1)
        items = np.where(order >= 0, taken, -1)
        return Lists(items, -np.sort(-np.where(order >= 0, scores, 0), axis=1))


def _places(popular: np.ndarray, others: np.ndarray, share: float, k: int) -> np.ndarray:
    """(queries, k): the column that takes each place, -1 where none is left.

    popular, others: bool (queries, width), best first. The better one of the next popular and the next other
    one is taken; a popular one only within its share of the places so far.
    """
    end = popular.shape[1]
    queues = [np.append(np.argsort(~one, axis=1, kind="stable"), np.full((len(one), 1), end), axis=1)
              for one in (popular, others)]  # fmt: skip
    lengths = [popular.sum(axis=1), others.sum(axis=1)]
    rows, at = np.arange(len(popular)), [np.zeros(len(popular), int), np.zeros(len(popular), int)]
    order = np.full((len(popular), k), -1)
    for place in range(k):
        first, other = (
            np.where(at[kind] < lengths[kind], queues[kind][rows, np.minimum(at[kind], end)], end)
            for kind in (0, 1)
        )
        fits = at[0] < np.ceil(share * (place + 1) - 1e-9)
        takes = (first < other) & (fits | (other == end))
        column = np.where(takes, first, other)
        order[:, place] = np.where(column < end, column, -1)
        at = [at[0] + takes, at[1] + (~takes & (other < end))]
    return order
