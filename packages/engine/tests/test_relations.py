from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.shop import CATEGORIES, shop
from osusume_engine.data import TrainingData
from osusume_engine.histories import encode
from osusume_engine.models.actions import DAY
from osusume_engine.models.candidates import FEATURES
from osusume_engine.models.habits import Habits
from osusume_engine.models.linear import truncated_svd
from osusume_engine.models.ranker import BASELINES, Examples, baseline, fit_ranker
from osusume_engine.recipes.actions import _item_events, _kind_events
from osusume_engine.recipes.learning import Task
from osusume_engine.recipes.trending import trend_weights
from osusume_engine.training import train
from tests.blocks import START, data, interactions, items

KEY = "normalized_discounted_cumulative_gain_at_25"


@pytest.fixture(scope="module")
def small_shop() -> TrainingData:
    return shop(users=250, products=200, seed=3)


@pytest.mark.parametrize("recipe", ["aws-similar-items", "aws-sims", "aws-semantic-similarity"])
def test_related_items_are_not_below_popularity_in_a_shop(small_shop: TrainingData, recipe: str) -> None:
    popular = train(recipe="aws-popularity-count", data=small_shop).metrics[KEY]
    assert train(recipe=recipe, data=small_shop).metrics[KEY] > popular * 0.95


def test_similar_items_of_a_shop_are_of_its_category(small_shop: TrainingData) -> None:
    trained = train(recipe="aws-similar-items", data=small_shop)
    assert small_shop.items is not None and small_shop.interactions is not None
    category = small_shop.items.set_index("ITEM_ID").CATEGORY
    popular = small_shop.interactions.ITEM_ID.value_counts().index[:30]
    same = [
        category[s.id] == category[one]
        for one in popular
        for s in trained.recommend(item_id=one, num_results=5)
    ]
    assert np.mean(same) > 0.6 > 3 / len(CATEGORIES)


def test_where_an_item_says_nothing_about_the_next_the_popular_ones_are_listed() -> None:
    """Everybody draws from the same distribution, whatever they had before."""
    random = np.random.RandomState(0)
    rows = [
        (f"u{user}", f"i{min(int(random.exponential(8)), 79)}", START + event)
        for user in range(150)
        for event in range(12)
    ]
    frame = pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
    popular = train(recipe="aws-popularity-count", data=TrainingData(interactions=frame)).metrics[KEY]
    for recipe in ("aws-similar-items", "aws-sims"):
        assert train(recipe=recipe, data=TrainingData(interactions=frame)).metrics[KEY] > popular * 0.9


def test_semantic_similarity_learns_that_the_popular_of_like_text_come_first() -> None:
    trained = train(recipe="aws-semantic-similarity", data=data())
    assert trained.model.ranker.validation["popularity"] < max(trained.model.ranker.validation.values())
    assert trained.model.ranker.kind != "popularity"


def test_semantic_similarity_with_few_interactions_goes_by_text_alone() -> None:
    few = interactions()[:40]
    trained = train(recipe="aws-semantic-similarity", data=replace(data(), interactions=few))
    assert trained.metrics == {"coverage": 1.0}
    assert len(trained.recommend(item_id="i0", num_results=10)) == 10


def test_the_first_baseline_stays_unless_another_scorer_is_better_beyond_chance() -> None:
    """Labels follow popularity; EASE sees them with so much noise that it wins a few queries only."""
    random = np.random.RandomState(0)
    queries, n = np.repeat(np.arange(90), 30), 2700
    features = np.zeros((n, len(FEATURES)), np.float32)
    features[:, FEATURES.index("popularity")] = random.rand(n)
    order = np.argsort(-features[:, FEATURES.index("popularity")].reshape(90, 30), axis=1)
    labels = np.zeros((90, 30), np.int8)
    labels[np.arange(90), order[np.arange(90), random.randint(0, 3, 90)]] = 1
    examples = Examples(features, labels.ravel(), np.ones(n), queries, np.ones(90, int), np.arange(90))
    assert fit_ranker(examples, seed=0).kind == "popularity"


def test_a_baseline_weighs_the_features_that_it_names() -> None:
    row = np.zeros((2, len(FEATURES)), np.float32)
    row[:, FEATURES.index("ease_decayed_share")] = [1.0, 0.5]
    row[:, FEATURES.index("own_count")] = [1, 0]
    one = baseline("ease_new", BASELINES["ease_new"], FEATURES)
    assert one.log_odds(row).tolist() == pytest.approx([-22.0, 4.0])


def test_habits_count_visits_not_lines() -> None:
    """x is bought in the first and third of three visits, twice in the first."""
    frame = pd.DataFrame(
        {"USER_ID": "a", "ITEM_ID": ["x", "x", "y", "z", "x"], "TIMESTAMP": [0, 0, 0, 5 * DAY, 7 * DAY]}
    )
    habits = Habits(encode(frame).histories, 3)
    assert habits.visits.tolist() == [3]
    assert habits.columns["visits"].tolist() == [2, 1, 1]
    assert habits.columns["visits_since"].tolist() == [0, 2, 1]
    assert habits.columns["visit_rate"].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 2])
    assert habits.columns["week"].tolist() == pytest.approx([1 + 2 * 0.5, 0.5, 0.5 ** (2 / 7)])


def test_the_truncated_decomposition_is_the_exact_one_and_the_same_every_time() -> None:
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(np.random.RandomState(0).rand(40, 25))
    exact = np.linalg.svd(matrix.toarray(), compute_uv=False)[:3]
    left, singular = truncated_svd(matrix, rank=3, seed=0)
    assert singular == pytest.approx(exact, rel=0.02)
    again, _ = truncated_svd(matrix, rank=3, seed=0)
    assert (left == again).all()


def test_trends_that_do_not_last_leave_the_popular_items_in_place() -> None:
    counts = np.random.RandomState(0).poisson(0.3, (24, 60)).astype(float)
    popular = np.arange(60.0)
    assert (trend_weights(counts, popular) == popular).all()


def test_an_increase_beyond_chance_comes_first_whatever_is_popular() -> None:
    counts = np.random.RandomState(0).poisson(0.3, (24, 60)).astype(float)
    counts[-1, 7] = 50
    weights = trend_weights(counts, np.arange(60.0))
    assert np.argsort(-weights)[:3].tolist() == [7, 59, 58]


def test_steady_trends_are_followed() -> None:
    """Ten items gain with every interval, the popular ones lose."""
    steps = np.arange(24.0)[:, None]
    counts = np.hstack([np.tile(3 * steps, 10), np.tile(200 - 3 * steps, 50)])
    popular = counts.sum(axis=0)
    assert set(np.argsort(-trend_weights(counts, popular), kind="stable")[:10]) == set(range(10))


def test_next_best_action_tells_event_types_apart() -> None:
    """Only users who once used a coupon take the action; what they bought says nothing."""
    random = np.random.RandomState(0)
    frame = interactions().assign(EVENT_TYPE="purchase")
    users = frame.USER_ID.unique()
    keen = set(random.choice(users, 60, replace=False))
    frame.loc[frame.USER_ID.isin(keen) & (random.rand(len(frame)) < 0.4), "EVENT_TYPE"] = "coupon"
    rows = [
        (
            user,
            "a0",
            START + (20 + n) * DAY,
            "TAKEN" if (user in keen) == (random.rand() < 0.9) else "NOT_TAKEN",
        )
        for user in users
        for n in range(1)
    ]
    log = pd.DataFrame(rows, columns=["USER_ID", "ACTION_ID", "TIMESTAMP", "EVENT_TYPE"])
    given = replace(data(), interactions=frame, action_interactions=log, items=None)
    auc = train(recipe="aws-next-best-action", data=given).metrics["auc"]
    plain = replace(given, interactions=frame.drop(columns="EVENT_TYPE"))
    assert auc > 0.75
    assert train(recipe="aws-next-best-action", data=plain).metrics["auc"] < auc - 0.1


def test_a_single_event_type_is_not_told_apart() -> None:
    from osusume_engine.preparation import prepare

    prepared = prepare(data(), events=None, required=frozenset({"Interactions"}))
    events = _item_events(Task(prepared, {}, 0), prepared.users)
    assert _kind_events(events) == ()
    assert len(events) == len(interactions())
    assert set(events["value"]) == {1.0}
    assert len(items()) == len(prepared.items)
