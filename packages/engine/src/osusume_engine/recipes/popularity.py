"""Popularity-Count and Trending-Now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osusume_engine.histories import Histories, profile
from osusume_engine.models.model import Answers
from osusume_engine.models.ranking import Lists, Mask
from osusume_engine.recipes.learning import Learned, Task, metrics_of
from osusume_engine.storage import storable


@storable
@dataclass(frozen=True)
class Ordered(Answers):
    """One list for everybody. weights: per item, not negative."""

    weights: np.ndarray

    def recommend(
        self,
        queries: Histories,
        k: int,
        *,
        allowed: Mask | None = None,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> Lists:
        """allowed is applied to the whole catalogue."""
        order = np.argsort(-self.weights, kind="stable")
        if allowed is not None:
            order = order[allowed(order)]
        top = order[:k]
        lists = Lists.empty(len(queries), k)
        lists.items[:, : len(top)] = top
        lists.scores[:, : len(top)] = (self.weights / max(self.weights.sum(), 1e-12))[top]
        return lists


def learn_popularity(task: Task) -> Learned:
    split = task.holdout()
    lists = fit_popularity(split.train, task.n_items).recommend(split.seen, 25)
    model = fit_popularity(task.prepared.histories, task.n_items)
    return Learned(model, metrics_of(lists.items, split, task.n_items), lists.items)


def fit_popularity(histories: Histories, n_items: int) -> Ordered:
    """Unique users per item."""
    return Ordered(unique_users(histories, n_items))


def unique_users(histories: Histories, n_items: int) -> np.ndarray:
    return np.asarray(profile(histories, n_items).sum(axis=0, dtype=np.float64)).ravel()
