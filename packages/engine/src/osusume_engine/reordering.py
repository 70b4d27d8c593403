"""What a campaign's or batch job's configuration does to a list after the model: influence and exploration.

Ranking influence blends relevance with popularity and freshness; exploration lets some items without a
history in. The service documents what these do, not how: the formulas are ours.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from osusume_engine.models.exploration import (
    HISTORY,
    Descriptions,
    Explorer,
    Impressions,
    creation_series,
    explorable,
    slots,
)

if TYPE_CHECKING:
    from osusume_engine.models.model import IdMask
    from osusume_engine.training import Scored, TrainedModel

POOL_FACTOR = 4
MAX_POOL = 500
# The share of a list that explores at weight 1.
EXPLORED_SHARE = 0.4
DEFAULT_DAYS = 30


@dataclass(frozen=True)
class Reordering:
    """`popularity` and `freshness` are ranks from 0 to 1 by item code, None where nothing reads them."""

    model: TrainedModel
    popularity: np.ndarray | None
    freshness: np.ndarray | None
    influence: Mapping[str, float]
    explorer: Explorer | None
    exploration: float
    seed: int

    @classmethod
    def of(
        cls,
        model: TrainedModel,
        *,
        items: pd.DataFrame | None,
        influence: Mapping[str, float],
        exploration: Mapping[str, float],
        impressions: Impressions | None = None,
        seed: int = 0,
    ) -> Reordering | None:
        """None where there is nothing to do. `items` is the Items dataset as it is now."""
        weights = {key: float(value) for key, value in influence.items() if value}
        weight = float(exploration.get("explorationWeight", 0.0))
        days = float(exploration.get("explorationItemAgeCutOff", DEFAULT_DAYS))
        ids = explorable(model, items, days=days) if weight else np.zeros(0, dtype=object)
        if not weights and not len(ids):
            return None
        counts = np.bincount(model.histories.items, minlength=len(model.items.values)) if weights else None
        return cls(
            model=model,
            popularity=None if counts is None else _ranks(counts),
            freshness=_ranks(_creation_times(model, creation_series(items))) if weights else None,
            influence=weights,
            explorer=Explorer.of(ids, Descriptions(items), impressions or Impressions())
            if len(ids)
            else None,
            exploration=weight,
            seed=seed,
        )

    def pool(self, num_results: int) -> int:
        """How many items to ask the model for."""
        return max(num_results, min(num_results * POOL_FACTOR, MAX_POOL)) if self.influence else num_results

    def apply(
        self,
        scored: Sequence[Scored],
        num_results: int,
        *,
        query: str,
        recent: Sequence[str] = (),
        allowed: IdMask | None = None,
    ) -> list[Scored]:
        """query: the user (or item) asked for; recent: items of their newest, streamed events."""
        listed = self._influenced(scored) if self.influence else list(scored)
        if self.explorer is None:
            return listed[:num_results]
        return self._explored(listed[:num_results], self.explorer, query, recent, allowed)

    def _influenced(self, scored: Sequence[Scored]) -> list[Scored]:
        codes = self.model.items.codes([one.id for one in scored])
        known = codes >= 0
        total = max(1.0, sum(self.influence.values()))
        relevance = 1.0 - np.arange(len(scored)) / max(len(scored), 1)
        blended = relevance * (1.0 - sum(self.influence.values()) / total)
        for name, ranks in (("POPULARITY", self.popularity), ("FRESHNESS", self.freshness)):
            if ranks is not None:
                weight = self.influence.get(name, 0.0) / total
                blended += weight * np.where(known, ranks[np.maximum(codes, 0)], 0.0)
        order = np.argsort(-blended, kind="stable")
        return [replace(scored[i], score=float(blended[i])) for i in order]

    def _explored(
        self,
        listed: list[Scored],
        explorer: Explorer,
        query: str,
        recent: Sequence[str],
        allowed: IdMask | None,
    ) -> list[Scored]:
        """Some items below the first give their place and score to explored ones."""
        count = slots(len(listed), self.exploration * EXPLORED_SHARE, user=query, seed=self.seed)
        if not count:
            return listed
        chosen = explorer.pick(
            count,
            user=query,
            history=[*self._history(query), *recent],
            present={one.id for one in listed},
            allowed=allowed,
            seed=self.seed,
        )
        places = random.Random(f"places|{self.seed}|{query}").sample(range(1, len(listed)), len(chosen))
        for place, item in zip(sorted(places), chosen, strict=True):
            listed[place] = replace(listed[place], id=item, reason="Exploration")
        return listed

    def _history(self, user: str) -> list[str]:
        code = self.model.users.code(user)
        if code < 0:
            return []
        mine = self.model.histories.user(code).items[-HISTORY:]
        return self.model.items.values[mine].tolist()


def _creation_times(model: TrainedModel, created: pd.Series) -> np.ndarray:
    """An item without a creation time is as old as its first event."""
    newest = int(model.histories.times.max(initial=0))
    first = np.full(len(model.items.values), newest, dtype=np.int64)
    np.minimum.at(first, model.histories.items, model.histories.times)
    known = created.reindex(model.items.values).to_numpy(dtype=float)
    return np.where(np.isnan(known), first, known)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0 for the least to 1 for the greatest; equal values share the mean."""
    ranks = pd.Series(values).rank(method="average").to_numpy(copy=True) - 1.0
    return ranks / max(len(values) - 1, 1)
