"""Sparse item-to-item matrices, pruned to the strongest neighbours."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from local.personalize.histories import Histories


def fit_transitions(
    histories: Histories, n_items: int, *, window: int, decay: float, events: np.ndarray, keep: int
) -> sp.csr_matrix:
    """Row: what follows the item within `window` events, over its count and the root of the follower's."""
    counts = following(histories, n_items, window=window, decay=decay)
    scale = np.sqrt(events.mean() + 5)
    rows = row_of(counts)
    counts.data = counts.data / (events[rows] + 5) / np.sqrt(events[counts.indices] + 5) * scale
    return strongest(counts, keep)


def following(histories: Histories, n_items: int, *, window: int, decay: float) -> sp.csr_matrix:
    owners = histories.owners
    total = sp.csr_matrix((n_items, n_items), dtype=np.float32)
    for gap in range(1, window + 1):
        same = owners[gap:] == owners[:-gap]
        pairs = (histories.items[:-gap][same], histories.items[gap:][same])
        weight = np.full(len(pairs[0]), decay ** (gap - 1), np.float32)
        total = total + sp.csr_matrix((weight, pairs), shape=(n_items, n_items))
    return total.tocsr().astype(np.float32)


def fit_cosine(
    users_by_items: sp.csr_matrix, *, shrink: float, power: float = 0.5, keep: int
) -> sp.csr_matrix:
    """Co-occurrence over the product of popularities, shrunk towards 0 for rare pairs."""
    users = np.asarray(users_by_items.sum(axis=0)).ravel()
    together = (users_by_items.T @ users_by_items).tocsr().astype(np.float32)
    return strongest(cosine(together, users, shrink=shrink, power=power), keep)


def cosine(
    together: sp.csr_matrix, popularity: np.ndarray, *, shrink: float, power: float = 0.5
) -> sp.csr_matrix:
    matrix = without_diagonal(together)
    product = popularity[row_of(matrix)] * popularity[matrix.indices]
    matrix.data = (matrix.data / (np.power(product, power) + shrink)).astype(np.float32)
    return matrix


def without_diagonal(matrix: sp.csr_matrix) -> sp.csr_matrix:
    off = row_of(matrix) != matrix.indices
    kept = sp.csr_matrix(matrix.shape, dtype=matrix.dtype)
    kept.indptr = np.concatenate([[0], np.cumsum(off)])[matrix.indptr].astype(matrix.indptr.dtype)
    kept.indices, kept.data = matrix.indices[off], matrix.data[off]
    return kept


def row_of(matrix: sp.csr_matrix) -> np.ndarray:
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))


def strongest(matrix: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """At most `keep` largest entries of each row (ties at the edge stay)."""
    for row in np.flatnonzero(np.diff(matrix.indptr) > keep):
        values = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]
        values[values < np.partition(values, -keep)[-keep]] = 0
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix
