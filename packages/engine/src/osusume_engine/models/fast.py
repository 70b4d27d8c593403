"""Lists without a ranker: one sparse product for thousands of users, for batch inference over millions.

The generators are linear in a user's events, so a weighted sum of their strongest entries is one matrix. The
weights are those that come closest to the lists of the whole model, which a sample of users is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories, profile
from osusume_engine.models.candidates import Candidates, look_up
from osusume_engine.models.generators import Generators
from osusume_engine.models.neighbours import row_of, strongest
from osusume_engine.models.personalization import CANDIDATE_MASS
from osusume_engine.models.ranking import Lists, normalised, popular_tail

GATHERED = 40  # strongest entries of an item in each generator
KEPT = 27  # of them in each part of the matrix
LONG, SHORT, OWN = 40, 8, 200  # newest events that a part of the matrix reads
CHUNK = 512
SAMPLE = 512  # users whose lists are imitated
IMITATED = 100  # items of each


class Listing(Protocol):
    """The whole model."""

    @property
    def generators(self) -> Generators: ...

    def recommend(self, queries: Histories, k: int) -> Lists: ...


@dataclass(frozen=True)
class Part:
    """A view of the user's events, and the items x items matrices that are summed for it."""

    decay: float
    limit: int
    matrices: tuple[sp.csr_matrix, ...]

    def view(self, queries: Histories, n_items: int) -> sp.csr_matrix:
        return profile(queries, n_items, decay=self.decay, limit=self.limit)

    def combined(self, weights: np.ndarray) -> sp.csr_matrix:
        total = sp.csr_matrix(self.matrices[0].shape, dtype=np.float32)
        for weight, matrix in zip(weights, self.matrices, strict=True):
            total = total + matrix * np.float32(weight)
        return total.tocsr()


def parts_of(generators: Generators) -> tuple[Part, ...]:
    s, n = generators.settings, generators.n_items
    transitions = _pruned(generators.transitions)
    identity = sp.identity(n, dtype=np.float32, format="csr")
    return (
        Part(s.ease_decay, LONG, (_spread(generators.ease, generators), _pruned(generators.neighbours))),
        Part(s.transition_decay, SHORT, (_spread(generators.next_item, generators), transitions, identity)),
        Part(1.0, 1, (transitions,)),
        Part(1.0, OWN, (identity,)),
    )


def _pruned(matrix: sp.csr_matrix) -> sp.csr_matrix:
    return strongest(matrix.copy(), GATHERED)


def _spread(weights: np.ndarray, generators: Generators) -> sp.csr_matrix:
    """The strongest entries of a dense matrix over the vocabulary, as items x items."""
    codes, n = generators.vocabulary.codes, generators.n_items
    kept = min(GATHERED, len(codes))
    best = np.argpartition(-weights, kept - 1, axis=1)[:, :kept] if kept else np.zeros((0, 0), int)
    values = np.take_along_axis(weights, best, axis=1).ravel()
    index = (np.repeat(codes, kept), codes[best].ravel())
    return sp.csr_matrix((values.astype(np.float32), index), shape=(n, n))


def weightiest(matrix: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """The entries of each row farthest from 0, at most `keep` (ties at the edge stay)."""
    sizes = strongest(abs(matrix), keep)
    sizes.data[:] = 1
    return matrix.multiply(sizes).tocsr()


@dataclass(frozen=True)
class FastLists:
    parts: tuple[Part, ...]
    matrix: sp.csr_matrix  # (parts * items, items)
    prior: np.ndarray  # per item, float32
    counts: np.ndarray  # per item, how many users had it

    @staticmethod
    def fit(model: Listing, histories: Histories, *, seed: int = 0) -> FastLists:
        """histories: any users that the model may be asked about; a sample of them is."""
        generators = model.generators
        parts = parts_of(generators)
        popularity = np.log1p(generators.popularity.events)
        sample = _sample(histories, seed)
        pairs, columns, share = _imitated(model, parts, popularity, sample)
        weights = closest(columns, share, pairs)
        blocks, at = [], 0
        for part in parts:
            size = len(part.matrices)
            blocks.append(weightiest(part.combined(weights[at : at + size]), KEPT))
            at += size
        prior = (weights[-1] * popularity).astype(np.float32)
        return FastLists(parts, sp.vstack(blocks).tocsr(), prior, generators.popularity.users)

    def recommend(self, queries: Histories, k: int) -> Lists:
        """Scores sum to at most 1 within each list; a user without events gets the popular items."""
        lists = Lists.empty(len(queries), k)
        order = np.argsort(queries.lengths, kind="stable")  # rows of like length waste little padding
        for start in range(0, len(order), CHUNK):
            chosen = order[start : start + CHUNK]
            part = self._recommend(queries.take(chosen), k)
            lists.items[chosen], lists.scores[chosen] = part.items, part.scores
        return lists

    def _recommend(self, queries: Histories, k: int) -> Lists:
        scores = (self._views(queries) @ self.matrix).tocsr()
        scores.data += self.prior[scores.indices]
        return popular_tail(largest(scores, k), self.counts, k, None, mass=1 - CANDIDATE_MASS)

    def _views(self, queries: Histories) -> sp.csr_matrix:
        recent = queries.newest(OWN)
        n = self.matrix.shape[1]
        return sp.hstack([part.view(recent, n) for part in self.parts], format="csr")


def largest(scores: sp.csr_matrix, k: int) -> Lists:
    """The k best entries of each row, as shares of CANDIDATE_MASS. Rows of any length, in any order."""
    counts = np.diff(scores.indptr)
    width = int(counts.max(initial=0))
    lists = Lists.empty(scores.shape[0], k)
    if not width:
        return lists
    filled = np.arange(width) < counts[:, None]
    padded = np.full(filled.shape, -np.inf, np.float32)
    padded[filled] = scores.data
    best = _best_columns(padded, min(k, width))
    values = np.take_along_axis(padded, best, axis=1)
    at = np.minimum(scores.indptr[:-1, None] + best, len(scores.indices) - 1)
    listed = values > -np.inf
    lists.items[:, : best.shape[1]] = np.where(listed, scores.indices[at], -1)
    lists.scores[:, : best.shape[1]] = CANDIDATE_MASS * _shares(values, listed)
    return lists


def _best_columns(values: np.ndarray, k: int) -> np.ndarray:
    """The columns of the k largest values of each row, largest first."""
    best = np.argpartition(values, values.shape[1] - k, axis=1)[:, -k:]
    order = np.argsort(-np.take_along_axis(values, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1)


def _shares(values: np.ndarray, listed: np.ndarray) -> np.ndarray:
    top = np.where(listed[:, :1], values[:, :1], 0)
    weights = np.where(listed, np.exp(np.clip(values - top, -60, 0)), 0)
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1)


def _sample(histories: Histories, seed: int) -> Histories:
    users = np.flatnonzero(histories.lengths > 0)
    if len(users) > SAMPLE:
        users = np.sort(np.random.RandomState(seed).choice(users, SAMPLE, replace=False))
    return histories.take(users)


def _imitated(
    model: Listing, parts: tuple[Part, ...], popularity: np.ndarray, sample: Histories
) -> tuple[Candidates, np.ndarray, np.ndarray]:
    """Pairs that the parts or the model list, (pairs, parameters), and the model's share of each pair."""
    n_items = len(popularity)
    lists = model.recommend(sample, IMITATED)
    views = [part.view(sample.newest(OWN), n_items) for part in parts]
    products = [
        (view @ matrix).tocsr() for part, view in zip(parts, views, strict=True) for matrix in part.matrices
    ]
    rows, places = np.nonzero(lists.items >= 0)
    listed = lists.items[rows, places]
    entries = [(rows, listed), *((row_of(product), product.indices) for product in products)]
    row, item = (np.concatenate(part) for part in zip(*entries, strict=True))
    pairs = Candidates.of(row, item, n_items)
    share = np.zeros(len(pairs.rows))
    keys = pairs.rows.astype(np.int64) * n_items + pairs.items
    share[np.searchsorted(keys, rows * n_items + listed)] = lists.scores[rows, places]
    share /= np.repeat(np.add.reduceat(share, pairs.starts), pairs.counts)
    for product in products:
        product.sort_indices()
    columns = [look_up(product, pairs) for product in products]
    return pairs, np.stack([*columns, popularity[pairs.items]], axis=1).astype(np.float64), share


def closest(
    columns: np.ndarray, share: np.ndarray, pairs: Candidates, *, ridge: float = 1.0, steps: int = 25
) -> np.ndarray:
    """Weights whose softmax within each query is nearest to share (cross entropy), by Newton's method."""
    scales = columns.std(axis=0) + 1e-9
    x = columns / scales
    weights = np.zeros(x.shape[1])
    for _ in range(steps):
        guess = normalised(x @ weights, pairs)
        mean = np.add.reduceat(x * guess[:, None], pairs.starts)
        slope = x.T @ (share - guess) - ridge * weights
        curvature = (x * guess[:, None]).T @ x - mean.T @ mean + ridge * np.eye(x.shape[1])
        step = np.linalg.solve(curvature, slope)
        weights += step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-9))
    return weights / scales
