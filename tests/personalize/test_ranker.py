"""Which scorer orders candidates, where there is little to judge by."""

from __future__ import annotations

import numpy as np
import pytest

from local.personalize.models.ranker import Examples, fit_ranker
from local.personalize.models.related import COLD, cold_limit

NAMES = ("users_score", "content_share", "query_users")


def examples(labels: np.ndarray, *, query_users: float = 9.0, seed: int = 0) -> Examples:
    """labels: (queries, pairs); every query is another user's. Content finds what is wanted, popularity doesn't."""
    random = np.random.RandomState(seed)
    wanted = labels.ravel()
    columns = [
        random.rand(wanted.size),
        wanted + 0.1 * random.rand(wanted.size),
        np.full(wanted.size, query_users),
    ]
    queries = np.repeat(np.arange(len(labels)), labels.shape[1])
    return Examples(
        np.stack(columns, axis=1).astype(np.float32),
        wanted.astype(np.int8),
        np.ones(wanted.size, np.float32),
        queries,
        np.maximum(labels.sum(axis=1), 1),
        np.arange(len(labels)),
    )


def fit(given: Examples, **more: object):  # type: ignore[no-untyped-def]
    baselines = {"popularity": {"users_score": 1.0}, "content": {"content_share": 8.0}}
    return fit_ranker(given, seed=0, names=NAMES, baselines=baselines, mixed=True, **more)  # type: ignore[arg-type]


def one_each(queries: int, pairs: int) -> np.ndarray:
    labels = np.zeros((queries, pairs), np.int8)
    labels[np.arange(queries), np.arange(queries) % pairs] = 1
    return labels


@pytest.mark.parametrize("found", [0, 1])
def test_where_next_to_nothing_wanted_is_a_candidate_no_learned_scorer_is_chosen(found: int) -> None:
    """The one query that has something is in two of three trials' training users, so their tests have nothing."""
    labels = np.zeros((30, 400), np.int8)
    labels[:found, :100] = 1
    assert fit(examples(labels)).kind in ("popularity", "content")


def test_a_scorer_that_is_better_beyond_chance_replaces_the_simplest() -> None:
    assert fit(examples(one_each(60, 40)), learned=False).kind == "content"


def popularity_wins(given: Examples) -> Examples:
    columns = given.features[:, [1, 0, 2]]
    return Examples(columns, *(getattr(given, name) for name in list(vars(given))[1:]))


@pytest.mark.parametrize(("query_users", "limit"), [(0.0, 0), (np.log1p(1), 1), (np.log1p(5), COLD)])
def test_cold_items_are_left_to_a_ranker_that_relates_them_better(query_users: float, limit: int) -> None:
    popular = fit(examples(np.zeros((30, 40), np.int8)))
    assert popular.kind == "popularity"
    by_content = examples(one_each(60, 40), query_users=query_users)
    assert cold_limit(by_content, NAMES, popular) == COLD
    assert cold_limit(popularity_wins(by_content), NAMES, popular) == limit
    assert cold_limit(popularity_wins(by_content), ("users_score", "x", "query_users"), popular) == COLD
