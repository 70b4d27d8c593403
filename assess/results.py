"""Figures of jobs: means with intervals, differences from popularity, and which choice costs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assess.trials import PERSONAL, Done, Judged
from assess.verdicts import Interval, interval
from osusume_engine.metrics import coverage, sameness

POPULARITY = "popularity"
BASELINES = frozenset({POPULARITY, "own history", "item-kNN", "popular this week"})


@dataclass(frozen=True)
class Way:
    """One way to make lists: figures at 25 over all tested users. against: NDCG minus popularity's, same users."""

    name: str
    ndcg: Interval
    mrr: Interval
    precision: Interval
    coverage: float
    sameness: float
    against: Interval | None
    light: Interval  # users of the lower third of history lengths
    heavy: Interval  # of the upper third

    @property
    def is_recipe(self) -> bool:
        return self.name not in BASELINES


@dataclass(frozen=True)
class Gain:
    """What a choice adds to the personal recipe's NDCG@25, same users; `added` without it - with it turned around."""

    name: str
    gain: Interval


def ways(done: Sequence[Done], kind: str, *, n_items: int) -> tuple[Way, ...]:
    by_name = _pooled([one for one in done if one.job.kind == kind and not one.job.variant])
    if not by_name:
        return ()
    base = by_name.get(POPULARITY)
    return tuple(_way(parts, base, n_items) for parts in by_name.values())


def gains(done: Sequence[Done]) -> tuple[Gain, ...]:
    """A variant beside the plain recipe, on the folds that have both."""
    plain = {
        one.job.fold: one.judged[0]
        for one in done
        if (one.job.kind, one.job.name, one.job.variant) == ("personal", PERSONAL, "") and one.judged
    }
    found = []
    for variant in ("no metadata", "weights", "threshold"):
        pairs = [
            (one.judged[0], plain[one.job.fold]) for one in done if one.job.variant == variant and one.judged
        ]
        if pairs:
            difference = np.concatenate([other.ndcg - mine.ndcg for other, mine in pairs])
            sign = -1 if variant == "no metadata" else 1
            found.append(Gain(variant, interval(sign * difference)))
    return tuple(found)


def refusals(done: Sequence[Done]) -> Mapping[str, str]:
    """The recipes that can't be trained, with the reason."""
    return {one.job.name: one.refused for one in done if one.refused and one.job.kind != "by time"}


def _pooled(done: Sequence[Done]) -> dict[str, Judged]:
    """The folds of each name behind each other."""
    parts: dict[str, list[Judged]] = {}
    for one in done:
        for judged in one.judged:
            parts.setdefault(judged.name, []).append(judged)
    return {name: _joined(name, several) for name, several in parts.items()}


def _joined(name: str, parts: Sequence[Judged]) -> Judged:
    columns = ("users", "lengths", "ndcg", "mrr", "precision", "lists")
    return Judged(name, *(np.concatenate([getattr(part, column) for part in parts]) for column in columns))


def _way(mine: Judged, base: Judged | None, n_items: int) -> Way:
    comparable = base is not None and base.name != mine.name and np.array_equal(base.users, mine.users)
    low, high = np.quantile(mine.lengths, [1 / 3, 2 / 3])
    return Way(
        mine.name,
        interval(mine.ndcg),
        interval(mine.mrr),
        interval(mine.precision),
        coverage(mine.lists, n_items),
        sameness(mine.lists),
        interval(mine.ndcg - base.ndcg) if comparable and base is not None else None,
        interval(mine.ndcg[mine.lengths <= low]),
        interval(mine.ndcg[mine.lengths >= high]),
    )


def best_recipe(found: Sequence[Way], among: Sequence[str]) -> str | None:
    """The first (cheapest) of `among` whose interval reaches the best one's mean; None where none was tried."""
    tried = {way.name: way for way in found if way.name in among}
    if not tried:
        return None
    top = max(way.ndcg.mean for way in tried.values())
    return next((name for name in among if name in tried and tried[name].ndcg.high >= top), None)


def personal_pays(found: Sequence[Way]) -> bool:
    """Whether the personal recipe beats popularity beyond noise."""
    return any(
        way.name == PERSONAL and way.against is not None and way.against.verdict == "better" for way in found
    )
