"""Hyperparameter optimization: trains on parts of the training users with drawn values and keeps the best.

The test users of the solution version's own metrics take no part in the choice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from osusume_engine.histories import Histories
from osusume_engine.recipes.learning import Learner, Task
from osusume_engine.recipes.specs import HyperparameterSpec, RecipeSpec, Value

METRIC = "normalized_discounted_cumulative_gain_at_25"
DEFAULT_TRIALS = 8
TRIAL_USERS = 20_000  # of larger data, a sample

Range = tuple[float, float] | tuple[str, ...]
Draw = Callable[[random.Random], Value]


@dataclass(frozen=True)
class Tuning:
    """ranges: lowest and highest value, or the choices of a categorical one; none: those of the recipe."""

    ranges: Mapping[str, Range] = field(default_factory=dict)
    trials: int = DEFAULT_TRIALS


def check_tuning(spec: RecipeSpec, tuning: Tuning) -> None:
    """ValueError names a hyperparameter that can't be tuned, or a range outside the recipe's."""
    if not spec.hpo:
        raise ValueError(f"{spec.name} does not support hyperparameter optimization: leave tuning out")
    for name, given in tuning.ranges.items():
        known = spec.hyperparameters.get(name)
        if known is None or not known.hpo_tunable:
            tunable = ", ".join(n for n, h in spec.hyperparameters.items() if h.hpo_tunable)
            raise ValueError(f"{spec.name} can't tune {name!r}: it tunes {tunable}")
        _bounded(name, known, given)


def _bounded(name: str, known: HyperparameterSpec, given: Range) -> Range:
    """The part of the range that the recipe allows; ValueError where that is nothing."""
    if known.type == "categorical":
        if not given:
            raise ValueError(f"The range of {name} is empty: give at least one of {', '.join(known.choices)}")
        return tuple(str(known.parse(name, str(one))).lower() for one in given)
    low, high = (float(bound) for bound in given)
    inside = (max(low, known.min if known.min is not None else low), min(high, known.max or high))
    if low > high:
        raise ValueError(f"The range {low:g} to {high:g} of {name} begins above its end")
    if inside[0] > inside[1]:
        raise ValueError(f"The range {low:g} to {high:g} of {name} is outside {known.min} to {known.max}")
    return inside


def tuned(task: Task, spec: RecipeSpec, tuning: Tuning, learner: Learner) -> dict[str, Value]:
    """The task's values with the best ones found; what the learner does not use stays as it is."""
    trials = _trials(task, spec, tuning)
    if len(trials) == 1:
        return {**task.values, **trials[0]}
    prepared = replace(task.prepared, histories=_sampled(task.holdout().train, task.seed))
    inner = replace(task, prepared=prepared, trial=True, objective=None)
    best, best_score = task.values, float("-inf")
    for tried in trials:
        values = {**task.values, **tried}
        score = learner(replace(inner, values=values)).metrics[METRIC]
        if score > best_score:
            best, best_score = values, score
    return best


def _sampled(histories: Histories, seed: int) -> Histories:
    if len(histories) <= TRIAL_USERS:
        return histories
    return histories.take(
        np.sort(np.random.RandomState(seed).choice(len(histories), TRIAL_USERS, replace=False))
    )


def searched(spec: RecipeSpec, tuning: Tuning) -> list[str]:
    """The hyperparameters that the search may change, used by the learner or not."""
    tunable = [name for name, known in spec.hyperparameters.items() if known.hpo_tunable]
    return [name for name in tunable if not tuning.ranges or name in tuning.ranges]


def _trials(task: Task, spec: RecipeSpec, tuning: Tuning) -> list[dict[str, Value]]:
    """The given values, as far as the ranges allow them, then different ones by chance."""
    space = {
        name: _domain(name, spec.hyperparameters[name], tuning.ranges.get(name))
        for name in searched(spec, tuning)
        if spec.hyperparameters[name].used
    }
    trials = [{name: domain.nearest(task.values[name]) for name, domain in space.items()}]
    chance = random.Random(task.seed)
    for _ in range(20 * tuning.trials):
        drawn = {name: domain.draw(chance) for name, domain in space.items()}
        if len(trials) < tuning.trials and drawn not in trials:
            trials.append(drawn)
    return trials


@dataclass(frozen=True)
class _Domain:
    draw: Draw
    nearest: Callable[[Value], Value]


def _domain(name: str, known: HyperparameterSpec, given: Range | None) -> _Domain:
    if known.type == "categorical":
        texts = _bounded(name, known, known.choices if given is None else given)
        values = [known.parse(name, str(text)) for text in texts]
        return _Domain(lambda chance: chance.choice(values), lambda v: v if v in values else values[0])
    assert known.min is not None and known.max is not None
    low, high = (float(b) for b in _bounded(name, known, (known.min, known.max) if given is None else given))
    if known.type == "integer":
        return _Domain(
            lambda chance: chance.randint(int(low), int(high)), lambda v: int(min(max(float(v), low), high))
        )
    return _Domain(lambda chance: chance.uniform(low, high), lambda v: min(max(float(v), low), high))
