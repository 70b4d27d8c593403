"""Fast lists: known answers of their parts, and whole lists beside those of the whole model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from osusume_engine.data import TrainingData
from osusume_engine.models.candidates import Candidates
from osusume_engine.models.fast import FastLists, Part, closest, largest, weightiest
from osusume_engine.models.personalization import Personalizer
from osusume_engine.training import TrainedModel, train
from tests.blocks import START, block_of, interactions, one_history


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return train(recipe="aws-user-personalization-v2", data=TrainingData(interactions=interactions()))


@pytest.fixture
def followers() -> FastLists:
    """Each of five items is followed by the next; items 3 and 4 are the popular ones."""
    step = sp.csr_matrix((np.full(5, 2.0, np.float32), (np.arange(5), (np.arange(5) + 1) % 5)), shape=(5, 5))
    counts = np.array([1, 1, 1, 4, 3], np.float32)
    return FastLists((Part(0.5, 10, (step,)),), step, np.zeros(5, np.float32), counts)


def test_the_newest_item_says_most_about_the_next(followers: FastLists) -> None:
    lists = followers.recommend(one_history(np.array([0, 2])), 2)
    assert lists.items[0].tolist() == [3, 1]
    shares = np.exp([2.0, 1.0])
    assert lists.scores[0] == pytest.approx(0.95 * shares / shares.sum())


def test_a_short_list_is_filled_with_popular_items_that_score_no_higher(followers: FastLists) -> None:
    lists = followers.recommend(one_history(np.array([0])), 3)
    assert lists.items[0].tolist() == [1, 3, 4]
    assert (np.diff(lists.scores[0]) <= 0).all()


def test_a_user_without_events_gets_the_popular_items(followers: FastLists) -> None:
    queries = replace(one_history(np.array([0])), ptr=np.array([0, 0, 1]))
    lists = followers.recommend(queries, 2)
    assert lists.items.tolist() == [[3, 4], [1, 3]]


def test_the_largest_entries_of_rows_of_any_length_are_listed_best_first() -> None:
    scores = sp.csr_matrix(
        (np.array([1, 5, 3, -2, 7], np.float32), np.array([4, 0, 2, 1, 3]), np.array([0, 3, 3, 5])),
        shape=(3, 5),
    )
    lists = largest(scores, 2)
    assert lists.items.tolist() == [[0, 2], [-1, -1], [3, 1]]
    assert lists.scores[1].tolist() == [0, 0]
    assert lists.scores[[0, 2]].sum(axis=1) == pytest.approx([0.95, 0.95])


def test_entries_far_below_zero_weigh_as_much_as_those_far_above() -> None:
    matrix = sp.csr_matrix(np.array([[1.0, -9.0, 3.0], [0.5, 0.0, 0.0]], np.float32))
    assert weightiest(matrix, 2).toarray().tolist() == [[0, -9, 3], [0.5, 0, 0]]


def test_the_weights_that_made_the_shares_are_found_again() -> None:
    random = np.random.RandomState(0)
    rows = np.repeat(np.arange(400), 30).astype(np.int32)
    pairs = Candidates.of(rows, np.tile(np.arange(30), 400), 30)
    columns, true = random.randn(12_000, 3), np.array([1.5, -0.5, 0.0])
    share = np.exp((columns @ true).reshape(400, 30))
    share /= share.sum(axis=1, keepdims=True)
    assert closest(columns, share.ravel(), pairs, ridge=1e-3) == pytest.approx(true, abs=1e-3)


def test_fast_lists_are_of_the_users_block_as_those_of_the_whole_model_are(model: TrainedModel) -> None:
    users = model.users.values.tolist()
    for user, listed in zip(users, model.recommend_many(users, 5, quality="fast"), strict=True):
        assert np.mean([block_of(one.id) == block_of(user) for one in listed]) >= 0.8, user


def test_fast_lists_keep_most_of_the_whole_models_items(model: TrainedModel) -> None:
    users = model.users.values.tolist()
    pairs = zip(model.recommend_many(users, 10), model.recommend_many(users, 10, quality="fast"), strict=True)
    shared = [len({one.id for one in full} & {one.id for one in fast}) / 10 for full, fast in pairs]
    assert np.mean(shared) > 0.6


def test_fast_lists_do_without_the_whole_model_once_it_was_imitated(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list(model.recommend_many(["u1"], quality="fast"))

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the whole model was asked")

    monkeypatch.setattr(Personalizer, "recommend", asked)
    assert list(model.recommend_many(["u1"], quality="fast")) == before
    with pytest.raises(AssertionError, match="whole model"):
        next(model.recommend_many(["u1"]))


def test_fast_lists_have_the_length_asked_for_no_id_twice_and_falling_scores(model: TrainedModel) -> None:
    for k in (1, 25, 80, 100):
        for listed in model.recommend_many(["u1", "u2", "nobody"], k, quality="fast"):
            ids, scores = [one.id for one in listed], [one.score for one in listed]
            assert len(ids) == len(set(ids)) == min(k, len(model.items))
            assert scores == sorted(scores, reverse=True)
            assert 0 < sum(scores) <= 1 + 1e-6


def test_an_unknown_user_gets_the_popular_items_in_his_place(model: TrainedModel) -> None:
    mixed = list(model.recommend_many(["u1", "nobody", "u2"], 5, quality="fast"))
    alone = [next(model.recommend_many([user], 5, quality="fast")) for user in ("u1", "nobody", "u2")]
    assert [[one.id for one in listed] for listed in mixed] == [
        [one.id for one in listed] for listed in alone
    ]
    assert mixed[1] == model.recommend(user_id="nobody", num_results=5)


def test_under_a_filter_lists_are_those_of_the_whole_model(model: TrainedModel) -> None:
    def only_block_0(_: str):  # type: ignore[no-untyped-def]
        return lambda ids: np.array([block_of(one) == 0 for one in ids])

    listed = list(model.recommend_many(["u1", "u2"], 5, allowed=only_block_0, quality="fast"))
    assert listed == list(model.recommend_many(["u1", "u2"], 5, allowed=only_block_0))
    assert all(block_of(one.id) == 0 for row in listed for one in row)


def test_an_unknown_quality_names_the_choices(model: TrainedModel) -> None:
    with pytest.raises(ValueError, match="quality='quick' is unknown: use one of full, fast"):
        next(model.recommend_many(["u1"], quality="quick"))


def test_arrays_hold_what_the_lists_hold(model: TrainedModel) -> None:
    for quality in ("full", "fast"):
        ((items, scores),) = model.recommend_arrays(["u3", "u4"], 100, quality=quality)
        lists = list(model.recommend_many(["u3", "u4"], 100, quality=quality))
        assert items.shape == scores.shape == (2, 100)
        assert [[one for one in row if one is not None] for row in items.tolist()] == [
            [one.id for one in listed] for listed in lists
        ]
        assert items[0, -1] is None
        assert scores[0, -1] == 0


def test_a_recipe_without_a_ranker_has_one_quality() -> None:
    popular = train(recipe="aws-popularity-count", data=TrainingData(interactions=interactions()))
    assert list(popular.recommend_many(["u1"], quality="fast")) == list(popular.recommend_many(["u1"]))


def test_what_a_user_already_has_is_left_out_where_nobody_repeats() -> None:
    random = np.random.RandomState(1)
    rows = [
        (f"u{user}", f"i{item}", START + place)
        for user in range(100)
        for place, item in enumerate(random.permutation(60)[:12])
    ]
    frame = pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
    model = train(recipe="aws-user-personalization-v2", data=TrainingData(interactions=frame))
    own = frame.groupby("USER_ID").ITEM_ID.agg(set)
    users = model.users.values.tolist()
    listed = model.recommend_many(users, 10, quality="fast")
    again = [one.id in own[user] for user, row in zip(users, listed, strict=True) for one in row]
    assert np.mean(again) < 0.1


def test_threads_answer_what_one_batch_after_the_other_answers(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    personalizer = model.model
    assert isinstance(personalizer, Personalizer)
    monkeypatch.setattr("osusume_engine.models.personalization.BATCH", 10)
    many = personalizer.recommend(model.histories, 5)
    monkeypatch.setattr("osusume_engine.models.personalization.MANY_BATCHES", 1_000)
    assert (many.items == personalizer.recommend(model.histories, 5).items).all()
