"""Automatic training: a solution makes a version of itself every 7 days unless told otherwise.

Developer guide, "Configuring automatic training": only where interactions came since the last training. In an instant
world no day passes, so there a solution that names its rate trains whenever they came, and others never do.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from osusume_endpoint.personalize import states

if TYPE_CHECKING:
    from osusume_endpoint.personalize.service import Personalize
    from osusume_endpoint.personalize.store import Record

HOUR, DAY = 3_600.0, 86_400.0
INSTANT_SECONDS = 1.0
DEFAULT_EXPRESSION = "rate(7 days)"


def due(service: Personalize, *, now: float, wait_scale: float = 1.0) -> list[Record]:
    """The solutions to train now: an hour after they became ACTIVE, then at their rate.

    A version made by hand within the first hour counts as the first automatic one.
    """
    return [
        solution
        for solution, versions in _idle(service)
        if now >= _next(solution, versions, wait_scale) and _has_news(service, solution, versions)
    ]


def due_at_once(service: Personalize) -> list[Record]:
    """The solutions to train now in an instant world: their rate is said, and interactions came."""
    return [
        solution
        for solution, versions in _idle(service)
        if "autoTrainingConfig" in solution.fields.get("solutionConfig", {})
        and _newest_data(service, solution)
        and _has_news(service, solution, versions)
    ]


def _idle(service: Personalize) -> Iterator[tuple[Record, list[Record]]]:
    """Solutions that train by themselves and don't now, with their versions."""
    for solution in service.store.where("Solution", status=states.ACTIVE, performAutoTraining=True):
        versions = service.store.where("SolutionVersion", solutionArn=solution.arn)
        if not any(version.private.get("job") for version in versions):
            yield solution, versions


def _has_news(service: Personalize, solution: Record, versions: list[Record]) -> bool:
    """Whether interactions came after the newest version began; nobody knows it of a group without a dataset."""
    newest = _newest_data(service, solution)
    started = [float(version.fields["creationDateTime"]) for version in versions]
    return newest is None or not started or newest > max(started)


def _newest_data(service: Personalize, solution: Record) -> float | None:
    """When interactions came last, in bulk or one by one; None where there is no dataset of them, or nothing in it."""
    group, kind = solution.fields.get("datasetGroupArn"), "INTERACTIONS"
    if "next-best-action" in solution.fields.get("recipeArn", ""):
        kind = "ACTION_INTERACTIONS"
    times = list[float]()
    for dataset in service.store.where("Dataset", datasetGroupArn=group, datasetType=kind):
        stream = service.streams.path(dataset.arn)
        times += [dataset.private["imported"]] if "imported" in dataset.private else []
        times += [stream.stat().st_mtime] if stream.exists() else []
    return max(times, default=None)


def _next(solution: Record, versions: list[Record], wait_scale: float) -> float:
    first = float(solution.fields["creationDateTime"]) + HOUR * wait_scale
    started = [
        float(version.fields["creationDateTime"])
        for version in versions
        if version.fields.get("trainingType") == "AUTOMATIC" or version.fields["creationDateTime"] <= first
    ]
    return max(started) + interval(solution) * wait_scale if started else first


def interval(solution: Record) -> float:
    config = solution.fields.get("solutionConfig", {})
    expression = config.get("autoTrainingConfig", {}).get("schedulingExpression", DEFAULT_EXPRESSION)
    return int(expression.removeprefix("rate(").split()[0]) * DAY


def train_due(service: Personalize, *, now: float) -> None:
    from osusume_endpoint.personalize.models import solution_versions

    instant = os.environ.get("OSUSUME_PERSONALIZE_TIME") != "realistic"
    with service.store.lock:
        scale = service.endpoint.wait_scale
        found = due_at_once(service) if instant else due(service, now=now, wait_scale=scale)
        for solution in found:
            solution_versions.start(service, solution, mode="FULL", training_type="AUTOMATIC")


def watch(service: Personalize, ending: threading.Event) -> None:
    """Starts the watcher."""
    instant = os.environ.get("OSUSUME_PERSONALIZE_TIME") != "realistic"
    seconds = INSTANT_SECONDS if instant else max(1.0, 60 * service.endpoint.wait_scale)

    def run() -> None:
        while not ending.wait(seconds):
            with service.scope():
                train_due(service, now=time.time())

    threading.Thread(target=run, name="personalize-autotraining", daemon=True).start()
