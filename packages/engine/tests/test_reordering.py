"""Ranking influence and exploration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osusume_engine.ids import Ids
from osusume_engine.impressions import Impressions
from osusume_engine.models.exploration import MAX_EXPLORED, creation_series, explorable
from osusume_engine.reordering import Reordering

DAY = 86_400


@dataclass(frozen=True)
class Scored:
    id: str
    score: float
    reason: str | None = None


@dataclass
class Histories:
    items: np.ndarray
    times: np.ndarray

    def user(self, code: int) -> Histories:
        """One user each had every event."""
        return Histories(self.items[code : code + 1], self.times[code : code + 1])


@dataclass
class Model:
    """Items a (1 event, old), b (3 events), c (newest event), d and e without events."""

    items: Any
    histories: Histories
    users: Any


def model() -> Model:
    ids = Ids(np.array(list("abcde"), dtype=object))
    history = Histories(np.array([0, 1, 1, 1, 2]), np.array([10, 20, 21, 22, 100]) * DAY)
    return Model(ids, history, Ids(np.array(["had a", "x", "y", "z", "had c"], dtype=object)))


LIST = [Scored("a", 0.9), Scored("b", 0.5), Scored("c", 0.1)]
LONG = [Scored(one, 1.0 - n / 100) for n, one in enumerate(("a", "b", "c", *"pqrstuvwx"))]
CREATED = pd.DataFrame({"ITEM_ID": ["e"], "CREATION_TIMESTAMP": [1 * DAY]})


def reordering(**given: Any) -> Reordering:
    made = Reordering.of(model(), **{"items": CREATED, "influence": {}, "exploration": {}, **given})
    assert made is not None
    return made


def exploring(weight: float = 1.0, days: float = 30, **given: Any) -> Reordering:
    exploration = {"explorationWeight": weight, "explorationItemAgeCutOff": days}
    return reordering(exploration=exploration, **given)


def names(listed: list[Any]) -> str:
    return "".join(one.id for one in listed)


def fresh_catalogue(count: int = 60) -> pd.DataFrame:
    """Items new0, new1, ... without events: even ones like a, odd ones like c."""
    return pd.DataFrame(
        {
            "ITEM_ID": ["a", "c", *(f"new{n}" for n in range(count))],
            "GENRE": ["war", "love", *(("war", "love")[n % 2] for n in range(count))],
            "CREATION_TIMESTAMP": 99 * DAY,
        }
    )


def tried(explore: Reordering, user: str, length: int = 12) -> list[str]:
    return [one.id for one in explore.apply(LONG, length, query=user) if one.reason == "Exploration"]


def test_without_weights_there_is_nothing_to_do() -> None:
    assert Reordering.of(model(), items=None, influence={"POPULARITY": 0}, exploration={}) is None
    weightless = {"explorationWeight": 0.0, "explorationItemAgeCutOff": 1e9}
    assert Reordering.of(model(), items=fresh_catalogue(), influence={}, exploration=weightless) is None


def test_full_influence_orders_by_popularity_or_freshness() -> None:
    assert names(reordering(influence={"POPULARITY": 1}).apply(LIST, 3, query="u"))[0] == "b"
    assert names(reordering(influence={"FRESHNESS": 1}).apply(LIST, 3, query="u")) == "cba"


def test_a_little_influence_keeps_the_relevant_first_and_scores_fall() -> None:
    listed = reordering(influence={"FRESHNESS": 0.1}).apply(LIST, 2, query="u")
    assert names(listed) == "ab"
    assert listed[0].score > listed[1].score
    assert reordering(influence={"FRESHNESS": 0.1}).pool(25) == 100


def test_exploration_lets_young_items_without_events_in() -> None:
    explore = exploring()
    listed = explore.apply(LONG, 12, query="u")
    assert listed[0].id == "a"
    assert set(names(listed)) - set(names(LONG)) == {"d"}  # e is older than the cut-off
    assert [one.score for one in listed] == [one.score for one in LONG]
    assert explore.apply(LONG, 12, query="u") == listed
    none = explore.apply(LONG, 12, query="u", allowed=lambda ids: [False] * len(ids))
    assert none == LONG


def test_the_cut_off_counts_days_back_from_the_newest_event() -> None:
    assert set(explorable(model(), CREATED, days=98)) == {"c", "d", "b", "a"}
    assert set(explorable(model(), CREATED, days=99)) == {"e", "c", "d", "b", "a"}
    assert set(explorable(model(), CREATED, days=79)) == {"c", "d"}  # b's first event is 80 days old
    assert set(explorable(model(), CREATED, days=0)) == {"c", "d"}


def test_items_that_came_after_training_are_explored() -> None:
    assert set(tried(exploring(items=fresh_catalogue()), "u")) <= {"d", *fresh_catalogue().ITEM_ID}
    assert {one for user in range(30) for one in tried(exploring(items=fresh_catalogue()), str(user))} & {
        "new0",
        "new1",
        "new2",
    }


def test_more_weight_explores_more() -> None:
    def mean(weight: float) -> float:
        explore = exploring(weight, items=fresh_catalogue())
        return float(np.mean([len(tried(explore, f"user {n}")) for n in range(200)]))

    means = [mean(weight) for weight in (0.05, 0.3, 0.6, 1.0)]
    assert means == pytest.approx([0.02 * 12, 0.12 * 12, 0.24 * 12, 0.4 * 12], rel=0.15)


def test_who_explores_what_depends_on_the_user_and_the_seed_alone() -> None:
    explore, again = exploring(items=fresh_catalogue()), exploring(items=fresh_catalogue())
    assert tried(explore, "u1") == tried(again, "u1")
    assert len({tuple(tried(explore, f"u{n}")) for n in range(10)}) > 5
    assert tried(exploring(items=fresh_catalogue(), seed=1), "u1") != tried(explore, "u1")


def test_users_are_tried_with_what_is_like_their_own() -> None:
    explore = exploring(items=fresh_catalogue())

    def share_of_war(user: str, recent: tuple[str, ...] = ()) -> float:
        parity = []
        for seed in range(40):
            listed = replace(explore, seed=seed).apply(LONG, 12, query=user, recent=recent)
            parity += [int(one.id[3:]) % 2 == 0 for one in listed if one.id.startswith("new")]
        return float(np.mean(parity))

    assert share_of_war("had a") > 0.8
    assert share_of_war("had c") < 0.2
    assert 0.3 < share_of_war("stranger") < 0.7
    assert share_of_war("stranger", recent=("a",)) > 0.8


def test_what_a_user_was_shown_and_left_is_tried_less_on_him_and_a_little_less_on_others() -> None:
    impressions = Impressions()
    explore = exploring(items=fresh_catalogue(), impressions=impressions)
    before = tried(explore, "u1")
    for _ in range(8):
        impressions.record(user="u1", shown=[*before, "b"], chosen="b")
    assert not set(tried(explore, "u1")) & set(before)
    ignored = np.mean([len(set(tried(explore, f"x{n}")) & set(before)) for n in range(200)])
    for one in before * 8:
        impressions.record(user="u2", shown=[one], chosen=one)
    chosen = np.mean([len(set(tried(explore, f"x{n}")) & set(before)) for n in range(200)])
    assert chosen > 2 * ignored


def test_a_click_without_an_impression_is_not_held_against_anything() -> None:
    impressions = Impressions()
    impressions.record(user="u", shown=[], chosen="a")
    assert impressions.burden("u", ["a", "b"]) == [0.0, 0.0]


def test_the_youngest_items_are_explored_where_there_are_too_many() -> None:
    frame = fresh_catalogue(MAX_EXPLORED + 50)
    frame.loc[frame.index[-10:], "CREATION_TIMESTAMP"] = 100 * DAY
    chosen = explorable(model(), frame, days=30)
    assert len(chosen) == MAX_EXPLORED
    assert set(frame.ITEM_ID.iloc[-10:]) <= set(chosen[:12])


def test_creation_times_come_from_the_items_dataset() -> None:
    frame = pd.DataFrame({"ITEM_ID": ["a", "b"], "CREATION_TIMESTAMP": pd.array([5, None], dtype="Int64")})
    assert creation_series(frame).to_dict() == {"a": 5}
    assert creation_series(frame.set_index("ITEM_ID")).to_dict() == {"a": 5}
    assert creation_series(None).empty
