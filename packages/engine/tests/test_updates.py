"""trainingMode UPDATE: the ranker stays, the data and the catalogue are new, and it is cheap."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osusume_engine.data import Objective, TrainingData
from osusume_engine.models.steering import Steered
from osusume_engine.training import TrainedModel, train
from tests.blocks import BLOCKS, DAY, START, block_of, catalogue, data, interactions, users

RECIPE = "aws-user-personalization"


@cache
def full() -> TrainedModel:
    return train(recipe=RECIPE, data=data())


def grown() -> TrainingData:
    """Item i<80 + block> came out, and three in four users of its block took it at once."""
    rows = [
        (user, f"i{80 + block_of(user)}", START + 20 * DAY + int(user[1:]))
        for user in users()
        if int(user[1:]) // BLOCKS % 4
    ]
    newer = pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
    return replace(data(), interactions=pd.concat([interactions(), newer], ignore_index=True))


@cache
def updated() -> TrainedModel:
    return train(recipe=RECIPE, data=grown(), previous=full())


def test_new_items_are_recommended_after_an_update() -> None:
    late = [user for user in users() if int(user[1:]) // BLOCKS % 4 == 0]
    lists = [{one.id for one in updated().recommend(user_id=user, num_results=15)} for user in late]
    assert (
        np.mean([f"i{80 + block_of(user)}" in listed for user, listed in zip(late, lists, strict=True)]) > 0.8
    )
    assert all(
        one.id not in {"i80", "i81", "i82", "i83"} for one in full().recommend(user_id="u0", num_results=500)
    )


def test_an_update_keeps_the_ranker_and_reports_metrics_of_its_own() -> None:
    assert updated().model.ranker.validation == full().model.ranker.validation
    assert updated().metrics != full().metrics
    assert set(updated().metrics) == set(full().metrics)


def test_an_update_on_the_same_data_changes_nothing() -> None:
    again = train(recipe=RECIPE, data=data(), previous=full())
    assert again.metrics == full().metrics
    assert [again.recommend(user_id=f"u{n}") for n in range(8)] == [
        full().recommend(user_id=f"u{n}") for n in range(8)
    ]


def test_an_update_is_cheaper_than_a_full_training() -> None:
    def seconds(previous: TrainedModel | None) -> float:
        started = time.process_time()
        train(recipe=RECIPE, data=grown(), previous=previous)
        return time.process_time() - started

    assert min(seconds(full()) for _ in range(2)) < 0.5 * seconds(None)


def test_an_update_keeps_the_hyperparameters_that_the_model_was_trained_with() -> None:
    flat = train(recipe=RECIPE, data=data(), hyperparameters={"recency_mask": "false"})
    again = train(recipe=RECIPE, data=grown(), previous=flat)
    assert again.model.generators.settings.ease_decay == 1.0
    assert again.hyperparameters == flat.hyperparameters


def test_an_update_keeps_an_objective_and_the_weights_of_contexts(tmp_path: Path) -> None:
    device = [("phone", "tv")[int(item[1:]) // BLOCKS % 2] for item in interactions(per_user=30).ITEM_ID]
    rich = TrainingData(
        interactions=interactions(per_user=30).assign(DEVICE_TYPE=device),
        items=catalogue().assign(PRICE=[float(item[1:]) for item in catalogue().ITEM_ID]),
    )
    aim = Objective("PRICE", "HIGH")
    first = train(recipe=RECIPE, data=rich, objective=aim)
    first.save(tmp_path / "first")
    again = train(recipe=RECIPE, data=rich, objective=aim, previous=TrainedModel.load(tmp_path / "first"))
    assert isinstance(again.model, Steered)
    assert again.model.contexts.weights == first.model.contexts.weights
    ask = {"user_id": "u1", "context": {"DEVICE_TYPE": "tv"}}
    assert [one.id for one in again.recommend(**ask)] == [one.id for one in first.recommend(**ask)]


def test_only_user_personalization_is_updated_and_only_by_its_own() -> None:
    with pytest.raises(ValueError, match="aws-user-personalization-v2 can't be updated"):
        train(recipe="aws-user-personalization-v2", data=data(), previous=full())
    with pytest.raises(ValueError, match="aws-sims can't be updated"):
        train(recipe="aws-sims", data=data(), previous=full())
    other = replace(full(), recipe="aws-personalized-ranking")
    with pytest.raises(ValueError, match="a model of aws-personalized-ranking"):
        train(recipe=RECIPE, data=data(), previous=other)
