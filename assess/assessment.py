"""The whole assessment of one folder, as data: what the page, its twins and the terminal are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from assess import costs, data, people, proposal, results, trials
from assess.costs import Line
from assess.data import Own
from assess.findings import Finding, findings
from assess.proposal import Proposal
from assess.quotas import Quota, quotas
from assess.results import Gain, Way
from assess.sample import Sample, draw
from assess.shape import Shape, shape
from assess.trials import PERSONAL, Done, Job, Subject
from config.recipes import RECIPES
from config.settings import Settings
from osusume_engine.preparation import Prepared, prepare

FOLDS, FOLDS_OF_VARIANTS = 3, 2
EVERYONE = tuple(name for name, one in RECIPES.items() if one.audience == "everyone")
RELATED = tuple(name for name, one in RECIPES.items() if one.type == "RELATED_ITEMS")
ENOUGH_VALUES = 0.5  # of a type's events, for a threshold
Say = Callable[[str], None]


@dataclass(frozen=True)
class Shown:
    """One user or item: history (users), and a list of each recipe; item ids."""

    why: str  # a key of the words
    id: str
    history: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Compared:
    """What would come out."""

    events: int
    users: int
    of_users: int
    newest: int
    folds: int
    personal: tuple[Way, ...]
    related: tuple[Way, ...]
    by_time: tuple[Way, ...]
    gains: tuple[Gain, ...]
    segments: Mapping[str, Mapping[str, float]]
    impossible: Mapping[str, str]  # recipe -> a key of the words
    threshold: tuple[str, float] | None
    users_shown: tuple[Shown, ...]
    items_shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Assessment:
    folder: str
    own: Own
    shape: Shape
    quotas: tuple[Quota, ...]
    findings: tuple[Finding, ...]
    compared: Compared | None = None
    proposal: Proposal | None = None
    costs: tuple[Line, ...] = ()

    @property
    def stopped(self) -> bool:
        return any(one.level == "stop" for one in self.findings)


@dataclass(frozen=True, kw_only=True)
class Options:
    settings: Settings
    now: pd.Timestamp
    full: bool = False
    user: str | None = None
    processes: int = 2
    say: Say = lambda text: None


def assess(folder: Path, options: Options) -> Assessment:
    options.say("reading")
    own = data.read(folder, datasets=options.settings.datasets, now=options.now)
    its = shape(own)
    limits = quotas(own, its)
    whole = Assessment(folder.name or str(folder), own, its, limits, findings(own, its, limits))
    if whole.stopped:
        return whole
    options.say("comparing")
    given = proposal.weights(list(its.types), dict(its.types), options.settings.datasets)
    compared = compare(own, its, given, options)
    proposed = proposal.propose(
        own,
        its,
        environment=options.settings.environment,
        given=given,
        personal=compared.personal,
        related=compared.related,
        gained=compared.gains,
    )
    lines = costs.month(proposed.settings, its)
    return replace(whole, compared=compared, proposal=proposed, costs=lines)


def compare(own: Own, its: Shape, given: dict[str, float], options: Options) -> Compared:
    sample = draw(own.interactions, full=options.full, named=options.user)
    training = data.training_data(own, sample.interactions)
    prepared = prepare(training, events=None, required=trials.NEEDS)
    chosen = people.users(prepared, named=options.user), people.items(prepared)
    threshold = _threshold(own, its)
    subject = Subject(training, given, threshold, tuple(chosen[0].values()), tuple(chosen[1].values()))
    folds = folds_of(sample, full=options.full)
    impossible = _impossible(own)
    jobs = _jobs(subject, folds, impossible)
    done = trials.run(subject, jobs, processes=options.processes)
    n_items = len(prepared.items)
    return Compared(
        events=len(sample.interactions),
        users=sample.users,
        of_users=sample.of_users,
        newest=sample.newest,
        folds=folds,
        personal=results.ways(_with_everyone(done), "personal", n_items=n_items),
        related=results.ways(done, "related", n_items=n_items),
        by_time=results.ways(done, "by time", n_items=n_items),
        gains=results.gains(done),
        segments={one.job.name: one.metrics for one in done if one.job.kind == "segments" and one.metrics},
        impossible={**impossible, **dict.fromkeys(results.refusals(done), "refused")},
        threshold=threshold,
        users_shown=_shown(chosen[0], done, prepared, history=True),
        items_shown=_shown(chosen[1], done, prepared, history=False),
    )


def folds_of(sample: Sample, *, full: bool) -> int:
    """All where every event is looked at: so few users leave a difference in the noise of half of the folds."""
    return trials.FOLDS if full or sample.whole else FOLDS


def _impossible(own: Own) -> dict[str, str]:
    """Recipes that these data can't have, each with a key of the words."""
    found = {"aws-next-best-action": "no_actions"}
    if not any(field.textual for field in own.fields("items")) or not own.titles():
        found["aws-semantic-similarity"] = "no_text"
    if not any(not field.textual for field in own.fields("items") if field.name != "CREATION_TIMESTAMP"):
        found["aws-item-attribute-affinity"] = "no_attributes"
    return found


def _threshold(own: Own, its: Shape) -> tuple[str, float] | None:
    """The type with most values that differ, and their median: the better half counts."""
    for name, share in sorted(its.valued.items(), key=lambda pair: (-its.types[pair[0]], pair[0])):
        values = own.interactions.EVENT_VALUE[own.interactions.EVENT_TYPE.eq(name)].dropna()
        if share >= ENOUGH_VALUES and values.nunique() > 1:
            return name, float(np.median(values))
    return None


def _jobs(subject: Subject, folds: int, impossible: Mapping[str, str]) -> list[Job]:
    """The long ones first, so that no process waits for one at the end."""
    variants = {
        "no metadata": subject.data.items is not None,
        "weights": len(set(subject.weights.values())) > 1,
        "threshold": subject.threshold is not None,
    }
    jobs = [Job("personal", PERSONAL, fold) for fold in range(folds)]
    jobs.append(Job("by time", PERSONAL))
    for variant, there in variants.items():
        jobs += [Job("personal", PERSONAL, fold, variant) for fold in range(FOLDS_OF_VARIANTS) if there]
    jobs += [Job("related", one, fold) for one in RELATED if one not in impossible for fold in range(folds)]
    jobs += [Job("everyone", one, fold) for one in EVERYONE for fold in range(folds)]
    jobs += [Job(kind, "baselines", fold) for kind in ("personal", "related") for fold in range(folds)]
    segments = ("aws-item-affinity", "aws-item-attribute-affinity")
    return jobs + [Job("segments", one) for one in segments if one not in impossible]


def _with_everyone(done: Sequence[Done]) -> list[Done]:
    """The lists of everyone are judged beside the personal ones: baselines first, then the recipes."""
    moved = [
        replace(one, job=replace(one.job, kind="personal")) for one in done if one.job.kind == "everyone"
    ]
    mine = [one for one in done if one.job.kind == "personal"]
    simple = [one for one in mine if one.job.name == "baselines"]
    return [*simple, *moved, *(one for one in mine if one.job.name != "baselines")]


def _shown(
    chosen: Mapping[str, int], done: Sequence[Done], prepared: Prepared, *, history: bool
) -> tuple[Shown, ...]:
    kinds = ("personal", "everyone") if history else ("related",)
    lists = {one.job.name: one.shown for one in done if one.job.kind in kinds and one.shown}
    names, ids = prepared.items.values, prepared.users.values if history else prepared.items.values
    found = []
    for why, code in chosen.items():
        mine = prepared.histories.user(code).items[::-1][: people.SHOWN] if history else ()
        its = {name: tuple(names[list(by[code])]) for name, by in lists.items() if code in by}
        found.append(Shown(why, str(ids[code]), tuple(names[i] for i in mine), its))
    return tuple(found)
