"""What data says about pairs of items: candidates for a query item, and the features that rank them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories, profile
from osusume_engine.models.candidates import Candidates, look_up, share_score_rank, sparse_best
from osusume_engine.models.neighbours import (
    cosine,
    fit_cosine,
    following,
    row_of,
    strongest,
    without_diagonal,
)
from osusume_engine.models.popularity import Popularity
from osusume_engine.storage import storable

KEEP = 150  # entries of an item in each matrix
BEST = 80  # of them that are ranked
POPULAR = 50
NO_CONTENT = np.zeros((0, 0), np.float32)


@storable
@dataclass(frozen=True)
class Relations:
    """matrices: row = the query item; content: (items, dimensions) unit vectors, or none at all."""

    matrices: dict[str, sp.csr_matrix]
    popularity: Popularity
    content: np.ndarray

    @property
    def n_items(self) -> int:
        return len(self.popularity.events)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of `features`."""
        kinds = (*self.matrices, *(("content", "popular_content") if self.content.size else ()))
        return (
            *(
                f"{kind}_{part}"
                for kind in (*kinds, "users", "recent")
                for part in ("share", "score", "rank")
            ),
            "query_users",
        )

    def candidates(self, items: np.ndarray, allowed: np.ndarray | None = None) -> Candidates:
        """items: known query items, which are not their own candidates; allowed: bool per item."""
        pairs = [sparse_best(matrix[items].tocsr(), BEST, allowed) for matrix in self.matrices.values()]
        order = (
            self.popularity.by_users
            if allowed is None
            else self.popularity.by_users[allowed[self.popularity.by_users]]
        )
        best = order[: POPULAR + 1]
        pairs.append((np.repeat(np.arange(len(items)), len(best)), np.tile(best, len(items))))
        if self.content.size:
            pairs += self._alike(items, allowed)
        rows, columns = (np.concatenate(part) for part in zip(*pairs, strict=True))
        other = columns != items[rows]
        return Candidates.of(rows[other], columns[other], self.n_items)

    def features(self, items: np.ndarray, pairs: Candidates) -> np.ndarray:
        """float32 (pairs, len(names))."""
        popularity, query = self.popularity, items[pairs.rows]
        columns: list[np.ndarray] = []
        for matrix in self.matrices.values():
            columns += share_score_rank(look_up(matrix[items].tocsr(), pairs), pairs)
        if self.content.size:
            alike = np.einsum("ij,ij->i", self.content[query], self.content[pairs.items])
            columns += share_score_rank(np.maximum(alike, 0), pairs)
            columns += share_score_rank(
                _popular_content(np.maximum(alike, 0), popularity.users[pairs.items]), pairs
            )
        for value in (popularity.users, popularity.recent):
            columns += share_score_rank(value[pairs.items], pairs)
        for at in range(1, len(columns), 3):
            columns[at] = np.log(columns[at] + 1e-4)
        columns.append(np.log1p(popularity.users[query]))
        return np.stack(columns, axis=1).astype(np.float32)

    def _alike(self, items: np.ndarray, allowed: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray]]:
        """The items closest in content, and those both close and popular."""
        usable = np.arange(self.n_items) if allowed is None else np.flatnonzero(allowed)
        k = min(BEST, len(usable))
        if not k:
            return []
        rows = np.repeat(np.arange(len(items)), k)
        close = _similarity(self.content[items] @ self.content[usable].T)
        popular = _popular_content(close, self.popularity.users[usable])
        best = [np.argpartition(-scores, k - 1, axis=1)[:, :k] for scores in (close, popular)]
        return [(rows, usable[columns].ravel()) for columns in best]


def _similarity(cosines: np.ndarray) -> np.ndarray:
    """Rounded: equal contents tie, whatever the last digits."""
    return np.round(np.maximum(cosines, 0), 4)


def _popular_content(alike: np.ndarray, users: np.ndarray) -> np.ndarray:
    return alike**2 * np.sqrt(users + 1)


def fit_relations(histories: Histories, n_items: int, *, content: np.ndarray = NO_CONTENT) -> Relations:
    """What follows or precedes an item in histories, near and far, and what its users have besides."""
    users_by_items = profile(histories.newest(300), n_items)
    popularity = Popularity.fit(histories, users_by_items)
    together = _near(histories, n_items, window=50, decay=0.97)
    next_ones = following(histories, n_items, window=5, decay=0.7)
    return Relations(
        matrices={
            "window": strongest(cosine(together, popularity.events, shrink=10.0), KEEP),
            "given": strongest(_given(together, popularity.events), KEEP),
            "next": strongest(_given(next_ones, popularity.events), KEEP),
            "shared": fit_cosine(users_by_items, shrink=10.0, keep=KEEP),
        },
        popularity=popularity,
        content=content,
    )


def text_relations(content: np.ndarray, histories: Histories) -> Relations:
    """Content and popularity alone."""
    return Relations({}, Popularity.fit(histories, profile(histories, len(content))), content)


def _near(histories: Histories, n_items: int, *, window: int, decay: float) -> sp.csr_matrix:
    """How often two items are within a window of events, in either order; nearer pairs count more."""
    window = max(3, min(window, int(1.5e8 / max(len(histories.items), 1))))
    after = following(histories, n_items, window=window, decay=decay)
    return (after + after.T).tocsr()


def _given(counts: sp.csr_matrix, events: np.ndarray) -> sp.csr_matrix:
    """Counts for each event of the query item: large for whatever is popular beside it."""
    matrix = without_diagonal(counts)
    matrix.data = (matrix.data / (events[row_of(matrix)] + 5)).astype(np.float32)
    return matrix
