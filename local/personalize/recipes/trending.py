"""Trending-Now: which items gained most between the last two intervals, or will if the past is a guide."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from local.personalize.histories import Histories
from local.personalize.metrics import trend_prediction_accuracy
from local.personalize.recipes.learning import Learned, Task, metrics_of
from local.personalize.recipes.popularity import Ordered, fit_popularity

SECONDS = {"30 min": 1800, "1h": 3600, "3h": 10_800, "1 day": 86_400}
BACK_TESTS = 10
MARGIN = 0.05  # of trend accuracy
WINDOWS = 24  # intervals looked back at

Score = Callable[[np.ndarray], np.ndarray]  # (intervals, items) counts, newest last -> per item


def _increase(counts: np.ndarray) -> np.ndarray:
    return counts[-1] - counts[-2]


def _significance(counts: np.ndarray) -> np.ndarray:
    return (counts[-1] - counts[-2]) / np.sqrt(counts[-1] + counts[-2] + 1)


def _fast_over_slow(counts: np.ndarray) -> np.ndarray:
    ages = np.arange(len(counts))[::-1]
    fast, slow = 0.5 ** (ages / 2), 0.5 ** (ages / 8)
    return (fast / fast.sum() - slow / slow.sum()) @ counts


SCORES: dict[str, Score] = {
    "increase": _increase,
    "significance": _significance,
    "fast over slow": _fast_over_slow,
}


def learn(task: Task) -> Learned:
    """Trend accuracy is that of the last complete interval, forecast from the ones before it."""
    counts = interval_counts(
        task.prepared.histories, task.n_items, str(task.values["trend_discovery_frequency"])
    )
    forecast = trend_weights(counts[:-1])
    split = task.holdout()
    lists = Ordered(_over_popular(forecast, split.train, task.n_items)).recommend(split.seen, 25)
    metrics = metrics_of(lists.items, split, task.n_items)
    recommended = np.argsort(-_over_popular(forecast, task.prepared.histories, task.n_items), kind="stable")
    accuracy = trend_prediction_accuracy(recommended=recommended, increase=_increase(counts))
    weights = _over_popular(trend_weights(counts), task.prepared.histories, task.n_items)
    return Learned(Ordered(weights), metrics | {"trend_prediction_accuracy": accuracy})


def interval_counts(histories: Histories, n_items: int, frequency: str) -> np.ndarray:
    """(WINDOWS, items) events per interval; the last interval ends with the newest event."""
    age = (histories.times.max() - histories.times) // SECONDS[frequency]
    recent = age < WINDOWS
    row = WINDOWS - 1 - age[recent]
    flat = np.bincount(row * n_items + histories.items[recent], minlength=WINDOWS * n_items)
    return flat.reshape(WINDOWS, n_items).astype(np.float64)


def trend_weights(counts: np.ndarray) -> np.ndarray:
    """The documented increase, or what clearly forecast past intervals better; 0 after two empty ones."""
    if not counts[-2:].any():
        return np.zeros(counts.shape[1])
    accuracy = {name: _back_test(counts, score) for name, score in SCORES.items()}
    accuracy["increase"] += MARGIN
    best = max(accuracy, key=lambda name: accuracy[name])
    return np.maximum(SCORES[best](counts), 0)


def _back_test(counts: np.ndarray, score: Score) -> float:
    moments = range(max(2, len(counts) - BACK_TESTS), len(counts))
    return (
        float(np.mean([_accuracy_at(counts, moment, score) for moment in moments])) if len(moments) else 0.0
    )


def _accuracy_at(counts: np.ndarray, moment: int, score: Score) -> float:
    recommended = np.argsort(-score(counts[:moment]), kind="stable")[:25]
    return trend_prediction_accuracy(recommended=recommended, increase=counts[moment] - counts[moment - 1])


def _over_popular(trend: np.ndarray, histories: Histories, n_items: int) -> np.ndarray:
    """Trending items first, the popular ones behind them."""
    popular = fit_popularity(histories, n_items).weights
    if not trend.any():
        return popular
    smallest = trend[trend > 0].min()
    return trend + np.where(trend > 0, 0, popular / (popular.max() + 1) * smallest)
