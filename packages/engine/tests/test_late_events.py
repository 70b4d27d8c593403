"""A streamed event that is older than what its user did last has its place in time, and every score stays a number."""

from __future__ import annotations

import math
from functools import cache

import pytest

from osusume_engine.data import Event
from osusume_engine.training import Scored, TrainedModel, train
from tests.test_small_data import shaped

OLD = 1_600_000_000  # before all training data


@cache
def model(recipe: str) -> TrainedModel:
    return train(recipe=recipe, data=shaped("a small catalogue"))


def answered(recipe: str, recent: list[Event]) -> list[Scored]:
    ids = [f"i{n}" for n in range(20)]
    if "ranking" in recipe:
        return model(recipe).rank(user_id="u3", item_ids=ids, recent=recent)
    return model(recipe).recommend(user_id="u3", num_results=20, recent=recent)


@pytest.mark.parametrize(
    "recipe",
    [
        "aws-user-personalization-v2",
        "aws-user-personalization",
        "aws-personalized-ranking-v2",
        "aws-personalized-ranking",
        "aws-popularity-count",
        "aws-trending-now",
    ],
)
@pytest.mark.parametrize("times", [[OLD], [OLD + 5, OLD], [0], [4_000_000_000, OLD]])
def test_an_event_of_any_time_leaves_every_score_a_number(recipe: str, times: list[int]) -> None:
    recent = [Event(item_id=f"i{n}", timestamp=time) for n, time in enumerate(times)]
    listed = answered(recipe, recent)
    assert listed != []
    assert all(math.isfinite(one.score) for one in listed)
    assert listed == sorted(listed, key=lambda one: -one.score)


def test_the_newest_event_is_the_latest_by_its_time_whatever_came_last() -> None:
    newest, late = Event("i1", 1_800_000_000), Event("i2", OLD)
    history = model("aws-user-personalization-v2")._history("u3", [newest, late])
    assert (history.times[1:] >= history.times[:-1]).all()
    assert model("aws-user-personalization-v2").items.values[history.items[-1]] == "i1"
