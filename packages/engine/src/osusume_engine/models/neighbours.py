"""Sparse item-to-item matrices, pruned to the strongest neighbours."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories

BLOCK = 2048  # items whose neighbours are counted at a time,
BLOCK_PAIRS = 20_000_000  # and pairs: what bounds memory where users have thousands of items


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
    return together(
        users_by_items,
        lambda block, first: cosine(block, users, shrink=shrink, power=power, first=first),
        keep=keep,
    )


def together(
    users_by_items: sp.csr_matrix, score: Callable[[sp.csr_matrix, int], sp.csr_matrix], *, keep: int
) -> sp.csr_matrix:
    """The strongest neighbours of each item among those that have users in common with it.

    score: of a block of rows, which hold the numbers of users in common, and the item of its first row. Blocks
    are pruned one by one: all pairs of a catalogue need not fit into memory.
    """
    by_item = users_by_items.T.tocsr().astype(np.float32)

    def of_items(block: tuple[int, int]) -> sp.csr_matrix:
        first, end = block
        return strongest(score((by_item[first:end] @ users_by_items).tocsr(), first), keep)

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # sparse products run outside Python's lock
        return sp.vstack(list(threads.map(of_items, _blocks(by_item, users_by_items)))).tocsr()


def _blocks(by_item: sp.csr_matrix, users_by_items: sp.csr_matrix) -> list[tuple[int, int]]:
    """(first item, end): at most BLOCK items and, unless one alone has more, BLOCK_PAIRS pairs each."""
    n_items = by_item.shape[0]
    met = np.bincount(row_of(by_item), np.diff(users_by_items.indptr)[by_item.indices], minlength=n_items)
    pairs = np.cumsum(np.minimum(met, n_items))
    blocks, first, before = [], 0, 0.0
    while first < n_items:
        fitting = int(np.searchsorted(pairs, before + BLOCK_PAIRS, side="right"))
        end = min(max(fitting, first + 1), first + BLOCK, n_items)
        blocks.append((first, end))
        first, before = end, float(pairs[end - 1])
    return blocks


def cosine(
    counts: sp.csr_matrix, popularity: np.ndarray, *, shrink: float, power: float = 0.5, first: int = 0
) -> sp.csr_matrix:
    """first: the item of the first row."""
    matrix = without_diagonal(counts, first=first)
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
    """The largest entries of each row, at most `keep` (ties at the edge stay)."""
    for row in np.flatnonzero(np.diff(matrix.indptr) > keep):
        values = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]
        values[values < np.partition(values, -keep)[-keep]] = 0
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix
