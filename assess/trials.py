"""Every recipe that the data allow, trained and judged beside the baselines; each job in a process of its own.

Personalize's protocol: one user in ten is left out of training and asked for the newest tenth of their events.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context

import numpy as np

from assess import baselines
from assess.baselines import Baseline
from osusume_engine.data import EventParameters, EventsConfig, TrainingData
from osusume_engine.histories import Histories
from osusume_engine.metrics import hit_matrix, list_ideal_ndcg
from osusume_engine.preparation import Prepared, TrainingError, prepare
from osusume_engine.recipes import RECIPES
from osusume_engine.recipes.families import LEARNERS
from osusume_engine.recipes.learning import Task
from osusume_engine.splits import Holdout, hold_out

PERSONAL = "aws-user-personalization-v2"
FOLDS = 10
SEED = 0
CUT = 0.9  # of the interactions are older
MAX_BY_TIME = 400  # users asked
NEEDS = frozenset({"Interactions"})


@dataclass(frozen=True)
class Subject:
    """What every job reads. users, items: codes whose lists are shown."""

    data: TrainingData
    weights: dict[str, float]
    threshold: tuple[str, float] | None
    users: tuple[int, ...] = ()
    items: tuple[int, ...] = ()


@dataclass(frozen=True)
class Job:
    """kind: personal, related, everyone (by fold), by time, segments. variant: of the data, empty for none."""

    kind: str
    name: str  # recipe, or baselines
    fold: int = 0
    variant: str = ""


@dataclass(frozen=True)
class Judged:
    """One way's lists of one fold, figures per tested user; users: their codes, lengths: their events before."""

    name: str
    users: np.ndarray
    lengths: np.ndarray
    ndcg: np.ndarray
    mrr: np.ndarray
    precision: np.ndarray
    lists: np.ndarray


@dataclass(frozen=True)
class Done:
    job: Job
    judged: tuple[Judged, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    shown: dict[int, tuple[int, ...]] = field(default_factory=dict)  # code -> a list of codes
    refused: str = ""


_SUBJECT: list[Subject] = []


def run(subject: Subject, jobs: Sequence[Job], *, processes: int = 1) -> list[Done]:
    """Answers in the order of the jobs. More than one process: each of one thread, so that results are the same."""
    if processes == 1:
        _begin(subject)
        return [_done(job) for job in jobs]
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(subject,)
    ) as pool:
        return list(pool.map(_done, jobs))


def _begin(subject: Subject) -> None:
    _SUBJECT[:] = [subject]


def _done(job: Job) -> Done:
    try:
        return _KINDS[job.kind](_SUBJECT[0], job)
    except TrainingError as error:
        return Done(job, refused=str(error))


def _by_fold(subject: Subject, job: Job) -> Done:
    prepared = prepare(subject.data, events=None, required=NEEDS)
    split = hold_out(prepared.histories, seed=SEED, fold=job.fold, folds=FOLDS)
    if job.name == "baselines":
        ways = baselines.RELATED if job.kind == "related" else baselines.PERSONAL
        return Done(job, _simple(ways, split, len(prepared.items)))
    its, its_split = varied(subject, job.variant, prepared, split)
    shows = job.fold == 0 and not job.variant
    task = task_of(its, job.name, its_split, trial=not shows)
    learned = LEARNERS[job.name](task)
    figures = () if learned.lists is None else (judged(job.name, learned.lists, split),)
    return Done(job, figures, learned.metrics, _shown(subject, job, learned.model, prepared) if shows else {})


def task_of(prepared: Prepared, recipe: str, split: Holdout | None, *, trial: bool) -> Task:
    return Task(prepared, RECIPES[recipe].parse({}), SEED, trial=trial, split=split)


def _simple(ways: dict[str, Baseline], split: Holdout, n_items: int) -> tuple[Judged, ...]:
    return tuple(judged(name, way(split, n_items), split) for name, way in ways.items())


def varied(subject: Subject, variant: str, prepared: Prepared, split: Holdout) -> tuple[Prepared, Holdout]:
    """Other training, the same questions and answers."""
    if variant == "no metadata":
        return replace(prepared, data=replace(subject.data, items=None, users=None)), split
    if variant == "weights":
        rows = tuple(EventParameters(name, weight) for name, weight in sorted(subject.weights.items()))
        weighted = prepare(subject.data, events=EventsConfig(parameters=rows), required=NEEDS)
        same = replace(prepared, histories=weighted.histories)
        train, seen = weighted.histories.take(split.train_users), weighted.histories.take(split.test_users)
        return same, replace(split, train=train, seen=seen.head(split.seen.lengths))
    if variant == "threshold" and subject.threshold is not None:
        keep = _kept(subject, prepared)
        whole = prepared.histories.where(keep)
        return replace(prepared, histories=whole), replace(
            split, train=_of_somebody(whole.take(split.train_users))
        )
    return prepared, split


def _kept(subject: Subject, prepared: Prepared) -> np.ndarray:
    """Events that reach the threshold, in the order of the histories; those of other types stay."""
    assert subject.threshold is not None
    kind, lowest = subject.threshold
    frame = prepared.interactions
    users = prepared.users.codes(frame.USER_ID)
    order = np.lexsort((frame.TIMESTAMP.to_numpy(dtype=np.int64), users))
    enough = frame.EVENT_VALUE.ge(lowest) | frame.EVENT_TYPE.ne(kind)
    return enough.to_numpy(dtype=bool)[order]


def judged(name: str, lists: np.ndarray, split: Holdout) -> Judged:
    hits = hit_matrix(lists, split.truth)
    first = np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1.0), 0.0)
    return Judged(
        name,
        split.test_users,
        split.seen.lengths,
        list_ideal_ndcg(hits, baselines.K),
        first,
        hits.sum(axis=1) / baselines.K,
        lists,
    )


def _shown(subject: Subject, job: Job, model: object, prepared: Prepared) -> dict[int, tuple[int, ...]]:
    if job.kind == "related":
        codes, lists = subject.items, model.related(np.array(subject.items, int), 10)  # type: ignore[attr-defined]
    else:
        codes = subject.users
        lists = model.recommend(prepared.histories.take(np.array(codes, int)), 10)  # type: ignore[attr-defined]
    return {code: tuple(row[row >= 0].tolist()) for code, row in zip(codes, lists.items, strict=True)}


def _by_time(subject: Subject, job: Job) -> Done:
    """Trained on the past only: what happened after a moment is asked of those who had acted before it."""
    prepared = prepare(subject.data, events=None, required=NEEDS)
    past, split = by_time(prepared)
    if not len(split.test_users):
        return Done(job, refused="nobody acted before and after")
    simple = _simple(baselines.BY_TIME, split, len(prepared.items))
    learned = LEARNERS[PERSONAL](task_of(past, PERSONAL, split, trial=True))
    assert learned.lists is not None
    return Done(job, (*simple, judged(PERSONAL, learned.lists, split)))


def by_time(prepared: Prepared) -> tuple[Prepared, Holdout]:
    """The data as of the moment, and the questions: the events of up to MAX_BY_TIME users after it."""
    histories, times = prepared.histories, prepared.histories.times
    moment = int(np.quantile(times, CUT))
    before = times <= moment
    past, later = histories.where(before), histories.where(~before)
    asked = np.flatnonzero((past.lengths > 0) & (later.lengths > 0))
    if len(asked) > MAX_BY_TIME:
        asked = np.sort(np.random.RandomState(SEED).choice(asked, MAX_BY_TIME, replace=False))
    rows = prepared.interactions[prepared.interactions.TIMESTAMP.le(moment)]
    everyone = np.arange(len(histories))
    split = Holdout(_of_somebody(past), past.take(asked), later.take(asked), everyone, asked)
    return replace(prepared, histories=past, interactions=rows), split


def _of_somebody(histories: Histories) -> Histories:
    return histories.take(np.flatnonzero(histories.lengths > 0))


def _segments(subject: Subject, job: Job) -> Done:
    prepared = prepare(subject.data, events=None, required=NEEDS)
    return Done(job, metrics=LEARNERS[job.name](task_of(prepared, job.name, None, trial=True)).metrics)


_KINDS = {
    "personal": _by_fold,
    "related": _by_fold,
    "everyone": _by_fold,
    "by time": _by_time,
    "segments": _segments,
}
