"""A guardrail stops its variant, and says so: its users get what everybody gets from the next poll on.

Guardrails are alarms on how the variant answers, by a topic, and decisions of the analysis, by events.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.shared import alerts, environment
from lambdas.shared.clients import client
from lambdas.shared.hosted import Hosted, Profile
from lambdas.shared.telemetry import logger
from lambdas.stop_variant.environment import Environment

PACKAGED = Path(__file__).parent / "experiments.json"  # put there by the stack
WATCHED = Path(__file__).parent / "watched.json"  # alarm -> [experiment, variant]


@dataclass(frozen=True)
class Named:
    """A variant; of a version of its experiment where one is said, else of whichever runs."""

    experiment: str
    variant: str
    version: str | None = None


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> None:
    """Raises what AppConfig refuses: the topic delivers the alarm again."""
    packaged = json.loads(PACKAGED.read_text())
    for one, reason in asked(event, json.loads(WATCHED.read_text())):
        stop(one, because=reason, clients=client, given=settings(), packaged=packaged)


def asked(event: Mapping[str, Any], watched: Mapping[str, Sequence[str]]) -> Iterator[tuple[Named, str]]:
    """What is to be stopped, and why."""
    detail = event.get("detail")
    if detail is not None:
        if detail["stops"]:
            yield Named(detail["experiment"], detail["variant"], detail["version"]), detail["words_en"]
        return
    for name, reason in alarms(event):
        if name in watched:
            yield Named(*watched[name]), f"{name}: {reason}"
        else:
            logger().warning("unknown", extra={"alarm": name})


def alarms(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, reason) of the alarms that a message of the topic says are ringing."""
    for record in event["Records"]:
        message = json.loads(record["Sns"]["Message"])
        if message.get("NewStateValue") == "ALARM":
            yield message["AlarmName"], message.get("NewStateReason", "")


def stop(
    one: Named,
    *,
    because: str,
    clients: Callable[[str], Any],
    given: Environment,
    packaged: Mapping[str, Any],
) -> bool:
    """Whether there was something to stop; again is nothing."""
    hosted = Hosted(clients("appconfig"), Profile.of(given.experiments_profile))
    document = stopped(hosted.live().document or packaged, one)
    if document is None:
        return False
    version, experiment, variant = hosted.deliver(document), one.experiment, one.variant
    alerts.tell(
        clients("sns"),
        given.topic_arn,
        subject=f"variant {variant} of {experiment} is stopped",
        message=f"Variant {variant} of {experiment} is stopped, by version {version} of the experiments: {because}\n"
        f"Its users get what everybody gets, and are exposed no more. Who is in the other variants stays there.\n"
        f"To let it go on: make experiments ENV={given.environment} ON=aws RESUME={experiment}\n"
        f"To stop it for good: write `stopped: [{variant}]` into the experiment's definition.",
    )
    return True


def stopped(document: Mapping[str, Any], named: Named) -> dict[str, Any] | None:
    """The document without the variant; None where it shows no such one."""
    changed = copy.deepcopy(dict(document))
    for one in changed["experiments"]:
        if one["name"] == named.experiment and _shows(one, named):
            one["stopped"] = [*one.get("stopped", ()), named.variant]
            return changed
    return None


def _shows(experiment: Mapping[str, Any], named: Named) -> bool:
    names = {each["name"] for each in experiment["variants"]} - set(experiment.get("stopped", ()))
    return named.variant in names and named.version in (None, experiment["version"])
