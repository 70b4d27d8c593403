"""Objectives and contexts: what they do to lists, and that they do nothing where they should not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osusume_engine.data import Objective, TrainingData
from osusume_engine.histories import encode
from osusume_engine.metrics import average_rewards
from osusume_engine.models.contexts import Events
from osusume_engine.models.steering import Steered
from osusume_engine.training import TrainedModel, TrainingError, train
from tests.blocks import BLOCKS, catalogue, data, interactions, users

# The personal recipes share one learner, so one of them stands for all; the endpoint's tests use the other.
RECIPE = "aws-user-personalization-v2"
DEVICES = ("phone", "tv")


def price(item: str) -> float:
    """Not a function of popularity or of the block."""
    return float((int(item[1:]) * 7919) % 101)


def priced() -> TrainingData:
    frame = catalogue().assign(PRICE=[price(item) for item in catalogue().ITEM_ID])
    return replace(data(), items=frame)


@cache
def aimed(recipe: str, sensitivity: str | None) -> TrainedModel:
    objective = None if sensitivity is None else Objective("PRICE", sensitivity)
    return train(recipe=recipe, data=priced(), objective=objective)


def mean_price(model: TrainedModel) -> float:
    lists = model.recommend_many(users()[:40], 10)
    return float(np.mean([price(one.id) for listed in lists for one in listed]))


def test_the_mean_attribute_of_lists_grows_with_the_sensitivity() -> None:
    means = [mean_price(aimed(RECIPE, level)) for level in ("OFF", "LOW", "MEDIUM", "HIGH")]
    assert all(more > less + 1 for less, more in pairwise(means)), means


@pytest.mark.parametrize("recipe", [RECIPE, "aws-personalized-ranking"])
def test_an_objective_that_is_off_is_no_objective(recipe: str) -> None:
    off, none = aimed(recipe, "OFF"), aimed(recipe, None)
    assert off.metrics == none.metrics
    for user in ("u0", "u7", "nobody"):
        assert off.recommend(user_id=user) == none.recommend(user_id=user)


def test_a_ranking_puts_dear_items_higher_with_the_sensitivity() -> None:
    given = [f"i{n}" for n in range(40)]

    def dear_first(level: str) -> float:
        model = aimed(RECIPE, level)
        ranked = [model.rank(user_id=user, item_ids=given) for user in users()[:20]]
        assert all({one.id for one in listed} == set(given) for listed in ranked)
        return float(np.mean([price(one.id) for listed in ranked for one in listed[:8]]))

    means = [dear_first(level) for level in ("OFF", "LOW", "MEDIUM", "HIGH")]
    assert means == sorted(means)
    assert means[3] > means[0] + 10


def test_steered_scores_still_fall_and_sum_to_at_most_one() -> None:
    for k in (5, 25, 500):
        scores = [one.score for one in aimed(RECIPE, "HIGH").recommend(user_id="u3", num_results=k)]
        assert scores == sorted(scores, reverse=True)
        assert min(scores) > 0
        assert sum(scores) <= 1 + 1e-9


def test_a_filter_is_obeyed_under_an_objective() -> None:
    cheap = lambda ids: np.array([price(one) < 30 for one in ids])  # noqa: E731
    listed = aimed(RECIPE, "HIGH").recommend(user_id="u3", num_results=10, allowed=cheap)
    assert len(listed) == 10
    assert max(price(one.id) for one in listed) < 30


def test_average_rewards_are_reported_with_an_objective_only_and_grow_with_it() -> None:
    key = "average_rewards_at_k"
    assert key not in aimed(RECIPE, None).metrics
    assert key not in aimed(RECIPE, "OFF").metrics
    assert 0 < aimed(RECIPE, "LOW").metrics[key] <= 1
    assert set(aimed(RECIPE, "LOW").metrics) == {*aimed(RECIPE, None).metrics, key}


def test_average_rewards_are_the_share_of_what_a_user_s_relevant_items_would_bring() -> None:
    lists = np.array([[0, 1, -1], [2, 3, -1]])
    relevant = [np.array([1, 4]), np.array([2])]
    rewards = np.array([9.0, 3.0, 5.0, 9.0, 1.0])
    assert average_rewards(lists=lists, relevant=relevant, rewards=rewards) == (3 / 4 + 1) / 2


def test_an_objective_that_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="aws-sims has no optimization objective"):
        train(recipe="aws-sims", data=priced(), objective=Objective("PRICE", "LOW"))
    with pytest.raises(ValueError, match="sensitivity='EXTREME'"):
        train(recipe=RECIPE, data=priced(), objective=Objective("PRICE", "EXTREME"))
    with pytest.raises(TrainingError, match="'WEIGHT' is not a column"):
        train(recipe=RECIPE, data=priced(), objective=Objective("WEIGHT", "LOW"))


def contextual(*, matters: bool) -> TrainingData:
    """On a phone people meet the first half of their block, on a tv the second; or the device is noise."""
    random = np.random.RandomState(4)
    frame = interactions(per_user=30)
    half = np.array([int(item[1:]) // BLOCKS % 2 for item in frame.ITEM_ID])
    device = half if matters else random.randint(0, 2, len(frame))
    flipped = np.where(random.rand(len(frame)) < 0.05, 1 - device, device)
    return TrainingData(interactions=frame.assign(DEVICE_TYPE=[DEVICES[one] for one in flipped]))


@cache
def aware(recipe: str, matters: bool) -> TrainedModel:
    return train(recipe=recipe, data=contextual(matters=matters))


def test_contexts_stand_in_the_order_of_the_histories() -> None:
    frame = pd.DataFrame(
        {
            "USER_ID": ["b", "a", "b", "a", "b"],
            "ITEM_ID": ["v", "w", "x", "y", "z"],
            "TIMESTAMP": [3, 2, 1, 1, 2],
            "EVENT_TYPE": "click",
            "DEVICE": ["tv", "phone", "tv", None, "watch"],
            "HOUR": pd.array([9, 21, None, 9, 9], dtype="Int64"),
        }
    )
    encoded, events = encode(frame), Events.of(frame)
    assert events.columns == ("DEVICE", "HOUR")
    named = [
        [ids.values[code] if code >= 0 else None for ids, code in zip(events.values, row, strict=True)]
        for row in events.codes
    ]
    by_item = dict(zip(encoded.items.values[encoded.histories.items], named, strict=True))
    assert by_item == {
        "v": ["tv", "9"],
        "w": ["phone", "21"],
        "x": ["tv", None],
        "y": [None, "9"],
        "z": ["watch", "9"],
    }
    assert Events.of(frame.drop(columns=["DEVICE", "HOUR"])).columns == ()


def share_of_half(model: TrainedModel, half: int, device: str) -> float:
    lists = [
        model.recommend(user_id=user, num_results=8, context={"DEVICE_TYPE": device}) for user in users()[:40]
    ]
    return float(np.mean([int(one.id[1:]) // BLOCKS % 2 == half for listed in lists for one in listed]))


def test_a_context_that_matters_changes_the_list() -> None:
    model = aware(RECIPE, True)
    assert share_of_half(model, 0, "phone") > 0.8
    assert share_of_half(model, 1, "tv") > 0.8
    plain = model.recommend(user_id="u1")
    assert model.recommend(user_id="u1", context={"DEVICE_TYPE": "fridge"}) == plain
    assert model.recommend(user_id="u1", context={"WEATHER": "rain"}) == plain
    assert model.recommend(user_id="u1", context={"device_type": "tv"}) != plain


def test_a_context_that_matters_predicts_what_comes_next() -> None:
    """Of users whom the model has not seen, with the context of the event to predict and without."""
    frame = contextual(matters=True).interactions
    assert frame is not None
    newest = frame.sort_values("TIMESTAMP").groupby("USER_ID").tail(1)
    model = train(recipe=RECIPE, data=TrainingData(interactions=frame.drop(index=newest.index)))

    def found(context: bool) -> float:
        asked = (
            model.recommend(
                user_id=row.USER_ID,
                num_results=5,
                context={"DEVICE_TYPE": row.DEVICE_TYPE} if context else None,
            )
            for row in newest.itertuples()
        )
        hits = [
            row.ITEM_ID in {one.id for one in listed}
            for row, listed in zip(newest.itertuples(), asked, strict=True)
        ]
        return float(np.mean(hits))

    assert found(True) > found(False) + 0.1


def test_a_context_that_is_noise_gets_no_weight() -> None:
    model = aware(RECIPE, False)
    assert not isinstance(model.model, Steered)
    for device in DEVICES:
        asked = model.recommend(user_id="u1", context={"DEVICE_TYPE": device})
        assert asked == model.recommend(user_id="u1")


def test_a_ranking_depends_on_the_context() -> None:
    model = aware(RECIPE, True)
    given = ["i0", "i4", "i8", "i12"]  # one block; the first and third are for phones
    phone = [one.id for one in model.rank(user_id="u0", item_ids=given, context={"DEVICE_TYPE": "phone"})]
    tv = [one.id for one in model.rank(user_id="u0", item_ids=given, context={"DEVICE_TYPE": "tv"})]
    assert set(phone[:2]) == {"i0", "i8"}
    assert set(tv[:2]) == {"i4", "i12"}


def test_numbers_are_contexts_too_and_gaps_are_unknown() -> None:
    frame = contextual(matters=True).interactions
    assert frame is not None
    hours = pd.array([9 if one == "phone" else 21 for one in frame.DEVICE_TYPE], dtype="Int64")
    hours[::50] = pd.NA
    model = train(
        recipe=RECIPE,
        data=TrainingData(interactions=frame.drop(columns="DEVICE_TYPE").assign(HOUR=hours)),
    )
    assert model.recommend(user_id="u1", context={"HOUR": "9"}) != model.recommend(
        user_id="u1", context={"HOUR": "21"}
    )


def test_a_steered_model_answers_the_same_after_loading(tmp_path: Path) -> None:
    for number, model in enumerate((aimed(RECIPE, "HIGH"), aware(RECIPE, True))):
        model.save(tmp_path / str(number))
        loaded = TrainedModel.load(tmp_path / str(number))
        ask = {"user_id": "u2", "context": {"DEVICE_TYPE": "tv"}}
        assert loaded.recommend(**ask) == model.recommend(**ask)
