"""Users without events: their metadata decides where it says something, and nothing changes where it does not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osusume_engine.data import Event, TrainingData
from osusume_engine.ids import Ids
from osusume_engine.models.newcomers import Traits, places_of
from osusume_engine.models.steering import Steered
from osusume_engine.training import TrainedModel, train
from tests.blocks import BLOCKS, START, block_of, data, users

RECIPE = "aws-user-personalization"
NEW = [f"n{block}" for block in range(BLOCKS)]


def described(*, telling: bool) -> TrainingData:
    """The town says the block, except of one user in ten, or nothing at all; four users are new."""
    random = np.random.RandomState(3)
    everyone = [*users(), *NEW]
    town = np.array([block_of(user) for user in everyone])
    noise = np.array([random.rand() < 0.1 and user not in NEW for user in everyone])
    town = np.where(noise | (not telling), random.randint(0, BLOCKS, len(everyone)), town)
    people = pd.DataFrame({"USER_ID": everyone, "TOWN": [f"town{one}" for one in town], "NAME": everyone})
    return replace(data(), users=people, categorical={**data().categorical, "Users": frozenset({"TOWN"})})


@cache
def trained(telling: bool = True) -> TrainedModel:
    return train(recipe=RECIPE, data=described(telling=telling))


def shares_of_own_block(model: TrainedModel, user: str, **more: object) -> float:
    listed = model.recommend(user_id=user, num_results=10, **more)  # type: ignore[arg-type]
    assert len(listed) == 10
    return float(np.mean([block_of(one.id) == block_of(user) for one in listed]))


def test_a_new_user_gets_what_users_like_him_have() -> None:
    assert min(shares_of_own_block(trained(), user) for user in NEW) > 0.6
    assert shares_of_own_block(trained(), "x0") < 0.5  # nobody knows anything about x0


def test_metadata_that_says_nothing_is_left_alone() -> None:
    popular = trained(False).recommend(user_id="x0")
    assert [trained(False).recommend(user_id=user) for user in NEW] == [popular] * BLOCKS
    assert not isinstance(trained(False).model, Steered)


def test_users_with_events_are_not_touched() -> None:
    bare = train(recipe=RECIPE, data=data())
    assert trained().metrics == bare.metrics
    assert [trained().recommend(user_id=user) for user in users()[:8]] == [
        bare.recommend(user_id=user) for user in users()[:8]
    ]


def test_the_first_streamed_event_says_more_than_metadata() -> None:
    met = [Event("i1", START), Event("i5", START + 1), Event("i9", START + 2)]  # of block 1
    lists = [trained().recommend(user_id=user, recent=met) for user in ("n0", "x0")]
    assert lists[0] == lists[1]


@pytest.mark.parametrize("quality", ["full", "fast"])
def test_batch_inference_answers_as_a_request_does(quality: str) -> None:
    asked = ["u3", "n2", "x0", "n0", "u1"]
    found = list(trained().recommend_many(asked, 10, quality=quality))
    for user in asked if quality == "full" else ("n2", "x0", "n0"):
        alone = trained().recommend(user_id=user, num_results=10)
        together = found[asked.index(user)]
        assert [one.id for one in together] == [one.id for one in alone]
        assert [one.score for one in together] == pytest.approx([one.score for one in alone])


def test_scores_fall_and_a_filter_is_obeyed() -> None:
    other = lambda ids: np.array([block_of(one) != 2 for one in ids])  # noqa: E731
    listed = trained().recommend(user_id="n2", num_results=10, allowed=other)
    assert len(listed) == 10
    assert all(block_of(one.id) != 2 for one in listed)
    scores = [one.score for one in trained().recommend(user_id="n2", num_results=80)]
    assert len(scores) == 80
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1 + 1e-6


def test_a_ranking_for_a_new_user_follows_his_metadata() -> None:
    ranked = trained().rank(user_id="n3", item_ids=[f"i{n}" for n in range(16)])
    assert [block_of(one.id) for one in ranked[:4]] == [3] * 4


def test_what_was_learned_is_saved_and_survives_an_update(tmp_path: Path) -> None:
    trained().save(tmp_path / "model")
    loaded = TrainedModel.load(tmp_path / "model")
    assert [loaded.recommend(user_id=user) for user in NEW] == [
        trained().recommend(user_id=user) for user in NEW
    ]
    again = train(recipe=RECIPE, data=described(telling=False), previous=loaded)
    assert again.model.newcomers.traits.weights == trained().model.newcomers.traits.weights != (0.0,)
    again = train(recipe=RECIPE, data=described(telling=True), previous=loaded)
    assert [one.id for one in again.recommend(user_id="n1")] == [
        one.id for one in trained().recommend(user_id="n1")
    ]


def test_numbers_are_read_as_fifths_and_other_texts_not_at_all() -> None:
    frame = pd.DataFrame(
        {
            "USER_ID": [f"u{n}" for n in range(100)],
            "AGE": [float(n) if n else None for n in range(100)],
            "RICH": pd.array([n % 2 for n in range(100)], dtype="Int64"),
            "NAME": [f"name {n}" for n in range(100)],
            "EMPTY": pd.Series([np.nan] * 100),
        }
    )
    traits = Traits.of(frame, categorical=frozenset())
    assert traits.columns == ("AGE", "RICH", "EMPTY")
    by_column = dict(zip(traits.columns, traits.codes.T, strict=True))
    assert by_column["AGE"][0] == -1
    assert sorted(np.bincount(by_column["AGE"][1:]).tolist()) == [19, 20, 20, 20, 20]
    assert (by_column["RICH"][::2] == by_column["RICH"][0]).all()
    assert by_column["RICH"][0] != by_column["RICH"][1]
    assert (by_column["EMPTY"] == -1).all()


def test_of_two_rows_of_a_user_the_last_one_counts_and_strangers_are_unknown() -> None:
    frame = pd.DataFrame({"USER_ID": ["a", "b", "a"], "TOWN": ["x", "x", "y"]})
    traits = Traits.of(frame, categorical=frozenset({"TOWN"}))
    assert dict(zip(traits.ids.values, traits.values[0].values[traits.codes[:, 0]], strict=True)) == {
        "a": "y",
        "b": "x",
    }
    learned = trained().model.newcomers
    newcomers = traits.newcomers(Ids(np.array(["b"], dtype=object)), learned.traits, learned.places)
    assert newcomers.of(["a", "b", "c"]).tolist() == [[traits.codes[1, 0]], [-1], [-1]]


def test_only_popular_items_are_told_apart() -> None:
    assert places_of(np.array([3, 9, 1, 7]), 2).tolist() == [2, 0, 2, 1]
    assert places_of(np.array([3, 9]), 5).tolist() == [1, 0]
    model = trained().model.newcomers
    few = replace(model, places=np.minimum(model.places, 0))
    bias = few.bias(few.of(["n1"]), np.array([[0, 5, 9, -1]]))
    assert len(np.unique(bias)) == 1
