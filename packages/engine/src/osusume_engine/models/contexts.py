"""Contextual metadata: which items go with which value of a column of the Interactions dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pandas as pd

from osusume_engine.ids import Ids
from osusume_engine.metrics import beyond_chance, list_ideal_ndcg
from osusume_engine.storage import storable

RESERVED = frozenset(
    "USER_ID ITEM_ID TIMESTAMP EVENT_TYPE EVENT_VALUE IMPRESSION RECOMMENDATION_ID EVENT_ATTRIBUTION_SOURCE".split()
)
MAX_VALUES = 50  # of a column; rarer ones count as unknown
PRIOR = 10.0  # events that an item must have before a value says much about it
# Tried beside 0, the weight of a column that does not help. More than 1 suits a scorer of too steep odds.
WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
CHANCE = 0.0228  # that some useless column seems to help: two standard errors, of one column


@dataclass(frozen=True)
class Events:
    """Context codes of every event, in the order of the histories. codes: (events, columns), -1 unknown."""

    columns: tuple[str, ...]
    values: tuple[Ids, ...]
    codes: np.ndarray

    @staticmethod
    def of(interactions: pd.DataFrame) -> Events:
        columns = tuple(name for name in interactions.columns if name not in RESERVED)
        if not columns:
            return Events((), (), np.zeros((len(interactions), 0), dtype=np.int64))
        users = pd.factorize(interactions["USER_ID"])[0]
        order = np.lexsort((interactions["TIMESTAMP"].to_numpy(dtype=np.int64), users))
        found = [coded(interactions[name]) for name in columns]
        codes = np.stack([codes[order] for _, codes in found], axis=1)
        return Events(columns, tuple(values for values, _ in found), codes)


def coded(column: pd.Series) -> tuple[Ids, np.ndarray]:
    """The frequent values, most frequent first, and each row's code."""
    found, uniques = pd.factorize(column)
    counts = np.bincount(found[found >= 0], minlength=len(uniques))
    chosen = np.argsort(-counts, kind="stable")[:MAX_VALUES]
    code = np.full(len(uniques) + 1, -1)  # the last one is of a missing value
    code[chosen] = np.arange(len(chosen))
    texts = [as_text(value) for value in np.asarray(uniques, dtype=object)[chosen]]
    return Ids(np.array(texts, dtype=object)), code[found]


def as_text(value: object) -> str:
    """Columns of numbers with gaps arrive as floats: 9.0 is the context "9"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@storable
@dataclass(frozen=True)
class Contexts:
    """lifts: per column float32 (values + 1, items), log of how much likelier the item is with the value.

    Their last row, of unknown values, is 0. weights: of each column; 0 where it did not help.
    """

    columns: tuple[str, ...]
    values: tuple[Ids, ...]
    lifts: tuple[np.ndarray, ...]
    weights: tuple[float, ...]

    @staticmethod
    def fit(
        events: Events, rows: np.ndarray, items: np.ndarray, n_items: int, *, weights: Sequence[float]
    ) -> Contexts:
        """rows: which events to learn from; items: the item code of every event."""
        lifts = tuple(
            _lifts(events.codes[rows, at], items[rows], len(ids), n_items)
            for at, ids in enumerate(events.values)
        )
        return Contexts(events.columns, events.values, lifts, tuple(weights))

    def codes(self, given: Mapping[str, str]) -> np.ndarray:
        """(1, columns) of one request; names of columns in any case."""
        upper = {name.upper(): value for name, value in given.items()}
        found = [
            ids.code(upper.get(name.upper())) for name, ids in zip(self.columns, self.values, strict=True)
        ]
        return np.array([found])

    def bias(self, codes: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(queries, pool): what the contexts add to log odds."""
        total = np.zeros(items.shape)
        for at, (lift, weight) in enumerate(zip(self.lifts, self.weights, strict=True)):
            if weight:
                total += weight * lift[codes[:, at, None], np.maximum(items, 0)]
        return total


def _lifts(codes: np.ndarray, items: np.ndarray, n_values: int, n_items: int) -> np.ndarray:
    known = codes >= 0
    flat = codes[known].astype(np.int64) * n_items + items[known]
    counts = np.bincount(flat, minlength=n_values * n_items).reshape(n_values, n_items)
    share = counts.sum(axis=0) / max(int(known.sum()), 1)
    expected = counts.sum(axis=1, keepdims=True) * share
    lifts = np.log((counts + PRIOR) / (expected + PRIOR))
    return np.vstack([lifts, np.zeros((1, n_items))]).astype(np.float32)


@dataclass(frozen=True)
class Validation:
    """Queries of users that neither the contexts nor the model's lists have learned from.

    items, scores: (queries, pool) of the model without contexts; codes: the contexts; hits: (queries, pool),
    which items were wanted.
    """

    contexts: Contexts
    codes: np.ndarray
    items: np.ndarray
    scores: np.ndarray
    hits: np.ndarray

    @property
    def standing(self) -> np.ndarray:
        return np.log(np.maximum(self.scores, 1e-12))

    def bias(self, column: int) -> np.ndarray:
        one = tuple(float(column == at) for at in range(len(self.contexts.columns)))
        return replace(self.contexts, weights=one).bias(self.codes, self.items)


def chosen_weights(parts: Sequence[Validation]) -> tuple[float, ...]:
    """Column by column the weight that clearly raises NDCG@25 of lists nobody trained on, else 0."""
    hits = np.concatenate([part.hits for part in parts])
    standing = np.concatenate([part.standing for part in parts])
    weights: list[float] = []
    columns = len(parts[0].contexts.columns)
    certainty = NormalDist().inv_cdf(1 - CHANCE / max(columns, 1))
    for column in range(columns):
        bias = np.concatenate([part.bias(column) for part in parts])
        weights.append(_best_weight(standing, bias, hits, certainty))
        standing = standing + weights[-1] * bias
    return tuple(weights)


def _best_weight(standing: np.ndarray, bias: np.ndarray, hits: np.ndarray, certainty: float) -> float:
    """The smallest that helps, unless a larger one is better by more than its standard error.

    certainty: standard errors by which a weight of at most 1 must be better than 0.
    """
    best, quality = 0.0, _ndcg(standing, hits)
    for weight in WEIGHTS:
        if weight > 1 and not best:
            break
        tried = _ndcg(standing + weight * bias, hits)
        if beyond_chance(tried - quality, errors=1.0 if best else certainty):
            best, quality = weight, tried
    return best


def _ndcg(standing: np.ndarray, hits: np.ndarray) -> np.ndarray:
    order = np.argsort(-standing, axis=1, kind="stable")[:, :25]
    return list_ideal_ndcg(np.take_along_axis(hits, order, axis=1), 25)
