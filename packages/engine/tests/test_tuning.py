"""Hyperparameter optimization, and which hyperparameters there is a point in optimizing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from osusume_engine import storage
from osusume_engine import tuning as module
from osusume_engine.data import TrainingData
from osusume_engine.preparation import prepare
from osusume_engine.recipes import RECIPES
from osusume_engine.recipes.learning import Learned, Task
from osusume_engine.training import TrainedModel, train
from osusume_engine.tuning import METRIC, Tuning, tuned
from tests.blocks import data, interactions, users

SIMS, PERSONAL = "aws-sims", "aws-user-personalization"


def task(recipe: str, **given: str) -> Task:
    prepared = prepare(data(), events=None, required=frozenset({"Interactions"}))
    return Task(prepared=prepared, values=RECIPES[recipe].parse(given), seed=0)


def searched(recipe: str, tuning: Tuning, score: Any, **given: str) -> tuple[list[dict], dict]:
    """The values that were tried on a learner of known quality, and those that won."""
    tried: list[dict] = []

    def learner(trial: Task) -> Learned:
        assert trial.trial
        tried.append(dict(trial.values))
        return Learned(None, {METRIC: score(trial.values)})

    return tried, tuned(task(recipe, **given), RECIPES[recipe], tuning, learner)


def test_the_best_values_within_the_ranges_win() -> None:
    tuning = Tuning({"popularity_discount_factor": (0.2, 0.4), "min_cointeraction_count": (2, 6)}, trials=30)
    tried, best = searched(
        SIMS, tuning, lambda v: v["popularity_discount_factor"] - v["min_cointeraction_count"]
    )
    assert len(tried) == 30
    assert all(0.2 <= one["popularity_discount_factor"] <= 0.4 for one in tried)
    assert {one["min_cointeraction_count"] for one in tried} == {2, 3, 4, 5, 6}
    assert best["min_cointeraction_count"] == 2
    assert best["popularity_discount_factor"] == max(
        one["popularity_discount_factor"] for one in tried if one["min_cointeraction_count"] == 2
    )


def test_the_given_values_are_tried_first_and_kept_unless_something_is_better() -> None:
    tried, best = searched(SIMS, Tuning(trials=5), lambda v: 0.5, min_cointeraction_count="7")
    assert tried[0]["min_cointeraction_count"] == 7
    assert best == tried[0]


def test_no_more_trials_than_asked_and_none_twice() -> None:
    tried, _ = searched(
        PERSONAL, Tuning({"bptt": (2, 3), "recency_mask": ("true", "false")}, 40), lambda v: 0.1
    )
    assert len(tried) == 4
    assert {one["hidden_dimension"] for one in tried} == {149}
    assert len(searched(PERSONAL, Tuning(trials=1), lambda v: 0.1)[0]) == 0  # nothing to choose from


def test_the_search_is_the_same_for_the_same_seed() -> None:
    first, second = (searched(SIMS, Tuning(trials=6), lambda v: 0.1)[0] for _ in range(2))
    assert first == second


def test_a_range_is_cut_to_what_the_recipe_allows() -> None:
    tried, _ = searched(PERSONAL, Tuning({"bptt": (30, 40)}, trials=12), lambda v: 0.1)
    assert {one["bptt"] for one in tried} == {30, 31, 32}


def test_the_test_users_of_the_metrics_take_no_part() -> None:
    seen: list[int] = []

    def learner(trial: Task) -> Learned:
        seen.append(len(trial.prepared.histories))
        return Learned(None, {METRIC: 0.0})

    tuned(task(SIMS), RECIPES[SIMS], Tuning(trials=2), learner)
    assert seen == [len(users()) - len(users()) // 10] * 2


def test_large_data_is_tried_on_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIAL_USERS", 50)
    seen: list[int] = []

    def learner(trial: Task) -> Learned:
        seen.append(len(trial.prepared.histories))
        return Learned(None, {METRIC: 0.0})

    tuned(task(SIMS), RECIPES[SIMS], Tuning(trials=2), learner)
    assert seen == [50, 50]


@pytest.mark.parametrize(
    ("recipe", "ranges", "reason"),
    [
        ("aws-user-personalization-v2", {}, "does not support hyperparameter optimization"),
        (SIMS, {"depth": (1, 2)}, "can't tune 'depth'"),
        (SIMS, {"min_user_history_length_percentile": (0.0, 0.1)}, "can't tune 'min_user_history"),
        (SIMS, {"min_cointeraction_count": (11, 20)}, "range 11 to 20 of min_cointeraction_count is outside"),
        (
            SIMS,
            {"min_cointeraction_count": (5, 4)},
            "range 5 to 4 of min_cointeraction_count begins above its end",
        ),
        (PERSONAL, {"recency_mask": ("maybe",)}, "recency_mask='maybe'"),
        (PERSONAL, {"recency_mask": ()}, "range of recency_mask is empty"),
    ],
)
def test_a_search_that_cannot_be_is_refused_by_name(recipe: str, ranges: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        train(recipe=recipe, data=data(), tuning=Tuning(ranges))


def test_a_model_is_trained_with_the_values_that_were_found() -> None:
    """Popularity misleads here: everyone also met the same items, which say nothing about the next."""
    tuning = Tuning({"popularity_discount_factor": (0.0, 1.0), "min_cointeraction_count": (0, 10)}, trials=12)
    given = {"popularity_discount_factor": "0.0", "min_cointeraction_count": "10"}
    plain = train(recipe=SIMS, data=crowded(), hyperparameters=given)
    found = train(recipe=SIMS, data=crowded(), hyperparameters=given, tuning=tuning)
    assert found.hyperparameters != plain.hyperparameters
    assert found.metrics[METRIC] > plain.metrics[METRIC]
    again = train(recipe=SIMS, data=crowded(), hyperparameters=found.hyperparameters)
    assert again.metrics == found.metrics


def crowded() -> TrainingData:
    frame = interactions()
    random = np.random.RandomState(3)
    noise = frame.iloc[: len(users()) * 6].copy()
    noise["USER_ID"] = [user for user in users() for _ in range(6)]
    noise["ITEM_ID"] = [f"i{90 + random.randint(6)}" for _ in range(len(noise))]
    noise["TIMESTAMP"] = frame.TIMESTAMP.min() + np.arange(len(noise)) % 6
    import pandas as pd

    return TrainingData(interactions=pd.concat([noise, frame], ignore_index=True))


CHANGED = {
    "hidden_dimension": "64",
    "item_id_hidden_dim": "60",
    "item_metadata_hidden_dim": "60",
    "bptt": "2",
    "recency_mask": "false",
    "apply_recency_bias": "false",
    "min_user_history_length_percentile": "0.3",
    "max_user_history_length_percentile": "0.6",
    "popularity_discount_factor": "0.8",
    "min_cointeraction_count": "9",
    "min_item_interaction_count_percentile": "0.4",
    "max_item_interaction_count_percentile": "0.5",
    "trend_discovery_frequency": "1 day",
    "action_optimization_period": "7",
}


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        (recipe, name)
        for recipe in (
            "aws-user-personalization",
            "aws-user-personalization-v2",
            "aws-sims",
            "aws-similar-items",
            "aws-item-affinity",
            "aws-trending-now",
        )
        for name in RECIPES[recipe].hyperparameters
    ],
)
def test_a_hyperparameter_is_used_if_and_only_if_it_says_so(recipe: str, name: str) -> None:
    changed = train(recipe=recipe, data=uneven(), hyperparameters={name: CHANGED[name]})
    assert (content(changed) == content(plain(recipe))) != RECIPES[recipe].hyperparameters[name].used


def content(model: TrainedModel) -> tuple[str, dict[str, bytes]]:
    """All that was learned, as it is saved."""
    arrays: dict[str, np.ndarray] = {}
    tree = storage._pack(model.model, arrays)
    return json.dumps([tree, model.metrics]), {name: array.tobytes() for name, array in arrays.items()}


def uneven() -> TrainingData:
    """Histories of different lengths."""
    frame = interactions(per_user=24)
    place = frame.groupby("USER_ID").cumcount()
    length = 6 + frame.USER_ID.str[1:].astype(int) % 18
    return replace(data(), interactions=frame[place < length].reset_index(drop=True))


_PLAIN: dict[str, TrainedModel] = {}


def plain(recipe: str) -> TrainedModel:
    if recipe not in _PLAIN:
        _PLAIN[recipe] = train(recipe=recipe, data=uneven())
    return _PLAIN[recipe]


@pytest.mark.parametrize(
    ("recipe", "given", "reason"),
    [
        (PERSONAL, {"bptt": "1_0"}, "bptt='1_0' is not integer"),
        (PERSONAL, {"bptt": " 10 "}, "bptt=' 10 ' is not integer"),
        (PERSONAL, {"bptt": "\uff11\uff10"}, "is not integer"),
        (PERSONAL, {"bptt": "\u00b2"}, "is not integer"),
        (PERSONAL, {"bptt": "9" * 5000}, "is not integer"),
        (SIMS, {"popularity_discount_factor": "nan"}, "'nan' is not continuous"),
        (SIMS, {"popularity_discount_factor": "0_1"}, "'0_1' is not continuous"),
        (
            PERSONAL,
            {"min_user_history_length_percentile": "0.9", "max_user_history_length_percentile": "0.1"},
            "min_user_history_length_percentile=0.9 is above max_user_history_length_percentile=0.1",
        ),
        (
            SIMS,
            {"min_item_interaction_count_percentile": "0.95"},
            "above max_item_interaction_count_percentile=0.9",
        ),
    ],
)
def test_a_value_that_only_python_reads_and_bounds_that_cross_are_refused(
    recipe: str, given: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        RECIPES[recipe].parse(given)


def test_a_range_without_end_is_said_as_one() -> None:
    spec = RECIPES[PERSONAL].campaign_hyperparameters["explorationItemAgeCutOff"]
    with pytest.raises(ValueError, match=r"use continuous of at least 1$"):
        spec.parse("explorationItemAgeCutOff", "-1")
