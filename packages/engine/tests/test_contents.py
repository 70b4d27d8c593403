"""Item metadata in personal lists: read where events are few and metadata telling, and else left alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osusume_engine.data import TrainingData
from osusume_engine.models.contents import TASTES, Contents
from osusume_engine.models.ranker import Examples, worth_having
from osusume_engine.training import TrainedModel, TrainingError, train
from tests.blocks import DAY, START, one_history

RECIPE = "aws-user-personalization"
KINDS, USERS, ITEMS = 50, 500, 1000
KEY = "normalized_discounted_cumulative_gain_at_25"


def sparse(*, telling: bool) -> TrainingData:
    """Five events a user, of one kind of items; an item has three events, too few to know its neighbours by."""
    random = np.random.RandomState(5)
    rows = []
    for user in range(USERS):
        for event in range(5):
            item = user % KINDS + KINDS * random.randint(ITEMS // KINDS)
            rows.append((f"u{user}", f"i{item}", START + event * DAY + user))
    kinds = np.arange(ITEMS) % KINDS if telling else random.randint(0, KINDS, ITEMS)
    items = pd.DataFrame(
        {"ITEM_ID": [f"i{n}" for n in range(ITEMS)], "KIND": [f"kind{one}" for one in kinds]}
    )
    return TrainingData(
        interactions=pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"]),
        items=items,
        categorical={"Items": frozenset({"KIND"})},
    )


@cache
def trained(telling: bool = True) -> TrainedModel:
    return train(recipe=RECIPE, data=sparse(telling=telling))


@cache
def blind() -> TrainedModel:
    """The same catalogue, of which nothing is known."""
    data = sparse(telling=True)
    return train(recipe=RECIPE, data=replace(data, items=data.items[["ITEM_ID"]], categorical={}))


def test_metadata_finds_items_that_events_do_not() -> None:
    assert trained().model.generators.contents is not None
    assert blind().model.generators.contents is None
    assert trained().metrics[KEY] > blind().metrics[KEY] + 0.04


def test_metadata_that_says_nothing_changes_nothing() -> None:
    assert trained(False).model.generators.contents is None
    assert trained(False).metrics == blind().metrics
    for user in ("u0", "u7", "nobody"):
        assert trained(False).recommend(user_id=user) == blind().recommend(user_id=user)


def test_a_model_with_metadata_is_saved_and_updated_with_a_grown_catalogue(tmp_path: Path) -> None:
    trained().save(tmp_path / "model")
    loaded = TrainedModel.load(tmp_path / "model")
    assert loaded.recommend(user_id="u3") == trained().recommend(user_id="u3")
    data = sparse(telling=True)
    more = pd.DataFrame({"ITEM_ID": ["new0", "new1"], "KIND": ["kind0", "kind1"]})
    bought = pd.DataFrame({"USER_ID": ["u3"], "ITEM_ID": ["new0"], "TIMESTAMP": [START + 30 * DAY]})
    grown = replace(
        data, items=pd.concat([data.items, more]), interactions=pd.concat([data.interactions, bought])
    )
    again = train(recipe=RECIPE, data=grown, previous=loaded)
    assert len(again.model.generators.contents.points) == ITEMS + 2
    assert len(again.recommend(user_id="u3", num_results=30)) == 30


def test_an_update_without_the_metadata_that_the_model_reads_is_refused() -> None:
    data = sparse(telling=True)
    bare = replace(data, items=data.items[["ITEM_ID"]], categorical={})
    with pytest.raises(TrainingError, match=r"metadata of items, and the Items dataset .* train with FULL"):
        train(recipe=RECIPE, data=bare, previous=trained())
    assert train(recipe=RECIPE, data=data, previous=blind()).model.generators.contents is None


def questions(mended: float) -> Examples:
    """One of 20 candidates is wanted. The first column finds it for 80%, the second for `mended` of the rest."""
    random = np.random.RandomState(1)
    n, width = 800, 20
    wanted = random.randint(0, width, n)
    labels = np.arange(width) == wanted[:, None]
    easy = random.rand(n, 1) < 0.8
    first = np.where(easy, labels, np.roll(labels, 1, axis=1)) + 0.01 * random.rand(n, width)
    second = labels * (~easy & (random.rand(n, 1) < mended)) + 0.01 * random.rand(n, width)
    return Examples(
        np.stack([first, second], axis=2).reshape(-1, 2).astype(np.float32),
        labels.ravel().astype(np.int8),
        np.ones(n * width, np.float32),
        np.repeat(np.arange(n), width),
        np.ones(n, int),
        np.arange(n),
    )


@pytest.mark.parametrize(("mended", "worth"), [(0.0, False), (0.05, False), (0.5, True)])
def test_columns_are_worth_having_from_a_gain_that_matters(mended: float, worth: bool) -> None:
    assert worth_having(questions(mended), ("first", "second"), {"second"}, seed=0) is worth


def test_a_filter_is_obeyed_and_a_ranking_is_whole() -> None:
    even = lambda ids: np.array([int(one[1:]) % 2 == 0 for one in ids])  # noqa: E731
    listed = trained().recommend(user_id="u3", num_results=25, allowed=even)
    assert len(listed) == 25
    assert all(int(one.id[1:]) % 2 == 0 for one in listed)
    ranked = trained().rank(user_id="u3", item_ids=[f"i{n}" for n in range(50)])
    assert len({one.id for one in ranked}) == 50


def unit(*rows: list[float]) -> np.ndarray:
    points = np.array(rows, np.float32)
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)


def test_neighbours_are_the_most_alike_that_anybody_has() -> None:
    points = unit([1, 0], [1, 0.1], [0, 1], [1, 0.2], [0, 0])
    found = Contents.of(points, events=np.array([3, 1, 2, 0, 4])).alike.toarray()
    assert found[0, 1] == pytest.approx(float(points[0] @ points[1]))
    assert np.flatnonzero(found).tolist() == [1, 5]  # 0 with 1 and 1 with 0: not 2, unlike; not 3, never met
    assert Contents.of(points, events=np.array([3, 0, 0, 0, 0])).alike.nnz == 0


def test_cosines_are_those_of_each_query_s_own_taste() -> None:
    random = np.random.RandomState(0)
    points = unit(*random.randn(12, 4).tolist())
    contents = Contents.of(points, events=np.ones(12))
    query = one_history(np.array([2, 5, 7]))
    found = contents.cosines(contents.likes(query), np.arange(12), np.array([0]), np.zeros(12, int))
    for row, (decay, limit) in zip(found, TASTES, strict=True):
        items = query.items[-limit:] if limit else query.items
        taste = sum(decay**age * points[item] for age, item in enumerate(items[::-1]))
        assert row == pytest.approx(np.maximum(points @ taste / np.linalg.norm(taste), 0), abs=1e-5)
    assert not contents.likes(one_history(np.zeros(0, int))).tastes.any()
