"""What every recipe's learner returns, and the hold-out evaluation they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from osusume_engine.data import Objective
from osusume_engine.histories import Histories
from osusume_engine.metrics import CUTOFFS, ranking_metrics, weighted_ndcg
from osusume_engine.models.model import Model, Personal
from osusume_engine.preparation import Prepared
from osusume_engine.recipes.specs import Value
from osusume_engine.splits import Holdout, hold_out

MAX_TESTED = 10_000  # test users: a standard error of NDCG@25 of .004, which more would hardly lower


@dataclass(frozen=True)
class Learned:
    model: Model | None  # None of a trial
    metrics: dict[str, float]
    lists: np.ndarray | None = None  # (test users, 25) item codes that the metrics judge


@dataclass(frozen=True)
class Task:
    prepared: Prepared
    values: dict[str, Value]
    seed: int
    fold: int = 0  # which tenth of the users is tested
    objective: Objective | None = None
    previous: Personal | None = None  # the model to update instead of learning a ranker anew
    trial: bool = False  # only the metrics and their lists are wanted
    split: Holdout | None = None  # to test on in place of the fold

    @property
    def n_items(self) -> int:
        return len(self.prepared.items)

    def holdout(self) -> Holdout:
        if self.split is not None:
            return self.split
        return hold_out(self.prepared.histories, seed=self.seed, fold=self.fold, limit=MAX_TESTED)


Learner = Callable[[Task], Learned]


def metrics_of(lists: np.ndarray, split: Holdout, n_items: int) -> dict[str, float]:
    """The metrics; with weighted events also the NDCG that gains an event's weight."""
    metrics = ranking_metrics(lists=lists, relevant=split.truth, n_items=n_items)
    if len(np.unique(split.train.weights)) <= 1:
        return metrics
    for k in CUTOFFS:
        key = f"normalized_discounted_cumulative_gain_with_event_weights_at_{k}"
        metrics[key] = weighted_ndcg(lists=lists, relevant=split.weighted_truth, k=k)
    return metrics


def without_extreme_users(histories: Histories, *, low: float, high: float) -> Histories:
    """Leaves out users whose history length is below or above these percentiles of all lengths (0..1)."""
    lengths = histories.lengths
    least, most = np.quantile(lengths, low), np.quantile(lengths, high)
    return histories.take(np.flatnonzero((lengths >= least) & (lengths <= most)))
