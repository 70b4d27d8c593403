"""Sparse item-to-item matrices, pruned to the strongest neighbours."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp

from local.personalize.histories import Histories

BLOCK = 2048  # items whose neighbours are counted at a time: bounds memory


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
    by_item = users_by_items.T.tocsr().astype(np.float32)

    def of_items(first: int) -> sp.csr_matrix:
        together = (by_item[first : first + BLOCK] @ users_by_items).tocsr()
        return strongest(cosine(together, users, shrink=shrink, power=power, first=first), keep)

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # sparse products run outside Python's lock
        return sp.vstack(list(threads.map(of_items, range(0, by_item.shape[0], BLOCK)))).tocsr()


def cosine(
    together: sp.csr_matrix, popularity: np.ndarray, *, shrink: float, power: float = 0.5, first: int = 0
) -> sp.csr_matrix:
    """first: the item of the first row."""
    matrix = without_diagonal(together, first=first)
    product = popularity[row_of(matrix) + first] * popularity[matrix.indices]
    matrix.data = (matrix.data / (np.power(product, power) + shrink)).astype(np.float32)
    return matrix


def without_diagonal(matrix: sp.csr_matrix, *, first: int = 0) -> sp.csr_matrix:
    off = row_of(matrix) + first != matrix.indices
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
