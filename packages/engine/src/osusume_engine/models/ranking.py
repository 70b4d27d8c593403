"""Lists of fixed length, made of scored candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from osusume_engine.models.candidates import Candidates

Mask = Callable[[np.ndarray], np.ndarray]  # item codes -> bool, which may be recommended


@dataclass
class Lists:
    """(queries, k) item codes and scores, best first; -1 and 0 where a list is shorter."""

    items: np.ndarray
    scores: np.ndarray

    @property
    def shortest(self) -> int:
        return int((self.items >= 0).sum(axis=1).min()) if len(self.items) else 0

    @staticmethod
    def empty(queries: int, k: int) -> Lists:
        return Lists(np.full((queries, k), -1, dtype=np.int64), np.zeros((queries, k)))

    @staticmethod
    def stacked(parts: list[Lists], k: int) -> Lists:
        if not parts:
            return Lists.empty(0, k)
        return Lists(np.concatenate([p.items for p in parts]), np.concatenate([p.scores for p in parts]))


def normalised(log_odds: np.ndarray, pairs: Candidates) -> np.ndarray:
    """Positive, sums to 1 within each query."""
    top = np.repeat(np.maximum.reduceat(log_odds, pairs.starts), pairs.counts)
    weights = np.exp(np.clip(log_odds - top, -60, 0))
    return weights / np.repeat(np.add.reduceat(weights, pairs.starts), pairs.counts)


def best_of(pairs: Candidates, scores: np.ndarray, queries: int, k: int, allowed: Mask | None) -> Lists:
    rows, items = pairs.rows, pairs.items
    if allowed is not None and len(items):
        keep = allowed(items)
        rows, items, scores = rows[keep], items[keep], scores[keep]
    order = np.lexsort((-scores, rows))
    rows, items, scores = rows[order], items[order], scores[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    top = place < k
    lists = Lists.empty(queries, k)
    lists.items[rows[top], place[top]] = items[top]
    lists.scores[rows[top], place[top]] = scores[top]
    return lists


def popular_tail(
    lists: Lists,
    counts: np.ndarray,
    k: int,
    allowed: Mask | None,
    *,
    mass: float,
    never: np.ndarray | None = None,
) -> Lists:
    """Fills short lists with the most popular items: together at most `mass`, none above the list's last.

    never: per query, one item code that must not be listed (or -1).
    """
    short = np.flatnonzero((lists.items < 0).any(axis=1))
    if not len(short):
        return lists
    order = np.argsort(-counts, kind="stable")
    if allowed is not None:
        order = order[allowed(order)]
    share = (counts + 1) / (counts + 1).sum()
    for row in short:
        mine = order if never is None else order[order != never[row]]
        _fill(lists, int(row), mine, share, k, mass)
    return lists


def _fill(lists: Lists, row: int, order: np.ndarray, share: np.ndarray, k: int, mass: float) -> None:
    have = int((lists.items[row] >= 0).sum())
    fresh = order[: k + have]
    fresh = fresh[~np.isin(fresh, lists.items[row, :have])][: k - have]
    scores = np.minimum(mass * share[fresh], lists.scores[row, have - 1]) if have else share[fresh]
    lists.items[row, have : have + len(fresh)] = fresh
    lists.scores[row, have : have + len(fresh)] = scores
