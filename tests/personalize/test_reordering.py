"""Ranking influence and exploration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from local.personalize.ids import Ids
from local.personalize.reordering import DAY, Reordering, creation_times


@dataclass(frozen=True)
class Scored:
    id: str
    score: float


@dataclass
class Histories:
    items: np.ndarray
    times: np.ndarray


@dataclass
class Model:
    """Items a (1 event, old), b (3 events), c (newest event), d and e without events."""

    items: Any
    histories: Histories


def model() -> Model:
    ids = Ids(np.array(list("abcde"), dtype=object))
    return Model(ids, Histories(np.array([0, 1, 1, 1, 2]), np.array([10, 20, 21, 22, 100]) * DAY))


LIST = [Scored("a", 0.9), Scored("b", 0.5), Scored("c", 0.1)]


def reordering(**given: Any) -> Reordering:
    made = Reordering.of(model(), **{"created": {"e": 1 * DAY}, "influence": {}, "exploration": {}, **given})
    assert made is not None
    return made


def names(listed: list[Any]) -> str:
    return "".join(one.id for one in listed)


def test_without_weights_there_is_nothing_to_do() -> None:
    assert Reordering.of(model(), created=None, influence={"POPULARITY": 0}, exploration={}) is None


def test_full_influence_orders_by_popularity_or_freshness() -> None:
    assert names(reordering(influence={"POPULARITY": 1}).apply(LIST, 3, query="u"))[0] == "b"
    assert names(reordering(influence={"FRESHNESS": 1}).apply(LIST, 3, query="u")) == "cba"


def test_a_little_influence_keeps_the_relevant_first_and_scores_fall() -> None:
    listed = reordering(influence={"FRESHNESS": 0.1}).apply(LIST, 2, query="u")
    assert names(listed) == "ab"
    assert listed[0].score > listed[1].score
    assert reordering(influence={"FRESHNESS": 0.1}).pool(25) == 100


def test_exploration_lets_young_items_without_events_in() -> None:
    long = [Scored(one, 1.0) for one in ("a", "b", "c", *"pqrstuvwx")]
    explore = reordering(exploration={"explorationWeight": 1.0, "explorationItemAgeCutOff": 30})
    listed = names(explore.apply(long, 12, query="u"))
    assert listed[0] == "a"
    assert set(listed) - set(names(long)) == {"d"}  # e is older than the cut-off
    assert names(explore.apply(long, 12, query="u")) == listed
    none = explore.apply(long, 12, query="u", allowed=lambda ids: [False] * len(ids))
    assert names(none) == names(long)


def test_creation_times_come_from_the_items_dataset() -> None:
    frame = pd.DataFrame({"ITEM_ID": ["a", "b"], "CREATION_TIMESTAMP": pd.array([5, None], dtype="Int64")})
    assert creation_times(frame) == {"a": 5}
    assert creation_times(frame.set_index("ITEM_ID")) == {"a": 5}
    assert creation_times(None) == {}
