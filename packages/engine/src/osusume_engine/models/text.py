"""Items as points: TF-IDF of their words, compressed by latent semantic analysis."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from osusume_engine.models.candidates import Candidates
from osusume_engine.models.linear import truncated_svd
from osusume_engine.models.model import Answers
from osusume_engine.models.ranking import Lists, Mask, best_of, popular_tail
from osusume_engine.models.related import RelatedItems
from osusume_engine.storage import storable

DIMENSIONS = 128
_WORD = re.compile(r"\w+")
TEXT_MASS = 0.95


@storable
@dataclass(frozen=True)
class SimilarTexts(Answers):
    """embeddings: (items, dimensions), unit length, 0 for an item without text; users: of each item."""

    embeddings: np.ndarray
    users: np.ndarray

    def related(self, items: np.ndarray, k: int, *, allowed: Mask | None = None) -> Lists:
        usable = np.arange(len(self.embeddings))
        if allowed is not None:
            usable = usable[allowed(usable)]
        parts = [self._one(int(item), k, usable) for item in items]
        lists = Lists.stacked(parts, k)
        return popular_tail(lists, self.users, k, allowed, mass=1 - TEXT_MASS, never=items)

    def describes(self, items: np.ndarray) -> np.ndarray:
        """bool per item code: whether it has words at all."""
        return (items >= 0) & self.embeddings[np.maximum(items, 0)].any(axis=1)

    def _one(self, item: int, k: int, usable: np.ndarray) -> Lists:
        if item < 0 or not self.embeddings[item].any():
            return Lists.empty(1, k)
        usable = usable[usable != item]
        exact = np.maximum(self.embeddings[usable] @ self.embeddings[item], 0)
        similarity = np.round(exact.astype(np.float64), 5)  # equal texts tie, whatever the last digits
        top = np.argpartition(-similarity, k - 1)[:k] if len(similarity) > k else np.arange(len(similarity))
        top = top[similarity[top] > 1e-6]
        pairs = Candidates(np.zeros(len(top), np.int32), usable[top], np.zeros(0, int))
        return best_of(pairs, TEXT_MASS * similarity[top] / max(similarity.sum(), 1e-12), 1, k, None)


@storable
@dataclass(frozen=True)
class ColdByText(Answers):
    """Items with too few events to have neighbours are related by their metadata instead, where that is better."""

    warm: RelatedItems
    content: SimilarTexts
    events: np.ndarray  # per item

    def related(self, items: np.ndarray, k: int, *, allowed: Mask | None = None) -> Lists:
        lists = self.warm.related(items, k, allowed=allowed)
        cold = np.flatnonzero(
            self.content.describes(items) & (self.events[np.maximum(items, 0)] < self.warm.cold)
        )
        if len(cold):
            instead = self.content.related(items[cold], k, allowed=allowed)
            lists.items[cold], lists.scores[cold] = instead.items, instead.scores
        return lists


def embed(texts: Iterable[str], *, seed: int) -> np.ndarray:
    """float32 (texts, at most DIMENSIONS); words in a single text carry nothing."""
    weighted = tf_idf([Counter(_WORD.findall(text.lower())) for text in texts])
    rank = min(DIMENSIONS, min(weighted.shape) - 1)
    if rank < 1 or not weighted.nnz:
        return np.zeros((weighted.shape[0], 1), np.float32)
    left, singular = truncated_svd(weighted.astype(np.float64), rank=rank, seed=seed)
    points = (left * singular)[:, singular > 1e-6 * singular.max()]
    length = np.linalg.norm(points, axis=1, keepdims=True)
    unit = np.where(length > 1e-9, points / np.maximum(length, 1e-9), 0)
    return unit.astype(np.float32)


def tf_idf(documents: list[Counter[str]]) -> sp.csr_matrix:
    frequency = Counter(word for document in documents for word in document)
    shared = sorted(word for word, count in frequency.items() if count >= 2)
    column = {word: index for index, word in enumerate(shared)}
    n = len(documents)
    inverse = np.array([np.log((1 + n) / (1 + frequency[word])) + 1 for word in shared])
    rows, columns, values = [], [], []
    for row, document in enumerate(documents):
        for word, count in document.items():
            if word in column:
                rows.append(row)
                columns.append(column[word])
                values.append((1 + np.log(count)) * inverse[column[word]])
    matrix = sp.csr_matrix((values, (rows, columns)), shape=(n, len(shared)))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sp.diags(1 / np.maximum(length, 1e-12)) @ matrix
