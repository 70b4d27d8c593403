"""Automatic training: a solution makes a version of itself every 7 days unless told otherwise.

Only where time is realistic: in an instant world a week never passes.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from osusume_endpoint.personalize import states

if TYPE_CHECKING:
    from osusume_endpoint.personalize.service import Personalize
    from osusume_endpoint.personalize.store import Record

HOUR, DAY = 3_600.0, 86_400.0
DEFAULT_EXPRESSION = "rate(7 days)"


def due(service: Personalize, *, now: float, wait_scale: float = 1.0) -> list[Record]:
    """The solutions to train now: an hour after they became ACTIVE, then at their rate.

    A version made by hand within the first hour counts as the first automatic one.
    """
    found = []
    for solution in service.store.where("Solution", status=states.ACTIVE, performAutoTraining=True):
        versions = service.store.where("SolutionVersion", solutionArn=solution.arn)
        if any(version.private.get("job") for version in versions):
            continue
        if now >= _next(solution, versions, wait_scale):
            found.append(solution)
    return found


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

    with service.store.lock:
        for solution in due(service, now=now, wait_scale=service.endpoint.wait_scale):
            solution_versions.start(service, solution, mode="FULL", training_type="AUTOMATIC")


def watch(service: Personalize, ending: threading.Event) -> None:
    """Starts the watcher where time is realistic."""
    if os.environ.get("OSUSUME_PERSONALIZE_TIME") != "realistic":
        return

    def run() -> None:
        while not ending.wait(max(1.0, 60 * service.endpoint.wait_scale)):
            with service.scope():
                train_due(service, now=time.time())

    threading.Thread(target=run, name="personalize-autotraining", daemon=True).start()
