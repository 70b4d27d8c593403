from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from osusume_engine.models import neighbours
from osusume_engine.models.neighbours import fit_cosine, together


@pytest.fixture(scope="module")
def has() -> sp.csr_matrix:
    """60 users x 40 items; everybody has item 0."""
    dense = (np.random.RandomState(0).rand(60, 40) < 0.2).astype(np.float32)
    dense[:, 0] = 1
    return sp.csr_matrix(dense)


@pytest.mark.parametrize("pairs", [1, 90, 400, 10**9])
def test_neighbours_counted_block_by_block_are_those_of_the_whole(
    has: sp.csr_matrix, monkeypatch: pytest.MonkeyPatch, pairs: int
) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_PAIRS", pairs)
    counts = has.toarray().T @ has.toarray()
    users = np.diag(counts).copy()
    np.fill_diagonal(counts, 0)
    wanted = counts / (np.sqrt(np.outer(users, users)) + 10)
    np.testing.assert_allclose(fit_cosine(has, shrink=10, keep=40).toarray(), wanted, rtol=1e-6)


def test_a_block_is_never_larger_than_its_limit_of_pairs_unless_one_item_is(
    has: sp.csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_PAIRS", 90)
    blocks: list[tuple[int, sp.csr_matrix]] = []

    def score(counts: sp.csr_matrix, first: int) -> sp.csr_matrix:
        blocks.append((first, counts))
        return counts

    together(has, score, keep=40)
    sizes = [counts.nnz for _, counts in blocks if counts.shape[0] > 1]
    assert sizes and max(sizes) <= 90
    assert sum(counts.shape[0] for _, counts in blocks) == 40
    assert sorted(first for first, _ in blocks)[0] == 0
