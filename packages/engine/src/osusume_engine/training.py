"""Trains a recipe on a dataset group's data, and answers requests with what was learned."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from osusume_engine import forgetting, storage
from osusume_engine.data import ActionEvent, Event, EventsConfig, Objective, TrainingData
from osusume_engine.histories import Histories, empty_histories
from osusume_engine.ids import Ids
from osusume_engine.models.fast import FastLists
from osusume_engine.models.model import Model
from osusume_engine.models.objective import SHARES
from osusume_engine.models.ranking import Lists, Mask
from osusume_engine.preparation import TrainingError, prepare
from osusume_engine.recipes import RECIPES, RecipeSpec
from osusume_engine.recipes.families import LEARNERS
from osusume_engine.recipes.learning import Task
from osusume_engine.tuning import Tuning, check_tuning, tuned

__all__ = ["Allowed", "Scored", "TrainedModel", "TrainingError", "train"]

QUALITIES = ("full", "fast")  # of batch inference
CHUNK = 8192  # queries that are answered together
Allowed = Callable[
    [np.ndarray], np.ndarray
]  # item ids (object array of str) -> bool, which may be recommended


@dataclass(frozen=True)
class Scored:
    id: str
    score: float
    reason: str | None = None  # "Exploration" where an item is tried out


def train(
    *,
    recipe: str,
    data: TrainingData,
    hyperparameters: Mapping[str, str] | None = None,
    events: EventsConfig | None = None,
    objective: Objective | None = None,
    tuning: Tuning | None = None,
    previous: TrainedModel | None = None,
    seed: int = 0,
) -> TrainedModel:
    """TrainingError says why training failed; ValueError names what is wrong with the configuration.

    tuning: searches hyperparameters first, beginning with the given ones. previous: a model of the same
    recipe to update; its ranker and settings stay, new events and items come in.
    """
    started, spec = time.perf_counter(), _spec(recipe)
    values = spec.parse(hyperparameters or {})
    _check_objective(spec, objective)
    _check_previous(spec, previous)
    if tuning is not None:
        check_tuning(spec, tuning)
    prepared = prepare(data, events=events, required=spec.required_datasets)
    task = _with_values(
        Task(prepared=prepared, values=values, seed=seed, objective=objective), spec, tuning, previous
    )
    learned = LEARNERS[recipe](task)
    assert learned.model is not None  # only trials have none
    return TrainedModel(
        recipe=recipe,
        metrics=learned.metrics,
        training_seconds=time.perf_counter() - started,
        users=prepared.users,
        items=prepared.items,
        kinds=prepared.kinds,
        histories=prepared.histories,
        events=events or EventsConfig(),
        model=learned.model,
        hyperparameters={name: str(value).lower() for name, value in task.values.items()},
    )


def _spec(recipe: str) -> RecipeSpec:
    if recipe not in RECIPES:
        raise ValueError(f"Unknown recipe {recipe!r}: use one of {', '.join(RECIPES)}")
    return RECIPES[recipe]


def _with_values(task: Task, spec: RecipeSpec, tuning: Tuning | None, previous: TrainedModel | None) -> Task:
    """The task with the hyperparameters of the model that it updates, or with those that a search finds."""
    if previous is not None:
        return replace(task, previous=previous.model.personal, values=spec.parse(previous.hyperparameters))
    if tuning is not None:
        return replace(task, values=tuned(task, spec, tuning, LEARNERS[spec.name]))
    return task


@storage.storable
@dataclass(frozen=True)
class TrainedModel:
    recipe: str
    metrics: dict[str, float]
    training_seconds: float
    users: Ids
    items: Ids
    kinds: tuple[str, ...]
    histories: Histories
    events: EventsConfig
    model: Model
    hyperparameters: dict[str, str] = field(default_factory=dict)  # that it was trained with

    @property
    def spec(self) -> RecipeSpec:
        return RECIPES[self.recipe]

    def save(self, folder: Path) -> None:
        storage.save(self, folder)

    @staticmethod
    def load(folder: Path) -> TrainedModel:
        return storage.load(folder)

    def recommend(
        self,
        *,
        user_id: str | None = None,
        item_id: str | None = None,
        num_results: int = 25,
        context: Mapping[str, str] | None = None,
        allowed: Allowed | None = None,
        recent: Sequence[Event] = (),
    ) -> list[Scored]:
        """Best first, no id twice. RELATED_ITEMS needs item_id, POPULAR_ITEMS nothing, others user_id.

        recent: events streamed since training; those the model already holds are ignored.
        context: values of contextual columns of the Interactions dataset, for personal recipes.
        An unknown user or item gets the popular items; a user of the Users dataset without events those that
        suit the user's metadata, where the recipe is personal and metadata was seen to help.
        """
        if self.spec.type == "RELATED_ITEMS":
            query = self.items.codes([_given(item_id, "item_id", self.recipe)])
            return self._scored(self.model.related(query, num_results, allowed=self._mask(allowed)))[0]
        if user_id is None and self.spec.type == "POPULAR_ITEMS":
            return self._scored(
                self.model.recommend(empty_histories(), num_results, allowed=self._mask(allowed))
            )[0]
        user = _given(user_id, "user_id", self.recipe)
        history, mask = self._history(user, recent), self._mask(allowed)
        known = self._known(user, history, context)
        return self._scored(self.model.recommend(history, num_results, allowed=mask, **known))[0]

    def recommend_many(
        self,
        ids: Iterable[str],
        num_results: int = 25,
        *,
        allowed: Callable[[str], Allowed | None] | None = None,
        quality: str = "full",
    ) -> Iterator[list[Scored]]:
        """Batch inference: one list per user id (RELATED_ITEMS: per item id), in the given order.

        allowed: from a query id to that query's mask; lists under a mask are always of full quality.
        """
        check_quality(quality)
        if allowed is not None:
            for one in ids:
                mask = allowed(one)
                key = "item_id" if self.spec.type == "RELATED_ITEMS" else "user_id"
                yield self.recommend(**{key: one}, num_results=num_results, allowed=mask)  # type: ignore[arg-type]
            return
        for items, scores in self.recommend_arrays(ids, num_results, quality=quality):
            yield from (
                [Scored(item, score) for item, score in zip(*row, strict=True) if item is not None]
                for row in zip(items.tolist(), scores.tolist(), strict=True)
            )

    def recommend_arrays(
        self, ids: Iterable[str], num_results: int = 25, *, quality: str = "full"
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What recommend_many answers, as (queries, num_results) item ids and scores of some queries at a time.

        quality: "full" ranks candidates; "fast" (QUALITIES) sums sparse rows, many times faster. Recipes whose
        model has no ranker, and models with an objective, have one quality. None and 0 pad short lists.
        """
        check_quality(quality)
        for chunk in _chunks(ids, CHUNK):
            lists = self._lists(chunk, num_results, quality)
            yield self._item_ids[lists.items], lists.scores

    def rank(
        self,
        *,
        user_id: str,
        item_ids: Sequence[str],
        recent: Sequence[Event] = (),
        context: Mapping[str, str] | None = None,
        allowed: Allowed | None = None,
    ) -> list[Scored]:
        """The given items, best first; those the model doesn't know come last with score 0."""
        unique = list(dict.fromkeys(item_ids))
        if allowed is not None:
            keep = allowed(_text(unique))
            unique = [item for item, kept in zip(unique, keep, strict=True) if kept]
        codes = self.items.codes(unique)
        known = np.flatnonzero(codes >= 0)
        scores = np.zeros(len(unique))
        if len(known):
            history = self._history(user_id, recent)
            scores[known] = self.model.rank(history, codes[known], **self._known(user_id, history, context))
        return [Scored(unique[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")]

    def segment(
        self,
        *,
        item_id: str | None = None,
        item_ids: Sequence[str] | None = None,
        attributes: Mapping[str, Collection[str]] | None = None,
        num_results: int = 25,
        allowed: Allowed | None = None,
    ) -> list[Scored]:
        """Users most likely to interact with the item, or with any of the items that match.

        attributes: Items column -> accepted values; all columns must match. allowed masks user ids.
        An unknown item_id gets the most active users; a set that matches nothing gets nobody.
        """
        codes = self._segment_items(item_id, item_ids, attributes)
        if item_id is None and not len(codes):
            return []
        mask = self._segment_mask(allowed)
        users, scores = self.model.segment(codes, num_results, allowed=mask)
        return [Scored(self.users.values[u], float(s)) for u, s in zip(users, scores, strict=True)]

    def _segment_mask(self, allowed: Allowed | None) -> np.ndarray | None:
        """Which users may be in a segment: nobody who was forgotten."""
        there = forgetting.present(self.users.values)
        if allowed is not None:
            return there & np.asarray(allowed(self.users.values), dtype=bool)
        return None if there.all() else there

    def actions(
        self,
        *,
        user_id: str,
        num_results: int = 5,
        allowed: Allowed | None = None,
        recent: Sequence[ActionEvent] = (),
    ) -> list[Scored]:
        """Scores are chances that the user takes the action, 0.0 where an action has too little data.

        recent: action interactions streamed since training.
        """
        ids, chances = self.model.act(user_id, num_results, allowed=allowed, recent=recent)
        return [Scored(one, float(chance)) for one, chance in zip(ids, chances, strict=True)]

    def _segment_items(
        self,
        item_id: str | None,
        item_ids: Sequence[str] | None,
        attributes: Mapping[str, Collection[str]] | None,
    ) -> np.ndarray:
        if attributes is not None:
            return self.model.matching(attributes)
        codes = self.items.codes(
            item_ids if item_ids is not None else [_given(item_id, "item_id", self.recipe)]
        )
        return codes[codes >= 0]

    def _lists(self, ids: list[str], k: int, quality: str) -> Lists:
        if self.spec.type == "RELATED_ITEMS":
            return self.model.related(self.items.codes(ids), k)
        queries = self._padded.take(self.users.codes(ids))
        fast = self._fast if quality == "fast" else None
        lists = self.model.recommend(queries, k) if fast is None else fast.recommend(queries, k)
        return self._welcomed(lists, ids, queries.lengths, k)

    def _welcomed(self, lists: Lists, ids: list[str], lengths: np.ndarray, k: int) -> Lists:
        """The lists; those of users without events are made by their metadata, where that is known."""
        new = np.flatnonzero(lengths == 0)
        traits = self.model.traits([ids[row] for row in new]) if len(new) else None
        if traits is not None:
            instead = self.model.recommend(empty_histories(len(new)), k, traits=traits)
            lists.items[new], lists.scores[new] = instead.items, instead.scores
        return lists

    @cached_property
    def _item_ids(self) -> np.ndarray:
        """The item ids with None behind them, which code -1 finds."""
        return np.append(self.items.values, [None])

    @cached_property
    def _fast(self) -> FastLists | None:
        """The fast learner, made at its first use; None where the model has one quality only."""
        whole = self.model.imitable
        return None if whole is None else FastLists.fit(whole, self.histories)

    @cached_property
    def _padded(self) -> Histories:
        """The histories with an empty one behind them, which code -1 finds."""
        h = self.histories
        return Histories(h.items, h.times, h.kinds, h.weights, np.append(h.ptr, h.ptr[-1]))

    def _history(self, user_id: str, recent: Sequence[Event]) -> Histories:
        code = self.users.code(user_id)
        history = self.histories.user(code) if code >= 0 else empty_histories()
        return history.extended(self._encoded(history, recent)) if recent else history

    def _encoded(self, history: Histories, recent: Sequence[Event]) -> Histories:
        """Known items only, oldest first, without events that the history already holds."""
        held = set(zip(history.items.tolist(), history.times.tolist(), strict=True))
        kinds = {name: code for code, name in enumerate(self.kinds)}
        accepted = [event for event in recent if self.events.accepts(event)]
        accepted.sort(key=lambda event: event.timestamp)
        codes = self.items.codes([event.item_id for event in accepted])
        rows = [
            (code, event.timestamp, kinds.get(event.event_type or "", 0))
            for code, event in zip(codes.tolist(), accepted, strict=True)
            if code >= 0 and (code, event.timestamp) not in held
        ]
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        return Histories(
            table[:, 0].astype(np.int32),
            table[:, 1],
            table[:, 2].astype(np.int8),
            np.ones(len(table), np.float32),
            np.array([0, len(table)]),
        )

    def _known(
        self, user_id: str, history: Histories, context: Mapping[str, str] | None
    ) -> dict[str, np.ndarray]:
        """What is known besides the history: the context, and the metadata of a user without events."""
        found = {
            "context": self.model.moment(context),
            "traits": None if len(history.items) else self.model.traits([user_id]),
        }
        return {name: codes for name, codes in found.items() if codes is not None}

    def _mask(self, allowed: Allowed | None) -> Mask | None:
        if allowed is None:
            return None
        return lambda codes: np.asarray(allowed(self.items.values[codes]), dtype=bool)

    def _scored(self, lists: Lists) -> list[list[Scored]]:
        return [
            [Scored(self.items.values[i], s) for i, s in zip(items, scores, strict=True) if i >= 0]
            for items, scores in zip(lists.items.tolist(), lists.scores.tolist(), strict=True)
        ]


def _check_objective(spec: RecipeSpec, objective: Objective | None) -> None:
    if objective is None:
        return
    if spec.type not in ("USER_PERSONALIZATION", "PERSONALIZED_RANKING"):
        raise ValueError(f"{spec.name} has no optimization objective: leave objective out")
    if objective.sensitivity not in SHARES:
        raise ValueError(f"sensitivity={objective.sensitivity!r} is unknown: use one of {', '.join(SHARES)}")


def check_quality(quality: str) -> None:
    if quality not in QUALITIES:
        raise ValueError(f"quality={quality!r} is unknown: use one of {', '.join(QUALITIES)}")


def _check_previous(spec: RecipeSpec, previous: TrainedModel | None) -> None:
    if previous is None:
        return
    if not spec.updatable:
        names = ", ".join(name for name, one in RECIPES.items() if one.updatable)
        raise ValueError(f"{spec.name} can't be updated, only {names}: train it without previous")
    if previous.recipe != spec.name:
        raise ValueError(f"previous is a model of {previous.recipe}, not of {spec.name}")


def _given(value: str | None, name: str, recipe: str) -> str:
    if value is None:
        raise ValueError(f"{name} is required by {recipe}: pass {name}")
    return value


def _text(ids: Iterable[str]) -> np.ndarray:
    listed = list(ids)
    result = np.empty(len(listed), dtype=object)
    result[:] = listed
    return result


def _chunks(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    for one in ids:
        chunk.append(one)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
