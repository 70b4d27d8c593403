from __future__ import annotations

import numpy as np
import pytest

from osusume_engine.metrics import (
    area_under_curve,
    average_rewards,
    hit_matrix,
    list_ideal_ndcg,
    mean_reciprocal_rank,
    ranking_metrics,
    segment_metrics,
    trend_prediction_accuracy,
    weighted_ndcg,
)


def test_ndcg_gives_the_developer_guides_example() -> None:
    hits = np.array([[False, True, False, False, True]])
    assert list_ideal_ndcg(hits, 5)[0] == pytest.approx(0.6241, abs=5e-5)


def test_ndcg_is_one_for_a_single_hit_at_the_top_however_many_items_are_relevant() -> None:
    lists = np.array([[3, 4, 5]])
    hits = hit_matrix(lists, [np.array([3, 7, 8, 9])])
    assert list_ideal_ndcg(hits, 3)[0] == 1.0


def test_ndcg_is_zero_without_hits() -> None:
    assert list_ideal_ndcg(np.zeros((2, 25), dtype=bool), 25).tolist() == [0.0, 0.0]


def test_reciprocal_rank_takes_the_first_hit_and_counts_misses_as_zero() -> None:
    hits = np.array([[False, False, True, True], [True, False, False, False], [False] * 4])
    assert mean_reciprocal_rank(hits) == pytest.approx((1 / 3 + 1 + 0) / 3)


def test_precision_divides_by_k_even_where_the_list_is_shorter() -> None:
    lists = np.full((1, 25), -1)
    lists[0, :2] = (4, 9)
    metrics = ranking_metrics(lists=lists, relevant=[np.array([4, 9])], n_items=10)
    assert metrics["precision_at_5"] == pytest.approx(2 / 5)
    assert metrics["precision_at_25"] == pytest.approx(2 / 25)
    assert metrics["coverage"] == pytest.approx(2 / 10)


def test_padding_is_never_a_hit() -> None:
    assert not hit_matrix(np.full((1, 3), -1), [np.array([0, 1])]).any()


def test_a_hit_belongs_to_its_own_query() -> None:
    lists = np.array([[1, 2], [1, 2]])
    assert hit_matrix(lists, [np.array([1]), np.array([2])]).tolist() == [[True, False], [False, True]]


def test_a_repeated_relevant_item_counts_once() -> None:
    hits = hit_matrix(np.array([[1, 2]]), [np.array([1, 1, 1])])
    assert hits.tolist() == [[True, False]]


def test_average_rewards_is_the_share_of_the_users_rewards_that_was_hit() -> None:
    rewards = np.array([1.0, 2.0, 7.0])
    lists = np.array([[1, 0]])
    assert average_rewards(lists=lists, relevant=[np.array([1, 2])], rewards=rewards) == pytest.approx(2 / 9)


def test_weighted_ndcg_prefers_the_heavier_event_first() -> None:
    truth = [{1: 1.0, 2: 0.2}]
    best = weighted_ndcg(lists=np.array([[1, 2, 3]]), relevant=truth)
    worse = weighted_ndcg(lists=np.array([[2, 1, 3]]), relevant=truth)
    assert best == 1.0
    assert worse == pytest.approx((0.2 + 1 / np.log2(3)) / (1 + 0.2 / np.log2(3)))


def test_trend_accuracy_compares_with_the_items_that_gained_most() -> None:
    increase = np.array([5.0, 3.0, -4.0, 0.0])
    assert trend_prediction_accuracy(recommended=np.array([1, 2]), increase=increase) == pytest.approx(3 / 8)
    assert trend_prediction_accuracy(recommended=np.array([1]), increase=-increase * 0) == 0.0


def test_segment_metrics_count_hits_and_recall_per_item() -> None:
    segments = [np.array([1, 2]), np.array([3, 4])]
    truth = [np.array([2, 5, 6]), np.array([3])]
    metrics = segment_metrics(segments=segments, truth=truth, n_users=8)
    assert metrics == {"coverage": 0.5, "hit_at_k": 1.0, "recall_at_k": pytest.approx((1 / 3 + 1) / 2)}


def test_area_under_curve_counts_ties_half() -> None:
    labels = np.array([1, 0, 1, 0])
    assert area_under_curve(labels, np.array([0.9, 0.1, 0.8, 0.2])) == 1.0
    assert area_under_curve(labels, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert area_under_curve(labels, np.array([0.9, 0.8, 0.1, 0.2])) == pytest.approx(0.5)
    assert area_under_curve(np.ones(3), np.arange(3)) == 0.5
