"""Orders candidates. Which of five scorers does so is decided by their score on queries none of them saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import lightgbm
import numpy as np

from local.personalize.metrics import list_ideal_ndcg
from local.personalize.models.candidates import FEATURES
from local.personalize.storage import storable

_AT = {name: index for index, name in enumerate(FEATURES)}
_BOOSTER = {
    "objective": "binary",
    "num_leaves": 15,
    "max_bin": 63,
    "learning_rate": 0.1,
    "min_data_in_leaf": 80,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
}
TREES = 120
NEGATIVES = 120  # sampled for each query
MANY_ROWS = 300_000  # from here on a second thread pays
LINEAR_ROWS = 100_000  # more don't move 38 coefficients
FEW_QUERIES = 600  # up to here validation is repeated on every third of the users
ENOUGH_QUERIES = 3000  # from here on what was validated is kept as it is


@dataclass(frozen=True)
class Examples:
    """Labelled pairs of out-of-fold queries. queries: query number of each pair, ascending."""

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray  # of each pair: its event's weight where relevant, else 1
    queries: np.ndarray
    relevant: np.ndarray  # per query, how many relevant items there are, found or not
    users: np.ndarray  # per query, its user: the queries of one user stay in one fold

    def of_users(self, chosen: np.ndarray) -> Examples:
        wanted = np.isin(self.users, chosen)
        pairs = wanted[self.queries]
        renumbered = np.cumsum(wanted) - 1
        return Examples(
            self.features[pairs],
            self.labels[pairs],
            self.weights[pairs],
            renumbered[self.queries[pairs]],
            self.relevant[wanted],
            self.users[wanted],
        )

    def sampled(self, negatives: int, random: np.random.RandomState) -> Examples:
        """All positives and about `negatives` negatives of each query that has a positive."""
        counts = np.bincount(self.queries, minlength=len(self.relevant))
        found = np.bincount(self.queries, self.labels, minlength=len(self.relevant)) > 0
        chance = np.minimum(1, negatives / np.maximum(counts, 1))[self.queries]
        keep = found[self.queries] & ((self.labels > 0) | (random.rand(len(self.labels)) < chance))
        return Examples(
            self.features[keep],
            self.labels[keep],
            self.weights[keep],
            self.queries[keep],
            self.relevant,
            self.users,
        )


@storable
@dataclass(frozen=True)
class Ranker:
    kind: str
    weights: np.ndarray  # of the logistic model, on standardised features; the last one is the intercept
    means: np.ndarray
    scales: np.ndarray
    booster: lightgbm.Booster | None
    validation: dict[str, float]  # quality of every scorer on queries it didn't see

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Higher is better; exp of it is proportional to the chance of an interaction."""
        if self.kind in BASELINES:
            return BASELINES[self.kind](features)
        if self.booster is None:
            return _linear(features, self)
        return np.asarray(self.booster.predict(features, raw_score=True, num_threads=1))


def _popular(features: np.ndarray) -> np.ndarray:
    return features[:, _AT["popularity"]]


def _ease_new(features: np.ndarray) -> np.ndarray:
    return 8 * features[:, _AT["ease_decayed_share"]] - 30 * (features[:, _AT["own_count"]] > 0)


def _ease_all(features: np.ndarray) -> np.ndarray:
    return 8 * features[:, _AT["ease_decayed_share"]]


def _own(features: np.ndarray) -> np.ndarray:
    return 8 * features[:, _AT["own_decayed_share"]] + features[:, _AT["ease_decayed_share"]]


BASELINES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "popularity": _popular,
    "ease_new": _ease_new,
    "ease": _ease_all,
    "own": _own,
}


def fit_ranker(examples: Examples, *, seed: int) -> Ranker:
    """Cross-fits the learned scorers, keeps the best scorer and, unless data is plenty, refits it on everything."""
    random = np.random.RandomState(seed)
    trials = [_trial(examples, test, random, seed=seed) for test in _test_users(examples, random)]
    scores = {name: float(np.mean([trial.scores[name] for trial in trials])) for name in trials[0].scores}
    kind = max(scores, key=lambda name: scores[name])
    if kind in BASELINES:
        nothing = np.zeros(0, np.float32)
        return Ranker(kind, nothing, nothing, nothing, None, scores)
    if len(examples.relevant) >= ENOUGH_QUERIES:
        return replace(trials[0].rankers[kind], validation=scores)
    sample = examples.sampled(NEGATIVES, random)
    linear = _fit_linear(sample, scores)
    trees = int(np.mean([trial.trees for trial in trials]))
    return linear if kind == "linear" else _fit_boosted(sample, linear, trees=trees, seed=seed)


@dataclass(frozen=True)
class Trial:
    """The scorers' quality on queries of users that the learned ones haven't seen."""

    scores: dict[str, float]
    rankers: dict[str, Ranker]
    trees: int


def _test_users(examples: Examples, random: np.random.RandomState) -> list[np.ndarray]:
    """Thirds of the users, each tested once where queries are few; else one part of at most 1,000 users."""
    users = random.permutation(np.unique(examples.users))
    if len(examples.relevant) < FEW_QUERIES:
        return [users[part::3] for part in range(3)]
    return [users[: min(len(users) // 3, 1000)]]


def _trial(examples: Examples, users: np.ndarray, random: np.random.RandomState, *, seed: int) -> Trial:
    test = examples.of_users(users)
    train = examples.of_users(np.setdiff1d(examples.users, users)).sampled(NEGATIVES, random)
    scores = {name: quality(score(test.features), test) for name, score in BASELINES.items()}
    if not 0 < train.labels.sum() < len(train.labels):
        return Trial(scores | {"linear": -1.0, "boosted": -1.0}, {}, 0)
    linear = _fit_linear(train, {})
    boosted = _fit_boosted(train, linear, trees=TREES, seed=seed, test=test.sampled(NEGATIVES, random))
    learned = {"linear": linear, "boosted": boosted}
    scores |= {name: quality(ranker.log_odds(test.features), test) for name, ranker in learned.items()}
    return Trial(scores, learned, boosted.booster.num_trees() if boosted.booster else 0)


def quality(scores: np.ndarray, examples: Examples) -> float:
    """NDCG@25 as Amazon defines it; with event weights DCG@25, as a list's own ideal ignores their scale."""
    gains = best_gains(scores, examples, 25)
    if not len(gains):
        return 0.0
    if len(np.unique(examples.weights)) <= 1:
        return float(list_ideal_ndcg(gains > 0, 25).mean())
    return float((gains / np.log2(np.arange(2, 27))).sum(axis=1).mean())


def best_gains(scores: np.ndarray, examples: Examples, k: int) -> np.ndarray:
    """(queries, k): the weight of each query's k best candidates, 0 where not relevant."""
    order = np.lexsort((-scores, examples.queries))
    queries = examples.queries[order]
    place = np.arange(len(order)) - np.searchsorted(queries, queries)
    top = place < k
    gains = np.zeros((len(examples.relevant), k), np.float32)
    gains[queries[top], place[top]] = (examples.labels * examples.weights)[order][top]
    return gains


def _fit_linear(
    examples: Examples, scores: dict[str, float], *, ridge: float = 1.0, steps: int = 8
) -> Ranker:
    """Logistic regression by Newton's method on standardised features of an even sample of the pairs."""
    every = slice(None, None, 1 + len(examples.labels) // LINEAR_ROWS)
    given, labels, weight = examples.features[every], examples.labels[every], examples.weights[every]
    means = given.mean(axis=0).astype(np.float64)
    scales = given.std(axis=0).astype(np.float64) + 1e-6
    x = np.column_stack([(given - means) / scales, np.ones(len(labels))])
    y = labels.astype(np.float64)
    weights = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge * np.eye(x.shape[1])
        slope = x.T @ (weight * (y - p)) - ridge * weights
        weights += np.linalg.solve(curvature, slope)
    return Ranker("linear", weights, means, scales, None, scores)


def _linear(features: np.ndarray, ranker: Ranker) -> np.ndarray:
    standard = (features - ranker.means) / ranker.scales
    return standard @ ranker.weights[:-1] + ranker.weights[-1]


def _fit_boosted(
    examples: Examples, linear: Ranker, *, trees: int, seed: int, test: Examples | None = None
) -> Ranker:
    """Boosted trees; with test, as many as lower its log loss."""
    data = lightgbm.Dataset(
        examples.features, examples.labels, weight=examples.weights, feature_name=list(FEATURES)
    )
    valid = (
        [lightgbm.Dataset(test.features, test.labels, weight=test.weights, reference=data)] if test else []
    )
    stop = [lightgbm.early_stopping(20, verbose=False)] if test else []
    booster = lightgbm.train(
        {
            **_BOOSTER,
            "num_threads": 1 + (len(examples.labels) >= MANY_ROWS),
            "seed": seed,
            "metric": "binary_logloss",
        },
        data,
        max(trees, 10),
        valid_sets=valid,
        callbacks=stop,
    )
    best = booster.best_iteration if test and booster.best_iteration > 0 else booster.num_trees()
    fixed = lightgbm.Booster(model_str=booster.model_to_string(num_iteration=best))
    return Ranker("boosted", linear.weights, linear.means, linear.scales, fixed, linear.validation)
