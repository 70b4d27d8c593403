"""Trending-Now: which items gained most between the last two intervals, or will if the past is a guide."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from osusume_engine.histories import Histories
from osusume_engine.metrics import beyond_chance, trend_prediction_accuracy
from osusume_engine.recipes.learning import Learned, Task, metrics_of
from osusume_engine.recipes.popularity import Ordered, fit_popularity

SECONDS = {"30 minutes": 1800, "1 hour": 3600, "2 hours": 7200, "3 hours": 10_800, "1 day": 86_400}
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
    histories = task.prepared.histories
    counts = interval_counts(histories, task.n_items, str(task.values["trend_discovery_frequency"]))
    split = task.holdout()
    forecast = trend_weights(counts[:-1], fit_popularity(split.train, task.n_items).weights)
    lists = Ordered(forecast).recommend(split.seen, 25)
    metrics = metrics_of(lists.items, split, task.n_items)
    popular = fit_popularity(histories, task.n_items).weights
    recommended = np.argsort(-trend_weights(counts[:-1], popular), kind="stable")
    accuracy = trend_prediction_accuracy(recommended=recommended, increase=_increase(counts))
    metrics["trend_prediction_accuracy"] = accuracy
    return Learned(Ordered(trend_weights(counts, popular)), metrics, lists.items)


def interval_counts(histories: Histories, n_items: int, frequency: str) -> np.ndarray:
    """(WINDOWS, items) events per interval; the last interval ends with the newest event."""
    age = (histories.times.max() - histories.times) // SECONDS[frequency]
    recent = age < WINDOWS
    row = WINDOWS - 1 - age[recent]
    flat = np.bincount(row * n_items + histories.items[recent], minlength=WINDOWS * n_items)
    return flat.reshape(WINDOWS, n_items).astype(np.float64)


def trend_weights(counts: np.ndarray, popular: np.ndarray) -> np.ndarray:
    """Trending items first, the popular ones behind them; not negative.

    Which items trend is told by the documented increase, or by what clearly forecast past intervals better.
    Where neither forecast them better than popularity does, only increases beyond chance come first.
    """
    kind = _best_forecast(counts, popular)
    trend = np.maximum(SCORES[kind](counts), 0) if kind else _beyond_chance(counts)
    if not trend.any():
        return popular
    smallest = trend[trend > 0].min()
    return trend + np.where(trend > 0, 0, popular / (popular.max() + 1) * smallest)


def _best_forecast(counts: np.ndarray, popular: np.ndarray) -> str:
    """The name of the score, or "" for popularity."""
    tests = {name: _back_test(counts, score) for name, score in SCORES.items()}
    if not counts[-2:].any() or not len(tests["increase"]):
        return ""
    means = {name: float(values.mean()) + MARGIN * (name == "increase") for name, values in tests.items()}
    best = max(means, key=lambda name: means[name])
    gain = tests[best] - _back_test(counts, lambda _: popular)
    return best if beyond_chance(gain, errors=1.0) else ""


def _beyond_chance(counts: np.ndarray) -> np.ndarray:
    """Increases of the last interval that noise alone would hardly show for any item of the catalogue."""
    rare = np.sqrt(2 * np.log(counts.shape[1] + 1)) + 1
    return np.where(_significance(counts) > rare, _increase(counts), 0)


def _back_test(counts: np.ndarray, score: Score) -> np.ndarray:
    """Trend accuracy at each of the last moments, forecast from what was before it."""
    moments = range(max(2, len(counts) - BACK_TESTS), len(counts))
    return np.array([_accuracy_at(counts, moment, score) for moment in moments])


def _accuracy_at(counts: np.ndarray, moment: int, score: Score) -> float:
    recommended = np.argsort(-score(counts[:moment]), kind="stable")[:25]
    return trend_prediction_accuracy(recommended=recommended, increase=counts[moment] - counts[moment - 1])
