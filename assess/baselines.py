"""What costs nothing: the popular items, one's own, and neighbours by cosine. Each gives (queries, 25) item codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from osusume_engine.histories import own_events, profile, users_of
from osusume_engine.models.neighbours import fit_cosine
from osusume_engine.splits import Holdout

K = 25
WEEK = 7 * 86_400
BATCH = 256
Baseline = Callable[[Holdout, int], np.ndarray]


def popular(split: Holdout, n_items: int) -> np.ndarray:
    return np.tile(_best(users_of(split.train, n_items)[None])[0], (len(split.seen), 1))


def popular_this_week(split: Holdout, n_items: int) -> np.ndarray:
    """The popular items of the training data's last seven days, then those of all time."""
    recent = split.train.where(split.train.times > split.train.times.max(initial=0) - WEEK)
    counts = users_of(recent, n_items) + 1e-6 * users_of(split.train, n_items)
    return np.tile(_best(counts[None])[0], (len(split.seen), 1))


def own_history(split: Holdout, n_items: int) -> np.ndarray:
    """What the user had most and lately, then the popular items."""
    users = users_of(split.train, n_items)
    behind = users / (users.max() + 1) * 1e-3
    return _in_batches(
        len(split.seen), lambda at: _best(own_events(split.seen.take(at), n_items).decayed + behind)
    )


def item_knn(split: Holdout, n_items: int) -> np.ndarray:
    """Neighbours of what the user had, the recent first; without what the user had."""
    cosines = fit_cosine(profile(split.train, n_items), shrink=10.0, keep=100).T.tocsr()

    def lists(at: np.ndarray) -> np.ndarray:
        queries = split.seen.take(at)
        scores = (profile(queries, n_items, decay=0.9) @ cosines).toarray()
        scores[profile(queries, n_items).nonzero()] = -1
        return _best(scores)

    return _in_batches(len(split.seen), lists)


def popular_after(split: Holdout, n_items: int) -> np.ndarray:
    """The popular items but the one that is looked at."""
    order = np.argsort(-users_of(split.train, n_items), kind="stable")[: K + 1]
    rows = [order[order != one][:K] for one in last_items(split)]
    return np.array([np.pad(row, (0, K - len(row)), constant_values=-1) for row in rows])


def neighbours(split: Holdout, n_items: int) -> np.ndarray:
    """The nearest by cosine of the one that is looked at, then the popular."""
    cosines = fit_cosine(profile(split.train, n_items), shrink=10.0, keep=100)
    users = users_of(split.train, n_items)
    last = last_items(split)

    def lists(at: np.ndarray) -> np.ndarray:
        scores = cosines[last[at]].toarray() + users / (users.max() + 1) * 1e-6
        scores[np.arange(len(at)), last[at]] = -1
        return _best(scores)

    return _in_batches(len(last), lists)


def last_items(split: Holdout) -> np.ndarray:
    return split.seen.items[split.seen.ptr[1:] - 1]


def _best(scores: np.ndarray) -> np.ndarray:
    best = np.argsort(-np.asarray(scores), axis=1, kind="stable")[:, :K]
    return np.pad(best, ((0, 0), (0, K - best.shape[1])), constant_values=-1)


def _in_batches(count: int, lists: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    starts = range(0, count, BATCH)
    return np.concatenate([lists(np.arange(at, min(at + BATCH, count))) for at in starts])


PERSONAL: dict[str, Baseline] = {"popularity": popular, "own history": own_history, "item-kNN": item_knn}
RELATED: dict[str, Baseline] = {"popularity": popular_after, "item-kNN": neighbours}
BY_TIME: dict[str, Baseline] = {
    "popularity": popular,
    "popular this week": popular_this_week,
    "own history": own_history,
}
