"""What anybody would try first, in the shape that the recipes are measured in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from osusume_engine.histories import own_events, profile, users_of
from osusume_engine.metrics import area_under_curve, segment_metrics
from osusume_engine.models.generators import Settings
from osusume_engine.models.linear import Vocabulary, fit_ease
from osusume_engine.models.neighbours import fit_cosine
from osusume_engine.models.segments import Segmenter, indicator, met_later, top_share
from osusume_engine.preparation import Prepared
from osusume_engine.recipes.actions import smoothed_rates, tenths
from osusume_engine.recipes.learning import Task
from osusume_engine.splits import Holdout, split_each_user

Baseline = Callable[[Holdout, int], np.ndarray]  # -> (queries, 25) item codes


def popular_lists(split: Holdout, n_items: int) -> np.ndarray:
    users = users_of(split.train, n_items)
    return np.tile(np.argsort(-users, kind="stable")[:25], (len(split.seen), 1))


def neighbour_lists(split: Holdout, n_items: int) -> np.ndarray:
    cosines = fit_cosine(profile(split.train, n_items), shrink=10.0, keep=100).T.tocsr()
    return _unseen_best(
        split, lambda queries: (profile(queries, n_items, decay=0.9) @ cosines).toarray(), n_items
    )


def ease_lists(split: Holdout, n_items: int) -> np.ndarray:
    x = profile(split.train, n_items)
    known = Vocabulary.most_popular(np.asarray(x.sum(axis=0)).ravel(), 4000).codes
    weights = fit_ease(x[:, known], ridge=300.0)

    def score(queries) -> np.ndarray:  # type: ignore[no-untyped-def]
        scores = np.full((len(queries), n_items), -1e9, np.float32)
        scores[:, known] = profile(queries, n_items, decay=0.93)[:, known] @ weights
        return scores

    return _unseen_best(split, score, n_items)


def _unseen_best(split: Holdout, score: Callable, n_items: int) -> np.ndarray:
    parts = []
    for start in range(0, len(split.seen), 256):
        queries = split.seen.take(np.arange(start, min(start + 256, len(split.seen))))
        scores, own = score(queries), profile(queries, n_items).tocoo()
        scores[own.row, own.col] = -1e9
        parts.append(np.argsort(-scores, axis=1, kind="stable")[:, :25])
    return np.concatenate(parts)


def own_lists(split: Holdout, n_items: int) -> np.ndarray:
    """What the user had most and lately, then the popular."""
    users = users_of(split.train, n_items)
    popular = users / (users.max() + 1) * 1e-3
    scores = own_events(split.seen, n_items).decayed.toarray() + popular
    return np.argsort(-scores, axis=1, kind="stable")[:, :25]


def popular_after(split: Holdout, n_items: int) -> np.ndarray:
    """The popular items, for a query item that is not one of them."""
    users = users_of(split.train, n_items)
    last = split.seen.items[split.seen.ptr[1:] - 1]
    order = np.argsort(-users, kind="stable")[:26]
    return np.stack([order[order != one][:25] for one in last])


def neighbours_of_item(split: Holdout, n_items: int) -> np.ndarray:
    """The items with the highest cosine with the query item, which is not one of them; then the popular."""
    cosines = fit_cosine(profile(split.train, n_items), shrink=10.0, keep=100)
    users = users_of(split.train, n_items)
    last = split.seen.items[split.seen.ptr[1:] - 1]
    parts = []
    for start in range(0, len(last), 256):
        items = last[start : start + 256]
        scores = cosines[items].toarray() + users / (users.max() + 1) * 1e-6
        scores[np.arange(len(items)), items] = -1
        parts.append(np.argsort(-scores, axis=1, kind="stable")[:, :25])
    return np.concatenate(parts)


PERSONAL: dict[str, Baseline] = {
    "popularity": popular_lists,
    "item-kNN, recent first, seen removed": neighbour_lists,
    "EASE, recent first, seen removed": ease_lists,
    "own decayed counts": own_lists,
}

RELATED: dict[str, Baseline] = {
    "popularity, query item left out": popular_after,
    "item-kNN of the query item": neighbours_of_item,
}

OF_TYPE = {"USER_PERSONALIZATION": PERSONAL, "PERSONALIZED_RANKING": PERSONAL, "RELATED_ITEMS": RELATED}


def most_active(prepared: Prepared, groups: list[np.ndarray]) -> dict[str, float]:
    """USER_SEGMENTATION: the same users for every query, those with most events."""
    earlier, later = split_each_user(prepared.histories)
    model = Segmenter.build(earlier, len(prepared.items), settings=Settings(), seed=0, method="activity")
    return model.evaluate(later, groups=groups, top=top_share(len(earlier)))


def most_events(prepared: Prepared, groups: list[np.ndarray]) -> dict[str, float]:
    """USER_SEGMENTATION: the users with most events of the query's items, then the active ones."""
    earlier, later = split_each_user(prepared.histories)
    wanted = indicator(groups, len(prepared.items))
    met = met_later(later, wanted)
    scores = (own_events(earlier, len(prepared.items)).counts @ wanted.T).T.tocsr()
    active = earlier.lengths / (earlier.lengths.max() + 1)
    top = top_share(len(earlier))
    asked = [group for group, users in enumerate(met) if len(users)]
    segments = [np.argsort(-(scores[group].toarray()[0] + active), kind="stable")[:top] for group in asked]
    return segment_metrics(segments=segments, truth=[met[group] for group in asked], n_users=len(earlier))


SEGMENTS = {"most active users": most_active, "users with most events": most_events}


def action_rates(task: Task) -> dict[str, float]:
    """PERSONALIZED_ACTIONS: how often each action was taken, by users of nine tenths, for everybody."""
    _, actions, log, part = tenths(task)
    test = part == 0
    rates = smoothed_rates(log.actions[~test], log.labels[~test], len(actions))
    return {"auc": area_under_curve(log.labels[test], rates[log.actions[test]])}
