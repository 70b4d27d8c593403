"""How a user comes back to each of their own items: by the clock, and by visits."""

from __future__ import annotations

import numpy as np

from osusume_engine.histories import Histories

DAY = 86_400.0
HALF_LIVES = {"week": 7 * DAY, "month": 30 * DAY, "quarter": 91 * DAY}
VISITS = 10.0  # half life of recent_visits
OWN = (*HALF_LIVES, "visits", "visits_since", "visit_rate", "recent_visits")
SHARED = (
    "month",
    "quarter",
    "visit_rate",
    "recent_visits",
)  # those that are also told as a share of the best


class Habits:
    """columns: name -> value of every (user, item) pair with events, ascending, as own_events orders them.

    A visit is all events of one user in one second, such as the lines of a receipt.
    """

    def __init__(self, histories: Histories, n_items: int) -> None:
        owners, last = histories.owners, np.maximum(histories.ptr[1:] - 1, 0)
        key = owners.astype(np.int64) * n_items + histories.items
        order = np.argsort(key, kind="stable")  # oldest first within a pair
        key = key[order]
        self._starts = np.flatnonzero(_changes(key))
        age = (histories.last_times[owners] - histories.times)[order].astype(np.float64)
        visit = np.cumsum(_changes(owners) | _changes(histories.times))
        back = ((visit[last] if len(key) else last)[owners] - visit)[order].astype(np.float64)
        self.visits = np.bincount(
            owners, _changes(owners) | _changes(histories.times), minlength=len(histories)
        )
        self.events = histories.lengths
        self.columns = self._columns(key, age, back)

    def _columns(self, key: np.ndarray, age: np.ndarray, back: np.ndarray) -> dict[str, np.ndarray]:
        fresh = (_changes(key) | _changes(back)).astype(np.float64)  # the first event of the pair in a visit
        visits, oldest = self._sum(fresh), back[self._starts]
        return {
            **{name: self._sum(0.5 ** (age / half_life)) for name, half_life in HALF_LIVES.items()},
            "visits": visits,
            "visits_since": np.minimum.reduceat(back, self._starts) if len(back) else back,
            "visit_rate": visits / (oldest + 1),
            "recent_visits": self._sum(fresh * 0.5 ** (back / VISITS)),
        }

    def _sum(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, self._starts) if len(values) else values


def _changes(values: np.ndarray) -> np.ndarray:
    """bool, True where a value differs from the one before."""
    result = np.ones(len(values), dtype=bool)
    result[1:] = values[1:] != values[:-1]
    return result
