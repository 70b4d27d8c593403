"""What a campaign's or batch job's configuration does to a list after the model: influence and exploration.

Ranking influence blends relevance with popularity and freshness; exploration lets some items without a
history in. The service documents what these do, not how: the formulas are ours.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

DAY = 86_400
POOL_FACTOR = 4
MAX_POOL = 500
# The share of a list that explores at weight 1.
EXPLORED_SHARE = 0.25

Allowed = Callable[[Any], Any]


@dataclass(frozen=True)
class Reordering:
    """`popularity` and `freshness` are ranks from 0 to 1 by item code; `cold` are the ids to explore."""

    model: Any
    popularity: np.ndarray
    freshness: np.ndarray
    cold: tuple[str, ...]
    influence: Mapping[str, float]
    exploration: float

    @classmethod
    def of(
        cls,
        model: Any,
        *,
        created: Mapping[str, int] | None,
        influence: Mapping[str, float],
        exploration: Mapping[str, float],
    ) -> Reordering | None:
        """None where there is nothing to do. `created` are creation times of items in epoch seconds."""
        weights = {key: float(value) for key, value in influence.items() if value}
        explored = float(exploration.get("explorationWeight", 0.0))
        if not weights and not explored:
            return None
        counts = np.bincount(model.histories.items, minlength=len(model.items.values))
        times = _creation_times(model, created or {})
        return cls(
            model=model,
            popularity=_ranks(counts),
            freshness=_ranks(times),
            cold=_cold(model, counts, times, days=float(exploration.get("explorationItemAgeCutOff", 30))),
            influence=weights,
            exploration=explored,
        )

    def pool(self, num_results: int) -> int:
        """How many items to ask the model for."""
        return max(num_results, min(num_results * POOL_FACTOR, MAX_POOL)) if self.influence else num_results

    def apply(
        self, scored: Sequence[Any], num_results: int, *, query: str, allowed: Allowed | None = None
    ) -> list[Any]:
        listed = self._influenced(scored) if self.influence else list(scored)
        return self._explored(listed[:num_results], query, allowed)

    def _influenced(self, scored: Sequence[Any]) -> list[Any]:
        codes = self.model.items.codes([one.id for one in scored])
        known = codes >= 0
        total = max(1.0, sum(self.influence.values()))
        relevance = 1.0 - np.arange(len(scored)) / max(len(scored), 1)
        blended = relevance * (1.0 - sum(self.influence.values()) / total)
        for name, ranks in (("POPULARITY", self.popularity), ("FRESHNESS", self.freshness)):
            weight = self.influence.get(name, 0.0) / total
            blended += weight * np.where(known, ranks[np.maximum(codes, 0)], 0.0)
        order = np.argsort(-blended, kind="stable")
        return [replace(scored[i], score=float(blended[i])) for i in order]

    def _explored(self, listed: list[Any], query: str, allowed: Allowed | None) -> list[Any]:
        """Replaces some items below the first by cold ones; the same query explores the same."""
        slots = int(len(listed) * self.exploration * EXPLORED_SHARE)
        present = {one.id for one in listed}
        chance = random.Random(query)
        fresh = [item for item in self.cold if item not in present]
        if allowed is not None and fresh:
            fresh = [item for item, kept in zip(fresh, allowed(fresh), strict=True) if kept]
        chosen = chance.sample(fresh, min(slots, len(fresh)))
        places = chance.sample(range(1, len(listed)), min(len(chosen), max(len(listed) - 1, 0)))
        for place, item in zip(sorted(places), chosen, strict=False):
            listed[place] = replace(listed[place], id=item)
        return listed


def creation_times(items: pd.DataFrame | None) -> dict[str, int]:
    """By item; `items` is the Items dataset, its ids a column or the index."""
    if items is None or "CREATION_TIMESTAMP" not in items:
        return {}
    ids = items.get("ITEM_ID", items.index)
    known = items["CREATION_TIMESTAMP"].notna().to_numpy()
    times = items["CREATION_TIMESTAMP"].to_numpy()[known].astype("int64")
    return dict(zip(np.asarray(ids)[known].tolist(), times.tolist(), strict=True))


def _creation_times(model: Any, created: Mapping[str, int]) -> np.ndarray:
    """An item without a creation time is as old as its first event."""
    times = np.full(len(model.items.values), np.iinfo(np.int64).max)
    np.minimum.at(times, model.histories.items, model.histories.times)
    unseen = times == np.iinfo(np.int64).max
    times[unseen] = model.histories.times.max() if len(model.histories.times) else 0
    for code, item in enumerate(model.items.values):
        times[code] = created.get(item, times[code])
    return times


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 0 for the least to 1 for the greatest; equal values share the mean."""
    ranks = pd.Series(values).rank(method="average").to_numpy(copy=True) - 1.0
    return ranks / max(len(values) - 1, 1)


def _cold(model: Any, counts: np.ndarray, times: np.ndarray, *, days: float) -> tuple[str, ...]:
    """Items without events that are younger than the cut-off, seen from the newest event."""
    newest = model.histories.times.max() if len(model.histories.times) else 0
    young = (counts == 0) & (times >= newest - days * DAY)
    return tuple(model.items.values[young])
