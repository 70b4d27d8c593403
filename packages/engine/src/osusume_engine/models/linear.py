"""Closed-form linear models over the most popular items: dense, exact, no epochs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import spotrf, spotri, spotrs

from osusume_engine.histories import Histories
from osusume_engine.storage import storable


@storable
@dataclass(frozen=True)
class Vocabulary:
    """The items that the dense models know: codes ascending, and each item's position or -1."""

    codes: np.ndarray
    positions: np.ndarray

    @staticmethod
    def most_popular(users_per_item: np.ndarray, size: int) -> Vocabulary:
        known = min(size, int((users_per_item > 0).sum()))
        codes = np.sort(np.argsort(-users_per_item, kind="stable")[:known])
        positions = np.full(len(users_per_item), -1, dtype=np.int32)
        positions[codes] = np.arange(known)
        return Vocabulary(codes, positions)


def fit_ease(users_by_items: sp.csr_matrix, *, ridge: float) -> np.ndarray:
    """EASE: item weights minimising |X - XB|^2 + ridge |B|^2 with a zero diagonal. float32 (M, M)."""
    gram = np.asfortranarray((users_by_items.T @ users_by_items).toarray(), dtype=np.float32)
    diagonal = np.diag_indices_from(gram)
    gram[diagonal] += ridge
    inverse = _symmetric_inverse(gram)
    weights = inverse / -np.diag(inverse)[None, :]
    weights[diagonal] = 0
    return np.ascontiguousarray(weights, dtype=np.float32)


def fit_next_item(
    histories: Histories,
    vocabulary: Vocabulary,
    *,
    window: int,
    decay: float,
    ridge: float,
    max_positions: int,
    seed: int,
) -> np.ndarray:
    """Ridge regression of the next item on the decayed window before it. float32 (M, M)."""
    source, target = _windows(
        histories, vocabulary, window=window, decay=decay, max_positions=max_positions, seed=seed
    )
    gram = np.asfortranarray((source.T @ source).toarray())
    gram[np.diag_indices_from(gram)] += ridge
    moment = np.asfortranarray((source.T @ target).toarray())
    factor, failed = spotrf(gram, lower=1, overwrite_a=1, clean=0)
    _check(failed)
    weights, failed = spotrs(factor, moment, lower=1, overwrite_b=1)
    _check(failed)
    return np.ascontiguousarray(weights)


def _windows(
    histories: Histories, vocabulary: Vocabulary, *, window: int, decay: float, max_positions: int, seed: int
) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """positions x M matrices: the decayed items before each sampled event, and the event's own item."""
    known = vocabulary.positions[histories.items]
    place = np.arange(len(known)) - np.repeat(histories.ptr[:-1], histories.lengths)
    chosen = np.flatnonzero((place > 0) & (known >= 0))
    if len(chosen) > max_positions:
        chosen = np.sort(np.random.RandomState(seed).choice(chosen, max_positions, replace=False))
    rows, columns, values = [], [], []
    for back in range(1, window + 1):
        row = np.flatnonzero(place[chosen] >= back)
        column = known[chosen[row] - back]
        rows.append(row[column >= 0])
        columns.append(column[column >= 0])
        values.append(np.full(len(columns[-1]), decay ** (back - 1), np.float32))
    shape = (len(chosen), len(vocabulary.codes))
    index = (np.concatenate(rows), np.concatenate(columns))
    source = sp.csr_matrix((np.concatenate(values), index), shape=shape)
    ones = np.ones(len(chosen), np.float32)
    return source, sp.csr_matrix((ones, (np.arange(len(chosen)), known[chosen])), shape=shape)


def truncated_svd(matrix: sp.csr_matrix, *, rank: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Left vectors (rows, rank) and singular values, largest first, by subspace iteration.

    Unlike ARPACK it gives the same answer twice in one process, also where singular values tie.
    """
    width = min(rank + 10, *matrix.shape)
    basis = np.random.RandomState(seed).randn(matrix.shape[1], width)
    for _ in range(6):
        basis, _ = np.linalg.qr(matrix.T @ (matrix @ basis))
    left, singular, _ = np.linalg.svd(matrix @ basis, full_matrices=False)
    return left[:, :rank], singular[:rank]


def _symmetric_inverse(gram: np.ndarray) -> np.ndarray:
    """Inverts in place, by Cholesky; LAPACK fills the lower triangle only, so the upper is copied in blocks."""
    factor, failed = spotrf(gram, lower=1, overwrite_a=1, clean=0)
    _check(failed)
    inverse, failed = spotri(factor, lower=1, overwrite_c=1)
    _check(failed)
    for start in range(0, len(inverse), 1024):
        end = start + 1024
        inverse[start:end, end:] = inverse[end:, start:end].T
        block = inverse[start:end, start:end]
        block[:] = np.tril(block) + np.tril(block, -1).T
    return inverse


def _check(failed: int) -> None:
    if failed:
        raise ArithmeticError(f"The Gram matrix is not positive definite (LAPACK info {failed})")
