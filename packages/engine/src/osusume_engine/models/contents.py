"""What metadata says of items that a user has not met, where the user's events alone say little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories, profile
from osusume_engine.storage import storable

ALIKE = 30  # items of like metadata that an item leads to
LEAST = 0.2  # cosine below which metadata is not alike
COMPARED = 15_000  # most popular items; comparing all pairs of more takes too long
BLOCK = 1024
# What is compared with an item: (decay per event, newest events; 0 for all).
TASTES = ((0.97, 0), (0.7, 10), (1.0, 1))
NEWEST = 1  # of them, the one whose neighbours are worth ranking


@dataclass(frozen=True)
class Likes:
    """alike: queries x items, what is like a user's newest items; tastes: (queries, TASTES, dimensions).

    Tastes are unit vectors, 0 where nothing is described.
    """

    alike: sp.csr_matrix
    tastes: np.ndarray


@storable
@dataclass(frozen=True)
class Contents:
    """points: float32 (items, dimensions), unit vectors; alike: items x items, cosines of the most alike."""

    points: np.ndarray
    alike: sp.csr_matrix

    @staticmethod
    def of(points: np.ndarray, events: np.ndarray) -> Contents:
        """events: of each item; one without any is nobody's neighbour."""
        order = np.argsort(-events, kind="stable")[:COMPARED]
        known = order[(events[order] > 0) & points[order].any(axis=1)]
        k = min(ALIKE, len(known) - 1)
        if k < 1:
            return Contents(points, sp.csr_matrix((len(points), len(points)), dtype=np.float32))
        rows, columns, cosines = [], [], []
        for start in range(0, len(known), BLOCK):
            mine = known[start : start + BLOCK]
            close = points[mine] @ points[known].T
            close[np.arange(len(mine)), start + np.arange(len(mine))] = -1  # itself
            best = np.argpartition(-close, k - 1, axis=1)[:, :k]
            rows.append(np.repeat(mine, k))
            columns.append(known[best].ravel())
            cosines.append(np.take_along_axis(close, best, axis=1).ravel())
        row, column, cosine = (np.concatenate(part) for part in (rows, columns, cosines))
        near = cosine >= LEAST
        index = (row[near], column[near])
        alike = sp.csr_matrix((cosine[near].astype(np.float32), index), shape=(len(points), len(points)))
        alike.sort_indices()
        return Contents(points, alike)

    def likes(self, queries: Histories) -> Likes:
        profiles = [profile(queries, len(self.points), decay=decay, limit=limit) for decay, limit in TASTES]
        alike = (profiles[NEWEST] @ self.alike).tocsr()
        alike.sort_indices()
        tastes = np.stack([np.asarray(one @ self.points) for one in profiles], axis=1)
        return Likes(alike, tastes / np.maximum(np.linalg.norm(tastes, axis=2, keepdims=True), 1e-9))

    def cosines(self, likes: Likes, items: np.ndarray, starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(TASTES, pairs), not below 0; pairs of one query are neighbours and begin at starts."""
        result = np.zeros((len(TASTES), len(items)), np.float32)
        for start, end in zip(starts, np.append(starts[1:], len(items)), strict=True):
            result[:, start:end] = likes.tastes[rows[start]] @ self.points[items[start:end]].T
        return np.maximum(result, 0)
