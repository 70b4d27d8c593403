"""Action interactions that arrive after training change what a user is offered."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from osusume_engine.data import ActionEvent
from osusume_engine.training import Scored, TrainedModel, train
from tests.blocks import BLOCKS, DAY, START, data

LATER = START + 36 * DAY + 1


@cache
def model() -> TrainedModel:
    return train(recipe="aws-next-best-action", data=data())


def events(action: str, kind: str, count: int) -> list[ActionEvent]:
    return [ActionEvent(action, LATER + 60 * n, kind) for n in range(count)]


def chances(user: str, recent: list[ActionEvent]) -> dict[str, float]:
    return {one.id: one.score for one in model().actions(user_id=user, recent=recent)}


@pytest.mark.parametrize("user", ["u0", "u4", "u6", "newcomer"])
def test_taking_an_action_again_and_again_raises_its_chance(user: str) -> None:
    before = chances(user, [])
    after = chances(user, events("a1", "Taken", 4) + events("a0", "Not Taken", 4))
    assert after["a1"] > before["a1"]
    assert after["a0"] < before["a0"]


def test_newcomers_are_told_apart_by_what_they_take() -> None:
    for first, second in (("a0", "a1"), ("a1", "a0")):
        recent = events(first, "TAKEN", 8) + events(second, "NOT_TAKEN", 8)
        assert [one.id for one in model().actions(user_id="newcomer", recent=recent)] == [first, second]


def test_events_with_an_unknown_action_say_only_that_time_passed() -> None:
    listed = model().actions(user_id="u0", recent=[ActionEvent("a9", 5, "TAKEN")])
    assert listed == model().actions(user_id="u0")


def test_the_user_s_own_view_is_the_whole_model_s() -> None:
    """Every user and pair, with an event of no action that keeps the clock where it is."""
    nothing = [ActionEvent("a9", 0, "TAKEN")]
    for number in range(2 * BLOCKS):
        assert close(
            model().actions(user_id=f"u{number}", recent=nothing), model().actions(user_id=f"u{number}")
        )


def close(first: list[Scored], second: list[Scored]) -> bool:
    return [one.id for one in first] == [one.id for one in second] and np.allclose(
        [one.score for one in first], [one.score for one in second]
    )
