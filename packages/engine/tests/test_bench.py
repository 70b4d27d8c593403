"""The benches' own parts: what they read, and the baselines that recipes are compared with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import baselines
from bench.data import load
from bench.recipes import measure, newcomers
from bench.shop import shop
from osusume_engine.models.segments import OWN, OWN_RECENT
from osusume_engine.preparation import prepare
from osusume_engine.recipes.learning import Task
from osusume_engine.recipes.segments import sampled_queries
from osusume_engine.training import train
from tests.blocks import BLOCKS, block_of, data
from tests.test_newcomers import described


def written(folder: Path, **tables: pd.DataFrame) -> str:
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return str(folder)


def test_a_folder_of_one_s_own_is_read_with_its_kinds_of_columns(tmp_path: Path) -> None:
    given = described(telling=True)
    people = given.users.assign(AGE=30)
    found = load(written(tmp_path, interactions=given.interactions, items=given.items, users=people))
    pd.testing.assert_frame_equal(found.interactions, given.interactions)
    assert found.categorical == {"Items": {"GENRE"}, "Users": {"TOWN"}}
    assert found.textual == {"Items": {"DESCRIPTION"}, "Users": {"NAME"}}


def test_a_folder_without_what_is_needed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"--data nowhere: use one of ml-100k-liked, .* interactions\.csv"):
        load("nowhere")
    with pytest.raises(SystemExit, match=r"interactions\.csv lacks TIMESTAMP: add the column"):
        load(written(tmp_path, interactions=data().interactions.drop(columns="TIMESTAMP")))
    with pytest.raises(SystemExit, match=r"TIMESTAMP '2026-11-24' is no number: give seconds since 1970"):
        load(written(tmp_path, interactions=data().interactions.assign(TIMESTAMP="2026-11-24")))


def test_the_baselines_of_a_family_come_before_the_first_of_its_recipes() -> None:
    recipes = ["aws-sims", "aws-semantic-similarity", "aws-item-affinity", "aws-next-best-action"]
    rows = {row.name: row.metrics for row in measure("blocks", data(), recipes, folds=1)}
    assert list(rows) == [
        *baselines.RELATED,
        "aws-sims",
        "aws-sims, max_item_interaction_count_percentile=1.0",
        "aws-semantic-similarity",
        "most active users, items",
        "users with most events, items",
        "aws-item-affinity",
        "each action's rate",
        "aws-next-best-action",
    ]
    key = "normalized_discounted_cumulative_gain_at_25"
    assert rows["item-kNN of the query item"][key] > rows["popularity, query item left out"][key] + 0.05
    assert rows["aws-next-best-action"]["auc"] > rows["each action's rate"]["auc"] + 0.2


def test_lists_of_related_items_leave_the_query_out_and_follow_its_block() -> None:
    prepared = prepare(data(), events=None, required=frozenset())
    split = Task(prepared, {}, 0).holdout()
    last = split.seen.items[split.seen.ptr[1:] - 1]
    blocks = np.array([block_of(item) for item in prepared.items.values])
    for name, lists in baselines.RELATED.items():
        found = lists(split, len(prepared.items))
        assert found.shape == (len(last), 25)
        assert not (found == last[:, None]).any()
        assert all(len(set(row)) == 25 for row in found.tolist())
        own = (blocks[found[:, :8]] == blocks[last][:, None]).mean()
        assert own > 0.8 if "kNN" in name else own < 2 / BLOCKS


def test_active_users_are_the_same_for_every_item_and_users_with_most_events_are_not() -> None:
    once = data()
    twice = pd.concat([once.interactions, once.interactions[once.interactions.USER_ID == "u0"]])
    prepared = prepare(replace(once, interactions=twice), events=None, required=frozenset())
    groups = [np.array([code]) for code in prepared.items.codes([f"i{n}" for n in range(8)])]
    found = {name: simple(prepared, groups) for name, simple in baselines.SEGMENTS.items()}
    users = {name: round(metrics["coverage"] * len(prepared.users)) for name, metrics in found.items()}
    assert users["most active users"] == 1  # 1% of them: u0
    assert users["users with most events"] >= BLOCKS


def test_hidden_users_are_asked_for_as_new_ones() -> None:
    told = described(telling=True)
    prepared = prepare(told, events=None, required=frozenset())
    popular, recipe = (metrics for metrics, _ in newcomers(told, prepared, 0))
    key = "normalized_discounted_cumulative_gain_at_10"
    assert recipe[key] > popular[key] + 0.1


def test_segments_are_no_worse_than_the_users_with_most_events_where_people_come_back() -> None:
    clicks = shop(users=400, products=200)
    prepared = prepare(clicks, events=None, required=frozenset())
    groups = [np.array([item]) for item in np.unique(prepared.histories.items)]
    simple = baselines.most_events(prepared, sampled_queries(groups, seed=0))
    model = train(recipe="aws-item-affinity", data=clicks)
    assert model.model.method in (OWN, OWN_RECENT)
    assert model.metrics["recall_at_k"] >= simple["recall_at_k"]
    item = clicks.interactions.ITEM_ID.value_counts().index[0]
    most = clicks.interactions[item == clicks.interactions.ITEM_ID].USER_ID.value_counts()
    first = model.segment(item_id=str(item), num_results=3)
    assert all(most[one.id] >= most.iloc[5] for one in first)
    assert sum(one.score for one in model.segment(item_id=str(item), num_results=400)) <= 1 + 1e-9
