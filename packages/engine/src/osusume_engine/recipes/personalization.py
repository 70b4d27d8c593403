"""User-Personalization and Personalized-Ranking, both generations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from osusume_engine.histories import Histories, profile, users_of
from osusume_engine.metrics import average_rewards
from osusume_engine.models.contents import Contents
from osusume_engine.models.contexts import Contexts, Events, Validation, chosen_weights
from osusume_engine.models.generators import Generators, Settings
from osusume_engine.models.newcomers import Meetings, Newcomers, Traits, places_of, validation
from osusume_engine.models.objective import Lean, attribute_of
from osusume_engine.models.personalization import Personalizer
from osusume_engine.models.steering import POOL, Steered
from osusume_engine.preparation import TrainingError
from osusume_engine.recipes.described import embeddings
from osusume_engine.recipes.learning import Learned, Task, metrics_of, without_extreme_users
from osusume_engine.splits import Holdout, held_out_lengths

VALIDATED_USERS = 2000  # for the weights of contexts
FEW_USERS = 4000  # up to here all of them


def learn(task: Task) -> Learned:
    """Metrics come from a model that never saw the test users; its generators are then refitted on all."""
    split = task.holdout()
    tested = _fit(_usual(split.train, task), task)
    if task.trial:
        tried = tested.recommend(split.seen, 25).items
        return Learned(None, metrics_of(tried, split, task.n_items), tried)
    values = attribute_values(task)
    lean = None if values is None else Lean.of(values, sensitivity=_sensitivity(task))
    events = Events.of(task.prepared.interactions)
    weights = context_weights(task, events, split, tested) if events.columns else ()
    lists = _steered(tested, lean).recommend(split.seen, 25).items
    metrics = _evaluated(task, split, lists, values)
    contexts = _contexts(task, events, weights) if any(weights) else None
    final = _refitted(tested, _usual(task.prepared.histories, task), task)
    final = replace(final, today=int(task.prepared.histories.times.max()))
    return Learned(_steered(final, lean, contexts, newcomers_of(task)), metrics, lists)


def _fit(histories: Histories, task: Task) -> Personalizer:
    if task.previous is not None:
        return _refitted(_described_anew(task.previous.base, histories, task), histories, task)
    settings, contents = settings_of(task), _contents(histories, task)
    return Personalizer.fit(histories, task.n_items, settings=settings, seed=task.seed, contents=contents)


def _contents(histories: Histories, task: Task) -> Contents | None:
    points = embeddings(task)
    if points is None:
        return None
    return Contents.of(points, np.bincount(histories.items, minlength=task.n_items))


def _described_anew(model: Personalizer, histories: Histories, task: Task) -> Personalizer:
    """The model with today's metadata, where the model's ranker reads it."""
    if model.generators.contents is None:
        return model
    contents = _contents(histories, task)
    if contents is None:
        raise TrainingError(
            "The model to update reads metadata of items, and the Items dataset has no column of it: import "
            "the columns again, or train with FULL."
        )
    return replace(model, generators=replace(model.generators, contents=contents))


def _refitted(model: Personalizer, histories: Histories, task: Task) -> Personalizer:
    """The same ranker over generators of these histories, whose catalogue may have grown; not yet of today."""
    known = model.generators
    generators = Generators.fit(
        histories, task.n_items, settings=known.settings, seed=task.seed, contents=known.contents
    )
    return replace(model, generators=generators, today=None)


def _steered(
    model: Personalizer,
    lean: Lean | None,
    contexts: Contexts | None = None,
    newcomers: Newcomers | None = None,
) -> Personalizer | Steered:
    """The model itself where nothing steers it."""
    if lean is None and contexts is None and newcomers is None:
        return model
    return Steered(model, lean, contexts, newcomers)


def _contexts(task: Task, events: Events, weights: tuple[float, ...]) -> Contexts:
    items = task.prepared.histories.items
    return Contexts.fit(events, np.arange(len(items)), items, task.n_items, weights=weights)


def _evaluated(task: Task, split: Holdout, lists: np.ndarray, values: np.ndarray | None) -> dict[str, float]:
    """The metrics, without contexts: the events to predict have several of them."""
    metrics = metrics_of(lists, split, task.n_items)
    if values is not None:
        rewards = np.maximum(np.nan_to_num(values), 0)
        metrics["average_rewards_at_k"] = average_rewards(lists=lists, relevant=split.truth, rewards=rewards)
    return metrics


def context_weights(task: Task, events: Events, split: Holdout, tested: Personalizer) -> tuple[float, ...]:
    """Weights that help to predict the next event of users whom nobody has learned from."""
    if task.previous is not None:
        return _weights_of(task.previous.contexts, events.columns)
    parts = [
        _validation(task, events, tested, asked, np.setdiff1d(split.train_users, asked))
        for asked in _validation_users(split.train_users, task.prepared.histories, seed=task.seed)
    ]
    return chosen_weights(parts) if parts else (0.0,) * len(events.columns)


def _weights_of(known: Contexts | None, columns: tuple[str, ...]) -> tuple[float, ...]:
    weights = dict(zip(known.columns, known.weights, strict=True)) if known is not None else {}
    return tuple(weights.get(name, 0.0) for name in columns)


def newcomers_of(task: Task) -> Newcomers | None:
    """What users without events are shown in place of the popular items; None where metadata says too little."""
    frame, prepared = task.prepared.data.users, task.prepared
    if frame is None or not len(frame):
        return None
    described = Traits.of(frame, categorical=prepared.data.categorical.get("Users", frozenset()))
    met = described.met(prepared.histories, prepared.users, task.n_items)
    weights = _trait_weights(task, met)
    if not any(weights):
        return None
    places = places_of(users_of(prepared.histories, task.n_items))
    traits = met.fit(np.arange(len(met.items)), places, weights=weights)
    return described.newcomers(prepared.users, traits, places)


def _trait_weights(task: Task, met: Meetings) -> tuple[float, ...]:
    """Weights that help to tell the oldest tenth of a described user's events from the events of all others."""
    if task.previous is not None:
        newcomers = task.previous.newcomers
        return _weights_of(newcomers.traits if newcomers else None, met.traits.columns)
    if not met.traits.columns or not len(met.users):
        return ()
    histories, users = task.prepared.histories, task.prepared.users
    has = profile(histories, task.n_items)
    beginnings = histories.head(held_out_lengths(histories.lengths))
    firsts = met.traits.met(beginnings, users, task.n_items)
    parts = []
    for asked in _validation_users(np.unique(met.users), histories, seed=task.seed):
        chosen = np.zeros(len(histories), dtype=bool)
        chosen[asked] = True
        popular = np.asarray(has[~chosen].sum(axis=0)).ravel()
        parts.append(validation(met, firsts, chosen, popular, pool=POOL))
    return chosen_weights(parts) if parts else ()


def _validation(
    task: Task, events: Events, tested: Personalizer, asked: np.ndarray, others: np.ndarray
) -> Validation:
    histories = task.prepared.histories
    base = _refitted(tested, _usual(histories.take(others), task), task)
    unit = (1.0,) * len(events.columns)
    contexts = Contexts.fit(events, _rows_of(histories, others), histories.items, task.n_items, weights=unit)
    whole = histories.take(asked)
    kept = whole.lengths - held_out_lengths(whole.lengths)
    pool = base.recommend(whole.head(kept), POOL)
    moment = histories.ptr[asked] + kept
    hits = pool.items == histories.items[moment][:, None]
    return Validation(contexts, events.codes[moment], pool.items, pool.scores, hits)


def _validation_users(users: np.ndarray, histories: Histories, *, seed: int) -> list[np.ndarray]:
    """All users in four parts where they are few, else one part of them."""
    able = np.random.RandomState(seed).permutation(users[histories.lengths[users] >= 2])
    if len(able) > FEW_USERS:
        return [np.sort(able[:VALIDATED_USERS])]
    return [part for part in (np.sort(able[fold::4]) for fold in range(4)) if len(part)]


def _rows_of(histories: Histories, users: np.ndarray) -> np.ndarray:
    chosen = np.zeros(len(histories), dtype=bool)
    chosen[users] = True
    return np.flatnonzero(chosen[histories.owners])


def attribute_values(task: Task) -> np.ndarray | None:
    """The objective's attribute by item code, NaN where unknown; None without an objective or with OFF."""
    if task.objective is None or _sensitivity(task) == "OFF":
        return None
    frame, column = task.prepared.data.items, task.objective.attribute
    if frame is None or column not in frame:
        raise TrainingError(f"The objective's attribute {column!r} is not a column of the Items dataset.")
    return attribute_of(frame, column, task.prepared.items)


def _sensitivity(task: Task) -> str:
    return task.objective.sensitivity if task.objective is not None else "OFF"


def settings_of(task: Task) -> Settings:
    """Settings of the learner. Without recency bias all of a user's events weigh the same; bptt bounds the window.

    hidden_dimension is accepted and unused: the closed-form models have no hidden layer.
    """
    values = task.values
    window = min(15, int(values.get("bptt", 15)))
    if values.get("recency_mask", True) and values.get("apply_recency_bias", True):
        return Settings(window=window)
    return Settings(
        window=window, ease_decay=1.0, window_decay=1.0, neighbour_decay=1.0, transition_decay=1.0
    )


def _usual(histories: Histories, task: Task) -> Histories:
    if "max_user_history_length_percentile" not in task.values:
        return histories
    low = float(task.values["min_user_history_length_percentile"])
    high = float(task.values["max_user_history_length_percentile"])
    return without_extreme_users(histories, low=low, high=high)
