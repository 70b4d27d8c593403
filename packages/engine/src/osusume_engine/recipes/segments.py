"""Item-Affinity and Item-Attribute-Affinity."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from osusume_engine.ids import Ids
from osusume_engine.models.generators import Settings
from osusume_engine.models.segments import AttributeSegmenter, Segmenter, top_share
from osusume_engine.preparation import TrainingError
from osusume_engine.recipes.learning import Learned, Task
from osusume_engine.splits import split_each_user

MAX_QUERIES = 2000  # evaluated
MAX_TRIED = 300  # for the choice of the method


def learn_items(task: Task) -> Learned:
    return Learned(*_learn(task, single_items(task)))


def learn_attributes(task: Task) -> Learned:
    groups = attribute_groups(task)
    segmenter, metrics = _learn(task, single_values(groups))
    return Learned(AttributeSegmenter(segmenter, groups), metrics)


def single_items(task: Task) -> list[np.ndarray]:
    return [np.array([item]) for item in np.unique(task.prepared.histories.items)]


def single_values(groups: dict[str, dict[str, np.ndarray]]) -> list[np.ndarray]:
    """The items of each value of each column."""
    return [codes for values in groups.values() for codes in values.values()]


def _learn(task: Task, groups: list[np.ndarray]) -> tuple[Segmenter, dict[str, float]]:
    earlier, later = split_each_user(task.prepared.histories)
    queries = sampled_queries(groups, seed=task.seed)
    tried = queries[:MAX_TRIED]
    fit = partial(Segmenter.fit, n_items=task.n_items, groups=tried, settings=Settings(), seed=task.seed)
    metrics = fit(earlier).evaluate(later, groups=queries, top=top_share(len(earlier)))
    return fit(task.prepared.histories), metrics


def sampled_queries(groups: list[np.ndarray], *, seed: int) -> list[np.ndarray]:
    order = np.random.RandomState(seed).permutation(len(groups))
    return [groups[i] for i in order[:MAX_QUERIES]]


def attribute_groups(task: Task) -> dict[str, dict[str, np.ndarray]]:
    """Item codes of every value of the Items dataset's columns that aren't text."""
    frame = task.prepared.data.items
    assert frame is not None
    text = task.prepared.data.textual.get("Items", frozenset())
    columns = [name for name in frame.columns if name not in {"ITEM_ID", "CREATION_TIMESTAMP", *text}]
    if not columns:
        raise TrainingError(
            "The Items dataset has no metadata column other than text: add a categorical one."
        )
    return {column: items_by_value(frame, column, task.prepared.items) for column in columns}


def items_by_value(frame: pd.DataFrame, column: str, items: Ids) -> dict[str, np.ndarray]:
    """Values of several categories are separated by |."""
    values = frame[["ITEM_ID", column]].dropna()
    exploded = values.assign(**{column: values[column].astype(str).str.split("|")}).explode(column)
    codes = items.codes(exploded["ITEM_ID"].astype(str))
    grouped = pd.Series(codes[codes >= 0]).groupby(exploded[column].to_numpy()[codes >= 0])
    return {str(value): np.unique(group.to_numpy()) for value, group in grouped}
