"""Similar-Items and SIMS."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from local.personalize.histories import Histories
from local.personalize.models.related import RelatedItems, fit_cooccurrence, fit_windowed
from local.personalize.models.text import ColdByText, SimilarTexts, embed
from local.personalize.recipes.learning import Learned, Task, metrics_of, without_extreme_users
from local.personalize.recipes.popularity import unique_users
from local.personalize.splits import Holdout

_NOT_WORD = re.compile(r"\W+")


def learn_similar(task: Task) -> Learned:
    """item_id_hidden_dim and item_metadata_hidden_dim are accepted and unused: nothing is hidden here."""
    split, content = task.holdout(), _embeddings(task)
    metrics = evaluate(_fit_similar(split.train, task, content), split, task.n_items)
    return Learned(_fit_similar(task.prepared.histories, task, content), metrics)


def _fit_similar(histories: Histories, task: Task, content: np.ndarray | None) -> RelatedItems | ColdByText:
    warm = fit_windowed(histories, task.n_items, window=50, decay=0.97)
    if content is None:
        return warm
    events = np.bincount(histories.items, minlength=task.n_items)
    return ColdByText(warm, SimilarTexts(content, warm.users), events)


def _embeddings(task: Task) -> np.ndarray | None:
    """From the items' text, and each category as a word of its own."""
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


def learn_sims(task: Task) -> Learned:
    split = task.holdout()
    metrics = evaluate(_fit_sims(split.train, task), split, task.n_items)
    return Learned(_fit_sims(task.prepared.histories, task), metrics)


def evaluate(model: RelatedItems | ColdByText, split: Holdout, n_items: int) -> dict[str, float]:
    """The query is the last item of a test user's oldest 90%."""
    last = split.seen.items[split.seen.ptr[1:] - 1]
    return metrics_of(model.related(last, 25).items, split, n_items)


def _fit_sims(histories: Histories, task: Task) -> RelatedItems:
    values = task.values
    usual = without_extreme_users(
        histories,
        low=float(values["min_user_history_length_percentile"]),
        high=float(values["max_user_history_length_percentile"]),
    )
    return fit_cooccurrence(
        _without_extreme_items(usual, task),
        task.n_items,
        minimum=int(values["min_cointeraction_count"]),
        popularity_discount=float(values["popularity_discount_factor"]),
        popular=unique_users(histories, task.n_items),
    )


def _without_extreme_items(histories: Histories, task: Task) -> Histories:
    """Leaves out the events of items that have too few or too many events, by percentile of all items."""
    counts = np.bincount(histories.items, minlength=task.n_items)
    low = float(task.values["min_item_interaction_count_percentile"])
    high = float(task.values["max_item_interaction_count_percentile"])
    least, most = np.quantile(counts[counts > 0], [low, high])
    return histories.where((counts >= least)[histories.items] & (counts <= most)[histories.items])
