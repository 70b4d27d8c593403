"""Steers a personal model's lists by an objective, the context of the request and a new user's metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osusume_engine.histories import Histories
from osusume_engine.models.contexts import Contexts
from osusume_engine.models.generators import Generators
from osusume_engine.models.model import Answers, Personal
from osusume_engine.models.newcomers import Newcomers
from osusume_engine.models.objective import Lean
from osusume_engine.models.personalization import Personalizer
from osusume_engine.models.ranking import Lists, Mask
from osusume_engine.storage import storable

POOL = 200  # best items of the model that may change places


@storable
@dataclass(frozen=True)
class Steered(Answers):
    base: Personalizer
    lean: Lean | None
    contexts: Contexts | None
    newcomers: Newcomers | None = None

    @property
    def generators(self) -> Generators:
        return self.base.generators

    @property
    def imitable(self) -> Personalizer | None:
        """An objective's order is not imitated."""
        return self.base if self.lean is None else None

    @property
    def personal(self) -> Personal:
        return self

    def recommend(
        self,
        queries: Histories,
        k: int,
        *,
        allowed: Mask | None = None,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> Lists:
        """context: (queries, columns) codes of Contexts; traits: of Newcomers. None where there are none."""
        if self.lean is None and context is None and traits is None:
            return self.base.recommend(queries, k, allowed=allowed)
        pool = self.base.recommend(queries, max(POOL, k), allowed=allowed)
        scores = self._steered(pool.scores, pool.items, context, traits)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return Lists(np.take_along_axis(pool.items, order, 1), np.take_along_axis(scores, order, 1))

    def rank(
        self,
        query: Histories,
        items: np.ndarray,
        *,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> np.ndarray:
        scores = self.base.rank(query, items)
        return self._steered(scores[None, :], items[None, :], context, traits)[0]

    def moment(self, context: Mapping[str, str] | None) -> np.ndarray | None:
        """The codes of a request's context; None where it can't matter."""
        if self.contexts is None or not context:
            return None
        codes = self.contexts.codes(context)
        return codes if (codes >= 0).any() else None

    def traits(self, users: Sequence[str]) -> np.ndarray | None:
        """The codes of users without events; None where they say nothing about any of them."""
        if self.newcomers is None:
            return None
        codes = self.newcomers.of(users)
        return codes if (codes >= 0).any() else None

    def _steered(
        self, scores: np.ndarray, items: np.ndarray, context: np.ndarray | None, traits: np.ndarray | None
    ) -> np.ndarray:
        """Scores in the new order, with the sum that they had."""
        standing = np.where(items >= 0, np.log(np.maximum(scores, 1e-12)), -np.inf)
        if context is not None and self.contexts is not None:
            standing = standing + self.contexts.bias(context, items)
        if traits is not None and self.newcomers is not None:
            standing = standing + self.newcomers.bias(traits, items)
        if self.lean is not None:
            standing = self.lean.applied(standing, items)
        top = standing.max(axis=1, keepdims=True, initial=-1e9)
        weights = np.exp(np.clip(standing - top, -60, 0)) * (items >= 0)
        return (
            weights
            / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
            * scores.sum(axis=1, keepdims=True)
        )
