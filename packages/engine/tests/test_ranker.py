"""Which scorer orders candidates, where there is little to judge by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osusume_engine.models.ranker import Examples, Ranker, fit_ranker
from osusume_engine.models.related import COLD, cold_limit
from osusume_engine.storage import load, save

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


@pytest.mark.parametrize("swapped", [False, True])
def test_where_nothing_is_certain_the_better_of_the_usual_baselines_is_kept(swapped: bool) -> None:
    """Of two queries content finds what is wanted, of one popularity: no difference beyond chance."""
    labels = np.zeros((30, 40), np.int8)
    labels[[0, 1, 2], [0, 1, 2]] = 1
    given = examples(labels)
    given.features[80:120, 0] = labels[2]
    given.features[80:120, 1] = 1 - labels[2]
    given = popularity_wins(given) if swapped else given
    better = "popularity" if swapped else "content"
    assert fit(given).kind == "popularity"
    assert fit(given, usual=["popularity", "content"]).kind == better
    assert fit(given, usual=["content", "popularity"]).kind == better
    assert fit(given, usual=["content"]).kind == "content"


def either_but_not_both(users: int, pairs: int = 60) -> Examples:
    """What no line can tell: wanted is where one column is high and the other low, about every fifth pair."""
    random = np.random.RandomState(0)
    x = random.rand(users * pairs, 3).astype(np.float32)
    high = x > 0.7
    labels = (high[:, 0] ^ high[:, 1]) & (random.rand(len(x)) < 0.5)
    queries = np.repeat(np.arange(users), pairs)
    found = np.bincount(queries, labels, minlength=users).astype(int)
    return Examples(
        x,
        labels.astype(np.int8),
        np.ones(len(x), np.float32),
        queries,
        np.maximum(found, 1),
        np.arange(users),
    )


def by_trees(users: int, pairs: int = 60, *, mixed: bool = False) -> Ranker:
    baselines = {"first": {"users_score": 1.0}}
    given = either_but_not_both(users, pairs)
    return fit_ranker(given, seed=0, names=NAMES, baselines=baselines, mixed=mixed)


def test_trees_that_are_refitted_are_averaged_with_trees_that_learned_the_order(tmp_path: Path) -> None:
    ranker = by_trees(400)
    assert ranker.kind == "boosted"
    assert ranker.booster is not None
    assert ranker.orderer is not None
    x = either_but_not_both(50).features
    chance, order = (trees.predict(x, raw_score=True) for trees in (ranker.booster, ranker.orderer))
    assert np.corrcoef(chance, order)[0, 1] < 0.999
    np.testing.assert_allclose(ranker.log_odds(x), (chance + ranker.order_scale * order) / 2)
    assert 0.8 < chance.std() / (ranker.order_scale * order.std()) < 1.25
    high = x[:, :2] > 0.7
    wanted = high[:, 0] ^ high[:, 1]
    assert np.median(order[wanted]) > np.quantile(order[~wanted], 0.9)
    save(ranker, tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").log_odds(x), ranker.log_odds(x))


def test_trees_of_many_users_are_kept_as_they_were_validated() -> None:
    ranker = by_trees(1500)
    assert ranker.kind == "boosted"
    assert ranker.orderer is None


def test_no_order_is_learned_of_few_relevant_pairs_a_query() -> None:
    ranker = by_trees(400, 20)
    assert ranker.kind == "boosted"
    assert ranker.orderer is None


def test_trees_that_are_averaged_with_a_line_learn_no_order() -> None:
    ranker = by_trees(400, mixed=True)
    assert ranker.kind == "mixed"
    assert ranker.orderer is None
