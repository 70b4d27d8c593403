"""Similar-Items and SIMS."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from osusume_engine.histories import Histories, profile
from osusume_engine.models.cold import WithUnseen
from osusume_engine.models.discount import Discount
from osusume_engine.models.popularity import Popularity
from osusume_engine.models.ranker import Baselines
from osusume_engine.models.related import (
    BLENDS,
    SIMILAR,
    UNDISCOUNTED,
    Build,
    RelatedItems,
    cooccurrence,
    newest_of_each_item,
)
from osusume_engine.models.relations import NO_CONTENT, Relations, fit_relations
from osusume_engine.models.text import ColdByText, SimilarTexts
from osusume_engine.recipes.described import embeddings
from osusume_engine.recipes.learning import Learned, Task, metrics_of, without_extreme_users
from osusume_engine.splits import Holdout


def learn_similar(task: Task) -> Learned:
    """The two hidden dimensions are accepted and unused: nothing is hidden here."""
    split, content = task.holdout(), embeddings(task)
    build = partial(fit_relations, n_items=task.n_items, content=NO_CONTENT if content is None else content)
    return learned_relations(
        task,
        split,
        build,
        baselines=SIMILAR,
        discount=discount_of(task),
        finish=partial(_cold_by_text, content=content),
    )


def discount_of(task: Task) -> Discount:
    return Discount(float(task.values["popularity_discount_factor"]))


def learned_relations(
    task: Task,
    split: Holdout,
    build: Build,
    *,
    baselines: Baselines,
    discount: Discount = UNDISCOUNTED,
    learned: bool = True,
    finish: Callable[[RelatedItems, Histories], RelatedItems | ColdByText | WithUnseen] = lambda model, _: (
        model
    ),
) -> Learned:
    """The ranker comes from the training users; what it ranks by is then counted over all of them."""
    tested = RelatedItems.fit(
        split.train, build, baselines=baselines, discount=discount, learned=learned, seed=task.seed
    )
    lists = related_lists(finish(tested, split.train), split)
    metrics = metrics_of(lists, split, task.n_items)
    if task.trial:
        return Learned(None, metrics, lists)
    everyone = task.prepared.histories
    return Learned(finish(tested.rebuilt(everyone, build), everyone), metrics, lists)


def _cold_by_text(
    warm: RelatedItems, histories: Histories, *, content: np.ndarray | None
) -> RelatedItems | ColdByText | WithUnseen:
    if content is None:
        return warm
    events = np.bincount(histories.items, minlength=len(content))
    model = ColdByText(warm, SimilarTexts(content, warm.relations.popularity.users), events)
    unseen = np.flatnonzero(events == 0)
    return WithUnseen(model, unseen) if len(unseen) else model


def learn_sims(task: Task) -> Learned:
    return learned_relations(
        task,
        task.holdout(),
        partial(_cooccurrence, task=task),
        baselines=BLENDS,
        discount=discount_of(task),
        learned=False,
    )


def related_lists(model: RelatedItems | ColdByText | WithUnseen, split: Holdout) -> np.ndarray:
    """The query is the last item of a test user's oldest 90%."""
    last = split.seen.items[split.seen.ptr[1:] - 1]
    return model.related(last, 25).items


def _cooccurrence(histories: Histories, task: Task) -> Relations:
    values = task.values
    usual = without_extreme_users(
        histories,
        low=float(values["min_user_history_length_percentile"]),
        high=float(values["max_user_history_length_percentile"]),
    )
    return cooccurrence(
        _without_extremes_of_items(usual, task),
        task.n_items,
        minimum=int(values["min_cointeraction_count"]),
        popularity_discount=float(values["popularity_discount_factor"]),
        popular=Popularity.fit(histories, profile(histories, task.n_items)),
    )


def _without_extremes_of_items(histories: Histories, task: Task) -> Histories:
    """Leaves out items with too few events, and the older events of those with too many, by percentiles.

    The guide's reason for the upper one is that items with a long history may be out of date. Without the
    items themselves no list could hold what people look at most (ADR 20).
    """
    counts = np.bincount(histories.items, minlength=task.n_items)
    low = float(task.values["min_item_interaction_count_percentile"])
    high = float(task.values["max_item_interaction_count_percentile"])
    least, most = np.quantile(counts[counts > 0], [low, high])
    return newest_of_each_item(histories.where((counts >= least)[histories.items]), int(most))
