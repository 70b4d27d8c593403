from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from osusume_engine.data import Event
from osusume_engine.recipes import RECIPES
from osusume_engine.training import Scored, TrainedModel, train
from tests.blocks import BLOCKS, DAY, ITEMS, START, block_of, data, items, users

PERSONAL = [n for n, r in RECIPES.items() if r.type in ("USER_PERSONALIZATION", "PERSONALIZED_RANKING")]
RELATED = [n for n, r in RECIPES.items() if r.type == "RELATED_ITEMS"]
POPULAR = [n for n, r in RECIPES.items() if r.type == "POPULAR_ITEMS"]
SEGMENTS = [n for n, r in RECIPES.items() if r.type == "USER_SEGMENTATION"]
ACTIONS = [n for n, r in RECIPES.items() if r.type == "PERSONALIZED_ACTIONS"]
RANKING_METRICS = {
    "coverage",
    "mean_reciprocal_rank_at_25",
    *(f"normalized_discounted_cumulative_gain_at_{k}" for k in (5, 10, 25)),
    *(f"precision_at_{k}" for k in (5, 10, 25)),
}


@cache
def model(recipe: str) -> TrainedModel:
    return train(recipe=recipe, data=data())


def answer(trained: TrainedModel, one: int, *, num_results: int = 10) -> list[Scored]:
    """What the recipe lists for user u<one>, item i<one> or genre<one>."""
    kind = trained.spec.type
    if kind == "RELATED_ITEMS":
        return trained.recommend(item_id=f"i{one}", num_results=num_results)
    if trained.recipe == "aws-item-affinity":
        return trained.segment(item_id=f"i{one}", num_results=num_results)
    if trained.recipe == "aws-item-attribute-affinity":
        return trained.segment(attributes={"GENRE": [f"genre{one % BLOCKS}"]}, num_results=num_results)
    if kind == "PERSONALIZED_ACTIONS":
        return trained.actions(user_id=f"u{one}", num_results=num_results)
    return trained.recommend(user_id=f"u{one}", num_results=num_results)


def share_in_block(lists: list[list[Scored]]) -> float:
    """Of all entries, the share that is in the block of the list's number."""
    return float(np.mean([block_of(s.id) == n % BLOCKS for n, one in enumerate(lists) for s in one]))


def test_there_are_twelve_recipes() -> None:
    assert len(RECIPES) == 12
    assert len(PERSONAL + RELATED + POPULAR + SEGMENTS + ACTIONS) == 12


@pytest.mark.parametrize("recipe", PERSONAL + RELATED + SEGMENTS)
def test_the_recipe_finds_the_blocks(recipe: str) -> None:
    lists = [answer(model(recipe), one, num_results=6) for one in range(40)]
    assert share_in_block(lists) > (0.8 if recipe == "aws-sims" else 0.9)  # SIMS leaves out the top items


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_lists_are_sorted_without_duplicates_and_score_at_most_one(recipe: str) -> None:
    for one in (0, 5, 11):
        listed = answer(model(recipe), one)
        scores = [s.score for s in listed]
        assert listed
        assert scores == sorted(scores, reverse=True)
        assert len({s.id for s in listed}) == len(listed)
        assert min(scores) >= 0
        assert max(scores) <= 1 if recipe in ACTIONS else sum(scores) <= 1 + 1e-9


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_a_saved_model_answers_the_same_after_loading(recipe: str, tmp_path: Path) -> None:
    trained = model(recipe)
    trained.save(tmp_path / "model")
    loaded = TrainedModel.load(tmp_path / "model")
    assert loaded.metrics == trained.metrics
    assert [answer(loaded, one) for one in range(8)] == [answer(trained, one) for one in range(8)]


def test_saving_replaces_an_older_model_and_leaves_nothing_else(tmp_path: Path) -> None:
    model("aws-similar-items").save(tmp_path / "model")
    model("aws-popularity-count").save(tmp_path / "model")
    assert TrainedModel.load(tmp_path / "model").recipe == "aws-popularity-count"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("recipe", ["aws-user-personalization-v2", "aws-similar-items", "aws-item-affinity"])
def test_training_twice_with_one_seed_gives_one_model(recipe: str) -> None:
    again = train(recipe=recipe, data=data())
    assert again.metrics == model(recipe).metrics
    assert [answer(again, one) for one in range(8)] == [answer(model(recipe), one) for one in range(8)]


@pytest.mark.parametrize("recipe", PERSONAL + RELATED + POPULAR)
def test_ranking_recipes_report_the_documented_metrics(recipe: str) -> None:
    extra = {"trend_prediction_accuracy"} if recipe == "aws-trending-now" else set()
    metrics = model(recipe).metrics
    assert set(metrics) == RANKING_METRICS | extra
    assert all(0 <= value <= 1 for value in metrics.values())
    assert metrics["coverage"] > 0


@pytest.mark.parametrize("recipe", PERSONAL)
def test_personal_recipes_beat_popularity_offline(recipe: str) -> None:
    key = "normalized_discounted_cumulative_gain_at_25"
    assert model(recipe).metrics[key] > model("aws-popularity-count").metrics[key]


def test_popularity_counts_unique_users() -> None:
    frame = data().interactions
    assert frame is not None
    unique = frame.groupby("ITEM_ID").USER_ID.nunique().sort_values(ascending=False)
    listed = model("aws-popularity-count").recommend(user_id="u3", num_results=10)
    assert [unique[s.id] for s in listed] == unique.tolist()[:10]


@pytest.mark.parametrize("recipe", [*PERSONAL, *RELATED, *POPULAR])
@pytest.mark.parametrize("modulus", [2, 7])
def test_a_filter_is_obeyed_and_the_list_still_filled(recipe: str, modulus: int) -> None:
    allowed: Callable = lambda ids: np.array([int(i[1:]) % modulus == 1 for i in ids], dtype=bool)  # noqa: E731
    trained = model(recipe)
    key = "item_id" if recipe in RELATED else "user_id"
    one = "i4" if recipe in RELATED else "u4"
    listed = trained.recommend(**{key: one}, num_results=10, allowed=allowed)
    assert len(listed) == 10
    assert all(int(s.id[1:]) % modulus == 1 for s in listed)


@pytest.mark.parametrize("recipe", [*PERSONAL, *RELATED, *POPULAR])
def test_asking_for_more_than_the_catalogue_gives_all_of_it(recipe: str) -> None:
    listed = answer(model(recipe), 4, num_results=500)
    assert len(listed) == ITEMS - (1 if recipe in RELATED else 0)
    assert sum(s.score for s in listed) <= 1 + 1e-9


@pytest.mark.parametrize("recipe", [*PERSONAL, *RELATED, *POPULAR])
def test_batch_inference_answers_in_order_and_like_single_requests(recipe: str) -> None:
    trained = model(recipe)
    ids = items()[:30] if recipe in RELATED else users()[:30]
    single = [answer(trained, one) for one in range(30)]
    batch = list(trained.recommend_many(ids, num_results=10))
    assert [[s.id for s in one] for one in batch] == [[s.id for s in one] for one in single]


@pytest.mark.parametrize("recipe", [*PERSONAL, *RELATED])
def test_an_unknown_id_gets_the_popular_items(recipe: str) -> None:
    key = "item_id" if recipe in RELATED else "user_id"
    popular = [s.id for s in model("aws-popularity-count").recommend(user_id="u0", num_results=10)]
    assert [s.id for s in model(recipe).recommend(**{key: "nobody"}, num_results=10)] == popular


@pytest.mark.parametrize("recipe", PERSONAL)
def test_streamed_events_change_the_list_of_a_new_user(recipe: str) -> None:
    recent = [Event(f"i{4 * n + 2}", START + 20 * DAY + n) for n in range(3)]
    listed = model(recipe).recommend(user_id="newcomer", num_results=6, recent=recent)
    assert np.mean([block_of(s.id) == 2 for s in listed]) > 0.6


def test_streamed_events_that_were_trained_on_change_nothing() -> None:
    trained = model("aws-user-personalization-v2")
    frame = data().interactions
    assert frame is not None
    mine = frame[frame.USER_ID == "u7"]
    recent = [Event(row.ITEM_ID, int(row.TIMESTAMP)) for row in mine.itertuples()]
    assert trained.recommend(user_id="u7", recent=recent) == trained.recommend(user_id="u7")


@pytest.mark.parametrize("recipe", RELATED)
def test_related_items_never_list_the_query(recipe: str) -> None:
    for one in range(ITEMS):
        assert f"i{one}" not in {s.id for s in answer(model(recipe), one, num_results=500)}


@pytest.mark.parametrize("recipe", PERSONAL)
def test_ranking_puts_the_users_block_first_and_unknown_items_last(recipe: str) -> None:
    given = ["i0", "i1", "i2", "i3", "unheard"]
    for user in range(8):
        ranked = model(recipe).rank(user_id=f"u{user}", item_ids=given)
        assert {s.id for s in ranked} == set(given)
        assert block_of(ranked[0].id) == user % BLOCKS
        assert ranked[-1] == Scored("unheard", 0.0)


@pytest.mark.parametrize("recipe", POPULAR)
def test_popular_items_need_no_user(recipe: str) -> None:
    assert model(recipe).recommend() == model(recipe).recommend(user_id="u1")


def test_personal_recipes_say_that_they_need_a_user() -> None:
    with pytest.raises(ValueError, match="user_id is required by aws-user-personalization-v2"):
        model("aws-user-personalization-v2").recommend(item_id="i1")


def test_attributes_that_no_item_has_give_nobody() -> None:
    trained = model("aws-item-attribute-affinity")
    assert trained.segment(attributes={"GENRE": ["genre9"]}) == []
    assert trained.segment(attributes={"COLOUR": ["genre1"]}) == []


def test_next_best_action_tells_the_groups_apart() -> None:
    trained = model("aws-next-best-action")
    first = [trained.actions(user_id=f"u{n}")[0].id for n in range(40)]
    right = ["a0" if n % BLOCKS < 2 else "a1" for n in range(40)]
    assert np.mean([a == b for a, b in zip(first, right, strict=True)]) > 0.9
    assert trained.metrics["auc"] > 0.8
    assert set(trained.metrics) == {"coverage", "precision", "recall", "auc"}


def test_an_action_without_enough_data_scores_zero() -> None:
    few = data().action_interactions
    assert few is not None
    few = few[(few.ACTION_ID == "a0") | (few.TIMESTAMP.max() == few.TIMESTAMP)].copy()
    few = few[(few.ACTION_ID == "a0") | (few.index % 5 == 0)]
    trained = train(recipe="aws-next-best-action", data=_with_actions(few))
    scores = {s.id: s.score for s in trained.actions(user_id="u0")}
    assert scores["a0"] > 0
    assert scores["a1"] == 0.0


def test_of_equally_likely_actions_the_more_valuable_comes_first() -> None:
    none = data().action_interactions
    assert none is not None
    trained = train(recipe="aws-next-best-action", data=_with_actions(none[:0]))
    assert [(s.id, s.score) for s in trained.actions(user_id="u0")] == [("a1", 0.0), ("a0", 0.0)]


def _with_actions(frame: object):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(data(), action_interactions=frame)


def test_trending_lists_the_item_that_is_gaining() -> None:
    import pandas as pd

    from osusume_engine.data import TrainingData

    frame = data().interactions
    assert frame is not None
    newest = int(frame.TIMESTAMP.max())
    rows = [(f"u{n}", "i77", newest - 3600 + n) for n in range(40)]
    rows += [(f"u{n % 5}", "i70", newest - 5 * 3600 + n) for n in range(40)]
    rising = pd.concat([frame, pd.DataFrame(rows, columns=frame.columns)])
    trained = train(recipe="aws-trending-now", data=TrainingData(interactions=rising))
    listed = [s.id for s in trained.recommend(user_id="u0", num_results=25)]
    assert listed[0] == "i77"
    assert "i70" not in listed[:5]
