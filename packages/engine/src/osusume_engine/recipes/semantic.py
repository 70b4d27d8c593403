"""Semantic-Similarity: TF-IDF and latent semantic analysis stand in for Amazon's language model.

How much an item's popularity counts beside its likeness is learned from what users did next.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from osusume_engine.histories import users_of
from osusume_engine.models.related import TEXTS
from osusume_engine.models.relations import text_relations
from osusume_engine.models.text import SimilarTexts, embed
from osusume_engine.preparation import MINIMUM_USERS, TrainingError
from osusume_engine.recipes.learning import Learned, Task
from osusume_engine.recipes.related import learned_relations


def learn(task: Task) -> Learned:
    """Interactions are optional: with too few of them to learn from, similarity alone orders the lists."""
    embeddings = embed(item_texts(task), seed=task.seed)
    histories = task.prepared.histories
    if int((histories.lengths >= 2).sum()) < MINIMUM_USERS:
        users = users_of(histories, task.n_items)
        return Learned(SimilarTexts(embeddings, users), {"coverage": 1.0 if task.n_items else 0.0})
    split = task.holdout()
    return learned_relations(task, split, partial(text_relations, embeddings), baselines=TEXTS)


def item_texts(task: Task) -> list[str]:
    """Texts in the order of item codes; the name and description columns joined."""
    frame = task.prepared.data.items
    assert frame is not None
    columns = text_columns(frame, task)
    joined = frame[columns].fillna("").astype(str).agg(" ".join, axis=1)
    by_id = pd.Series(joined.to_numpy(), index=frame["ITEM_ID"].astype(str).to_numpy())
    by_id = by_id[~by_id.index.duplicated(keep="last")]
    return by_id.reindex(task.prepared.items.values).fillna("").tolist()


def text_columns(frame: pd.DataFrame, task: Task) -> list[str]:
    """The textual columns, and other strings that aren't categorical (such as the item's name)."""
    categorical = task.prepared.data.categorical.get("Items", frozenset())
    textual = task.prepared.data.textual.get("Items", frozenset())
    strings = {name for name in frame.columns if pd.api.types.is_string_dtype(frame[name])}
    chosen = [
        name for name in frame.columns if name in textual or name in strings - categorical - {"ITEM_ID"}
    ]
    if not chosen:
        raise TrainingError(
            "The Items dataset has no text: its schema needs an itemName and a textual field."
        )
    return chosen
