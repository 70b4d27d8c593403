"""Which items of the catalogue are worth ranking for a query, and the features the ranker reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories
from osusume_engine.models.generators import Generators, Views
from osusume_engine.models.habits import OWN, SHARED

PER_GENERATOR = 100
POPULAR = 50
_SPARSE_LIMITS = {"neighbours": PER_GENERATOR + 30, "transitions": PER_GENERATOR, "last_item": 30}
_OWN_BY_COUNT, _OWN_NEWEST = 60, 40
_ALIKE = 60


@dataclass(frozen=True)
class Candidates:
    """(query, item) pairs ascending; query q's pairs start at starts[k] where rows[starts[k]] == q."""

    rows: np.ndarray
    items: np.ndarray
    starts: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        return np.diff(np.concatenate([self.starts, [len(self.rows)]]))

    @staticmethod
    def of(rows: np.ndarray, items: np.ndarray, n_items: int) -> Candidates:
        key = np.unique(rows.astype(np.int64) * n_items + items)
        rows = (key // n_items).astype(np.int32)
        starts = (
            np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]])) if len(rows) else np.zeros(0, int)
        )
        return Candidates(rows, (key % n_items).astype(np.int32), starts)


def candidates(views: Views, generators: Generators, *, allowed: np.ndarray | None = None) -> Candidates:
    """The union of every generator's best, the query's own items and those that were popular, ever and then.

    allowed: bool per item; the best are then drawn among the allowed items only.
    """
    pairs = [*_dense_best(views, generators, allowed)]
    for name, limit in _SPARSE_LIMITS.items():
        pairs.append(sparse_best(views.sparse[name], limit, allowed))
    pairs.append(sparse_best(views.own.decayed, _OWN_BY_COUNT, allowed))
    pairs.append(sparse_best(views.own.recency, _OWN_NEWEST, allowed))
    if views.likes is not None:
        pairs.append(sparse_best(views.likes.alike, _ALIKE, allowed))
    pairs.append(_popular(generators.popularity.by_events, len(views.lengths), allowed))
    pairs.append(_popular_then(views, generators, allowed))
    rows, items = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return Candidates.of(rows, items, generators.n_items)


def _dense_best(views: Views, generators: Generators, allowed: np.ndarray | None) -> list[tuple]:
    codes, positions = generators.vocabulary.codes, generators.vocabulary.positions
    usable = codes if allowed is None else codes[allowed[codes]]
    k = min(PER_GENERATOR, len(usable))
    if not k:
        return []
    rows = np.repeat(np.arange(len(views.lengths)), k)
    own = views.own.counts[:, codes].tocoo()
    result = []
    for scores in views.dense.values():
        saved = scores[own.row, own.col]
        scores[own.row, own.col] = -1e3  # own items are candidates anyway: leave room for new ones
        subset = scores if allowed is None else scores[:, positions[usable]]
        best = np.argpartition(-subset, k - 1, axis=1)[:, :k]
        scores[own.row, own.col] = saved
        result.append((rows, usable[best].ravel()))
    return result


def sparse_best(
    matrix: sp.csr_matrix, limit: int, allowed: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    keep = np.ones(len(rows), dtype=bool) if allowed is None else allowed[matrix.indices]
    counts = np.bincount(rows[keep], minlength=matrix.shape[0])
    for row in np.flatnonzero(counts > limit):
        mine = slice(matrix.indptr[row], matrix.indptr[row + 1])
        data = np.where(keep[mine], matrix.data[mine], -np.inf)
        best = np.argpartition(-data, limit - 1)[:limit]
        keep[mine] = False
        keep[matrix.indptr[row] + best] = True
    return rows[keep], matrix.indices[keep]


def _popular(order: np.ndarray, queries: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    best = (order if allowed is None else order[allowed[order]])[:POPULAR]
    return np.repeat(np.arange(queries), len(best)), np.tile(best, queries)


def _popular_then(
    views: Views, generators: Generators, allowed: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    popular = generators.moments.popular[generators.moments.span_of(views.moments)]
    rows, items = np.repeat(np.arange(len(popular)), popular.shape[1]), popular.ravel()
    if allowed is None:
        return rows, items
    return rows[allowed[items]], items[allowed[items]]


GENERATOR_FEATURES = ("ease_decayed", "ease", "next_item", "neighbours", "transitions", "last_item")
FEATURES = (
    *(f"{name}_{kind}" for name in GENERATOR_FEATURES for kind in ("share", "score", "rank")),
    "popularity",
    "recent_popularity",
    "trend",
    "repeat_rate",
    "event_weight",
    "item_age",
    "so_far",
    "own_recency",
    "own_count",
    "own_share",
    "history_length",
    "distinct_share",
    "own_decayed",
    "own_decayed_share",
    "own_seconds",
    "own_kind",
    "own_interval",
    "own_due",
    *(f"own_{name}" for name in OWN),
    *(f"own_{name}_share" for name in SHARED),
    "session_moment",
    "session_hour",
    "session_span",
    "session_visits",
    "session_per_visit",
)

_HABITS = (
    *(f"own_{name}" for name in OWN),
    *(f"own_{name}_share" for name in SHARED),
    "session_visits",
    "session_per_visit",
)
HABITS = tuple(FEATURES.index(name) for name in _HABITS)
CONTENT_FEATURES = tuple(
    f"{taste}_content_{kind}" for taste in ("long", "short", "last") for kind in ("share", "score", "rank")
)


def names_of(generators: Generators) -> tuple[str, ...]:
    """The names of the columns of `features`."""
    return FEATURES if generators.contents is None else FEATURES + CONTENT_FEATURES


def features(views: Views, generators: Generators, pairs: Candidates) -> np.ndarray:
    """float32 (pairs, len(names_of(generators)))."""
    columns: list[np.ndarray] = []
    for scores in _generator_scores(views, generators, pairs):
        columns += share_score_rank(scores, pairs)
    columns += _item_columns(generators, pairs)
    columns += generators.moments.columns(views.moments[pairs.rows], pairs.items)
    columns += _own_columns(views, pairs)
    columns += _session_columns(views, pairs)
    if generators.contents is not None and views.likes is not None:
        for cosine in generators.contents.cosines(views.likes, pairs.items, pairs.starts, pairs.rows):
            columns += share_score_rank(cosine, pairs)
    return np.stack(columns, axis=1).astype(np.float32)


def _generator_scores(views: Views, generators: Generators, pairs: Candidates) -> list[np.ndarray]:
    position = generators.vocabulary.positions[pairs.items]
    known = position >= 0
    at = np.maximum(position, 0)
    dense = [
        np.where(known, scores[pairs.rows, at], -1).astype(np.float32) for scores in views.dense.values()
    ]
    return dense + [look_up(matrix, pairs) for matrix in views.sparse.values()]


def share_score_rank(scores: np.ndarray, pairs: Candidates) -> list[np.ndarray]:
    best = np.maximum(np.maximum.reduceat(scores, pairs.starts), 1e-9)
    order = np.lexsort((-scores, pairs.rows))
    rank = np.empty(len(scores), np.float32)
    rank[order] = np.arange(len(scores)) - np.repeat(pairs.starts, pairs.counts)
    return [scores / np.repeat(best, pairs.counts), scores, np.log1p(rank)]


def _item_columns(generators: Generators, pairs: Candidates) -> list[np.ndarray]:
    popularity, i = generators.popularity, pairs.items
    return [
        np.log1p(popularity.events[i]),
        np.log1p(popularity.recent[i]),
        popularity.recent[i] / (popularity.events[i] + 1),
        popularity.repeat_rate[i],
        popularity.event_weight[i],
    ]


def _own_columns(views: Views, pairs: Candidates) -> list[np.ndarray]:
    length = views.lengths.astype(np.float32)[pairs.rows]
    distinct = np.diff(views.own.counts.indptr).astype(np.float32)[pairs.rows]
    where = locate(views.own.counts, pairs)
    pick = lambda matrix: np.where(where >= 0, matrix.data[where], 0) if matrix.nnz else np.zeros(len(where))  # noqa: E731
    decayed, counts, seconds = pick(views.own.decayed), pick(views.own.counts), pick(views.own.seconds)
    interval = pick(views.own.span) / np.maximum(counts - 1, 1)
    best = np.maximum(np.maximum.reduceat(decayed, pairs.starts), 1e-9)
    return [
        pick(views.own.recency),
        counts,
        counts / np.maximum(length, 1),
        np.log1p(length),
        distinct / np.maximum(length, 1),
        decayed,
        decayed / np.repeat(best, pairs.counts),
        np.log1p(seconds),
        pick(views.own.kinds),
        np.log1p(interval),
        np.where(interval > 0, seconds / np.maximum(interval, 1), -1),
        *_habit_columns(views, pairs, where),
    ]


def _habit_columns(views: Views, pairs: Candidates, where: np.ndarray) -> list[np.ndarray]:
    """where: of each pair in the user's own items, -1 if it isn't one."""
    known = views.habits.columns
    if not len(known["visits"]):
        return [np.zeros(len(where)) for _ in (*OWN, *SHARED)]
    columns = {
        name: np.where(where >= 0, known[name][where], -1 if name == "visits_since" else 0) for name in OWN
    }
    best = {name: np.maximum(np.maximum.reduceat(columns[name], pairs.starts), 1e-9) for name in SHARED}
    return [*columns.values(), *(columns[name] / np.repeat(best[name], pairs.counts) for name in SHARED)]


def _session_columns(views: Views, pairs: Candidates) -> list[np.ndarray]:
    """How many events the user had at their last moment and in its hour, and how long their history spans."""
    queries = views.queries
    back = queries.last_times[queries.owners] - queries.times
    counts = [np.bincount(queries.owners, back <= limit, minlength=len(queries)) for limit in (0, 3600)]
    oldest = np.zeros(len(queries))
    np.maximum.at(oldest, queries.owners, back)
    visits = views.habits.visits
    per_visit = views.habits.events / np.maximum(visits, 1)
    return [np.log1p(values)[pairs.rows] for values in (*counts, oldest, visits, per_visit)]


def locate(matrix: sp.csr_matrix, pairs: Candidates) -> np.ndarray:
    """Positions in matrix.data, -1 where the matrix has no entry. Column indices must be sorted."""
    if not matrix.nnz:
        return np.full(len(pairs.rows), -1)
    n_items = matrix.shape[1]
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    keys = rows * n_items + matrix.indices
    wanted = pairs.rows.astype(np.int64) * n_items + pairs.items
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def look_up(matrix: sp.csr_matrix, pairs: Candidates) -> np.ndarray:
    where = locate(matrix, pairs)
    if not matrix.nnz:
        return np.zeros(len(where), np.float32)
    return np.where(where >= 0, matrix.data[where], 0).astype(np.float32)


def queries_of(histories: Histories, start: int, size: int) -> Histories:
    return histories.take(np.arange(start, min(start + size, len(histories))))
