from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories
from osusume_engine.storage import storable


@storable
@dataclass(frozen=True)
class Popularity:
    """Scores per item, float32."""

    users: np.ndarray
    events: np.ndarray
    recent: np.ndarray  # events that halve every twentieth of the data's time span
    event_weight: np.ndarray  # mean weight of the item's events, smoothed
    repeat_rate: np.ndarray  # share of events by users who already had the item, smoothed

    @cached_property
    def by_events(self) -> np.ndarray:
        """Item codes, most first."""
        return np.argsort(-self.events, kind="stable")

    @cached_property
    def by_users(self) -> np.ndarray:
        return np.argsort(-self.users, kind="stable")

    @staticmethod
    def fit(histories: Histories, users_by_items: sp.csr_matrix) -> Popularity:
        n_items = users_by_items.shape[1]
        users = np.asarray(users_by_items.sum(axis=0)).ravel().astype(np.float32)
        events = np.bincount(histories.items, minlength=n_items).astype(np.float32)
        age = histories.times.max(initial=0) - histories.times
        half_life = max(int(age.max(initial=0)) / 20, 1.0)
        recent = np.bincount(histories.items, 0.5 ** (age / half_life), minlength=n_items)
        overall = 1 - users.sum() / max(events.sum(), 1)
        repeat_rate = (events - users + 5 * overall) / (events + 5)
        mean = histories.weights.mean() if len(histories.weights) else 1.0
        weight = (np.bincount(histories.items, histories.weights, minlength=n_items) + 5 * mean) / (
            events + 5
        )
        return Popularity(
            users,
            events,
            recent.astype(np.float32),
            weight.astype(np.float32),
            repeat_rate.astype(np.float32),
        )
