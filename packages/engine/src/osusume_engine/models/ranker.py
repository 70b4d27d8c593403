"""Orders candidates. Which of several scorers does so is decided by their score on queries none of them saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import lightgbm
import numpy as np

from osusume_engine.metrics import beyond_chance, list_ideal_ndcg
from osusume_engine.models.candidates import FEATURES, HABITS
from osusume_engine.storage import storable

_BOOSTER = {
    "objective": "binary",
    "num_leaves": 15,
    "max_bin": 63,
    "min_data_in_leaf": 80,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
}
LEARNING_RATE = 0.1
# Where a query says little, trees and the line that they were grown beside err in different ways: their mean
# errs less than either (bench/RESULTS-recipes.md, related items).
MIXED = "mixed"
TREES = 120
NEGATIVES = 120  # sampled for each query
CERTAINTY = 2.0  # standard errors by which a cautiously chosen learned scorer must be better
MATERIAL = 0.02  # of the quality without them, by which columns must raise it
MANY_ROWS = 500_000  # from here on a second thread pays
LINEAR_ROWS = 100_000  # more don't move 38 coefficients
FEW_USERS = 300  # up to here validation is repeated on every third of the users, and chance suspected
REPEATED = 0.01  # share of relevant pairs that the user had before; below it habits are left out
STEPS = 3  # smaller ones in place of each, when few users are refitted: less of the model is left to chance
ORDERING_TREES = 100
ORDERABLE = 10  # relevant pairs of a query: the order of fewer says little
ENOUGH_USERS = 1500  # from here on what was validated is kept as it is


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

    def of_columns(self, columns: Sequence[int]) -> Examples:
        return replace(self, features=np.ascontiguousarray(self.features[:, list(columns)]))

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
    weights: np.ndarray  # of the linear score, on standardised features; the last one is the intercept
    means: np.ndarray
    scales: np.ndarray
    booster: lightgbm.Booster | None
    validation: dict[str, float]  # quality of every scorer on queries it didn't see
    orderer: lightgbm.Booster | None = None  # trees that learned the order of pairs rather than their chance
    order_scale: float = 0.0  # brings their scores to the spread of log odds

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Higher is better; exp of it is proportional to the chance of an interaction."""
        if self.booster is None:
            return _linear(features, self)
        odds = _raw(self.booster, features)
        if self.kind == MIXED:
            return (odds + _linear(features, self)) / 2
        if self.orderer is not None:
            return (odds + self.order_scale * _raw(self.orderer, features)) / 2
        return odds


Baselines = Mapping[str, Mapping[str, float]]  # name -> feature -> weight

_NEW = {"own_count": -30.0}  # the user's own items last
BASELINES: Baselines = {
    "popularity": {"popularity": 1.0},
    "ease_new": {"ease_decayed_share": 8.0, **_NEW},
    "blend_new": {"ease_decayed_share": 4.0, "neighbours_share": 4.0, "next_item_share": 2.0, **_NEW},
    "ease": {"ease_decayed_share": 8.0},
    "own": {"own_decayed_share": 8.0, "ease_decayed_share": 1.0},
    "own_popular": {"own_decayed": 8.0, "popularity": 0.1},
}
# What to start from while there is little to judge by: people look for new items, or come back to their own.
USUAL = ("blend_new", "own_popular")


def baseline(kind: str, weights: Mapping[str, float], names: Sequence[str]) -> Ranker:
    """A fixed weighted sum of a few features."""
    line = np.array([*(weights.get(name, 0.0) for name in names), 0.0])
    return Ranker(kind, line, np.zeros(len(names)), np.ones(len(names)), None, {})


def without_idle_habits(examples: Examples) -> Examples:
    """Where nobody comes back to an item, how people come back is noise: those columns are cleared in place."""
    wanted = examples.labels > 0
    repeated = examples.features[wanted][:, FEATURES.index("own_count")] > 0
    if not len(repeated) or repeated.mean() < REPEATED:
        examples.features[:, list(HABITS)] = 0
    return examples


def worth_having(examples: Examples, names: Sequence[str], wanted: Collection[str], *, seed: int) -> bool:
    """Whether a linear scorer that reads the wanted columns too is better than one without.

    Better beyond chance, and by more than MATERIAL: trees make little of what helps a line a little. Each half
    of the users is scored by what was learned on the other half.
    """
    kept = [at for at, name in enumerate(names) if name not in wanted]
    users = np.random.RandomState(seed).permutation(np.unique(examples.users))
    pairs = []
    for part in range(2):
        test, train = examples.of_users(users[part::2]), examples.of_users(users[1 - part :: 2])
        train = train.sampled(NEGATIVES, np.random.RandomState(seed))
        if not 0 < train.labels.sum() < len(train.labels):
            return False
        quality = [
            qualities(_fit_linear(mine, {}).log_odds(asked.features), asked)
            for mine, asked in ((train, test), (train.of_columns(kept), test.of_columns(kept)))
        ]
        pairs.append(np.stack(quality))
    better, plain = np.concatenate(pairs, axis=1)
    gain = better - plain
    return beyond_chance(gain, errors=CERTAINTY) and bool(gain.mean() > MATERIAL * plain.mean())


def fit_ranker(
    examples: Examples,
    *,
    seed: int,
    names: Sequence[str] = FEATURES,
    baselines: Baselines = BASELINES,
    usual: Sequence[str] = (),
    learned: bool = True,
    cautious: bool = False,
    mixed: bool = False,
) -> Ranker:
    """Cross-fits the learned scorers, keeps the best scorer and, unless data is plenty, refits it on everything.

    usual: names of baselines, the first one where none is given; the better of them is kept unless another
    scorer is better beyond chance. cautious: so is the best baseline before a learned scorer, as it always is
    where users are few. mixed: trees are averaged with the linear scorer. Otherwise trees that are refitted
    are averaged with trees that learned the order of pairs, where queries have many to order: the two err in
    different ways.
    """
    random = np.random.RandomState(seed)
    fixed = {kind: baseline(kind, weights, names) for kind, weights in baselines.items()}
    tests = _test_users(examples, random)
    trials = [
        _trial(examples, test, random, fixed, seed=seed if learned else None, mixed=mixed) for test in tests
    ]
    scores = {name: np.concatenate([trial.scores[name] for trial in trials]) for name in trials[0].scores}
    users = len(np.unique(examples.users))
    kind = _best(scores, fixed, usual or list(fixed)[:1], cautious=cautious or users < FEW_USERS)
    means = {name: float(values.mean()) if len(values) else 0.0 for name, values in scores.items()}
    if kind in fixed:
        return replace(fixed[kind], validation=means)
    if users >= ENOUGH_USERS:
        return replace(trials[0].rankers[kind], validation=means)
    trees = int(np.mean([trial.trees for trial in trials]))
    return _refitted(kind, examples.sampled(NEGATIVES, random), means, trees=trees, seed=seed)


def _refitted(kind: str, sample: Examples, means: dict[str, float], *, trees: int, seed: int) -> Ranker:
    """The learned scorer of that kind, on all users; means: the qualities that it was chosen by."""
    linear = _fit_linear(sample, means)
    if kind == "linear":
        return linear
    boosted = replace(_fit_boosted(sample, linear, trees=trees, seed=seed, steps=STEPS), kind=kind)
    orderable = sample.labels.sum() >= ORDERABLE * len(np.unique(sample.queries))
    return _with_order(boosted, sample, seed=seed) if orderable and kind != MIXED else boosted


def _best(
    scores: Mapping[str, np.ndarray], fixed: Collection[str], usual: Sequence[str], *, cautious: bool
) -> str:
    """The better one of the usual baselines, unless another one is better beyond chance.

    A learned scorer replaces that one where it is better; cautious: where it is so beyond chance.
    """
    kind = max(usual, key=lambda name: scores[name].sum())
    for rivals, errors in (
        (fixed, 1.0),
        ([name for name in scores if name not in fixed], CERTAINTY * cautious),
    ):
        best = max(rivals, key=lambda name: scores[name].sum(), default=kind)
        gain = scores[best] - scores[kind]
        if beyond_chance(gain, errors=errors):
            kind = best
    return kind


@dataclass(frozen=True)
class Trial:
    """The scorers' quality on each query of users that the learned ones haven't seen."""

    scores: dict[str, np.ndarray]
    rankers: dict[str, Ranker]
    trees: int


def _test_users(examples: Examples, random: np.random.RandomState) -> list[np.ndarray]:
    """Thirds of the users, each tested once where they are few; else one part of at most 1,000 users."""
    users = random.permutation(np.unique(examples.users))
    if len(users) < FEW_USERS:
        return [users[part::3] for part in range(3)]
    return [users[: min(len(users) // 3, 1000)]]


def _trial(
    examples: Examples,
    users: np.ndarray,
    random: np.random.RandomState,
    fixed: Mapping[str, Ranker],
    *,
    seed: int | None,
    mixed: bool,
) -> Trial:
    """The qualities of these users' lists, by ranker; without a seed no new ranker is learned."""
    test, trees = examples.of_users(users), MIXED if mixed else "boosted"
    scores = {name: qualities(ranker.log_odds(test.features), test) for name, ranker in fixed.items()}
    if seed is None:
        return Trial(scores, {}, 0)
    train = examples.of_users(np.setdiff1d(examples.users, users)).sampled(NEGATIVES, random)
    if not 0 < train.labels.sum() < len(train.labels):
        nothing = np.full(len(test.relevant), -1.0)
        return Trial(scores | {"linear": nothing, trees: nothing}, {}, 0)
    linear = _fit_linear(train, {})
    sample = test.sampled(NEGATIVES, random)  # nothing of queries whose relevant items are not candidates
    stop = sample if len(sample.labels) else None
    boosted = _fit_boosted(train, linear, trees=TREES, seed=seed, test=stop)
    learned = {"linear": linear, trees: replace(boosted, kind=trees)}
    scores |= {name: qualities(ranker.log_odds(test.features), test) for name, ranker in learned.items()}
    return Trial(scores, learned, boosted.booster.num_trees() if boosted.booster else 0)


def qualities(scores: np.ndarray, examples: Examples) -> np.ndarray:
    """Each query's NDCG@25 as Amazon defines it; with event weights DCG@25, as a list's ideal ignores their scale."""
    gains = best_gains(scores, examples, 25)
    if len(np.unique(examples.weights)) <= 1:
        return list_ideal_ndcg(gains > 0, 25)
    return (gains / np.log2(np.arange(2, 27))).sum(axis=1)


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
    examples: Examples, linear: Ranker, *, trees: int, seed: int, steps: int = 1, test: Examples | None = None
) -> Ranker:
    """Boosted trees, `steps` for each of `trees` with a learning rate so much smaller.

    With test, as many as lower its log loss.
    """
    data = lightgbm.Dataset(examples.features, examples.labels, weight=examples.weights)
    valid = (
        [lightgbm.Dataset(test.features, test.labels, weight=test.weights, reference=data)] if test else []
    )
    stop = [lightgbm.early_stopping(20, verbose=False)] if test else []
    booster = lightgbm.train(
        {
            **_options(examples, seed),
            "learning_rate": LEARNING_RATE / steps,
            "metric": "binary_logloss",
        },
        data,
        max(trees, 10) * steps,
        valid_sets=valid,
        callbacks=stop,
    )
    best = booster.best_iteration if test and booster.best_iteration > 0 else booster.num_trees()
    fixed = _without_data(booster, best)
    return Ranker("boosted", linear.weights, linear.means, linear.scales, fixed, linear.validation)


def _with_order(boosted: Ranker, examples: Examples, *, seed: int) -> Ranker:
    """Adds trees that learn which of a query's pairs comes first (LambdaMART, Burges 2010)."""
    data = lightgbm.Dataset(
        examples.features,
        examples.labels,
        weight=examples.weights,
        group=np.unique(examples.queries, return_counts=True)[1],
    )
    options = {**_options(examples, seed), "objective": "lambdarank", "learning_rate": LEARNING_RATE}
    orderer = _without_data(lightgbm.train(options, data, ORDERING_TREES), ORDERING_TREES)
    spread = float(_raw(orderer, examples.features).std())
    if not spread:
        return boosted
    scale = float(boosted.log_odds(examples.features).std()) / spread
    return replace(boosted, orderer=orderer, order_scale=scale)


def _without_data(booster: lightgbm.Booster, trees: int) -> lightgbm.Booster:
    """Its first trees alone: a booster that was trained keeps what it was trained on."""
    return lightgbm.Booster(model_str=booster.model_to_string(num_iteration=trees))


def _raw(booster: lightgbm.Booster, features: np.ndarray) -> np.ndarray:
    return np.asarray(booster.predict(features, raw_score=True, num_threads=1))


def _options(examples: Examples, seed: int) -> dict[str, object]:
    return {**_BOOSTER, "num_threads": 1 + (len(examples.labels) >= MANY_ROWS), "seed": seed}
