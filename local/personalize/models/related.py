"""RELATED_ITEMS from interactions: an item-to-item matrix, and popular items where it knows nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from local.personalize.histories import Histories, profile
from local.personalize.models.candidates import Candidates
from local.personalize.models.neighbours import cosine, following, row_of, strongest, without_diagonal
from local.personalize.models.ranking import Lists, Mask, best_of, popular_tail
from local.personalize.storage import storable

KEEP = 500  # neighbours of an item, Amazon's largest numResults
RELATED_MASS = 0.95


@storable
@dataclass(frozen=True)
class RelatedItems:
    """neighbours: row = the query item, positive similarities."""

    neighbours: sp.csr_matrix
    users: np.ndarray  # distinct users of each item

    def related(self, items: np.ndarray, k: int, *, allowed: Mask | None = None) -> Lists:
        """items: query item codes, -1 where unknown. The query item itself is never listed."""
        known = np.flatnonzero(items >= 0)
        rows = self.neighbours[items[known]].tocsr()
        row = known[row_of(rows)].astype(np.int32)
        pairs = Candidates(row, rows.indices, np.zeros(0, int))
        total = np.bincount(row, rows.data, minlength=len(items))
        scores = RELATED_MASS * rows.data / np.maximum(total[row], 1e-12)
        lists = best_of(pairs, scores, len(items), k, allowed)
        return popular_tail(lists, self.users, k, allowed, mass=1 - RELATED_MASS, never=items)


def fit_windowed(
    histories: Histories, n_items: int, *, window: int, decay: float, shrink: float = 10.0
) -> RelatedItems:
    """Cosine of items that follow one another within a window, in either order; nearer pairs count more."""
    window = max(3, min(window, int(3e8 / max(len(histories.items), 1))))
    after = following(histories, n_items, window=window, decay=decay)
    together = (after + after.T).tocsr()
    counts = np.bincount(histories.items, minlength=n_items).astype(np.float32)
    matrix = strongest(cosine(together, counts, shrink=shrink), KEEP)
    users = np.asarray(profile(histories, n_items).sum(axis=0)).ravel()
    return RelatedItems(matrix, users)


def fit_cooccurrence(
    histories: Histories, n_items: int, *, minimum: int, popularity_discount: float, popular: np.ndarray
) -> RelatedItems:
    """SIMS: users in common, at least `minimum`, over the neighbour's popularity^discount.

    popular: users of every item, for where nothing is related.
    """
    users_by_items = profile(histories, n_items)
    users = np.asarray(users_by_items.sum(axis=0)).ravel()
    matrix = without_diagonal((users_by_items.T @ users_by_items).tocsr().astype(np.float32))
    matrix.data[matrix.data < minimum] = 0
    matrix.data = (matrix.data / np.power(users[matrix.indices] + 1, popularity_discount)).astype(np.float32)
    matrix.eliminate_zeros()
    return RelatedItems(strongest(matrix, KEEP), popular)
