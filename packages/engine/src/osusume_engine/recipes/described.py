"""The metadata of items, as points."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from osusume_engine.models.text import embed
from osusume_engine.recipes.learning import Task

_NOT_WORD = re.compile(r"\W+")


def embeddings(task: Task) -> np.ndarray | None:
    """Embeddings of the items' text, and each category as a word of its own."""
    frame = task.prepared.data.items
    columns = (
        [] if frame is None else [c for c in frame.columns if c not in ("ITEM_ID", "CREATION_TIMESTAMP")]
    )
    if frame is None or not columns:
        return None
    textual = task.prepared.data.textual.get("Items", frozenset())
    words = [_words(frame[name], name, split=name in textual) for name in columns]
    joined = pd.Series(
        [" ".join(parts) for parts in zip(*words, strict=True)], index=frame["ITEM_ID"].astype(str)
    )
    joined = joined[~joined.index.duplicated(keep="last")]
    return embed(joined.reindex(task.prepared.items.values).fillna(""), seed=task.seed)


def _words(column: pd.Series, name: str, *, split: bool) -> list[str]:
    texts = column.fillna("").astype(str)
    if split:
        return texts.tolist()
    return [
        " ".join(f"{name}_{_NOT_WORD.sub('_', value)}" for value in text.split("|") if value)
        for text in texts
    ]
