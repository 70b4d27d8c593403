"""A guardrail's alarm stops its variant, and says so: its users get what everybody gets from the next poll on."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.shared import environment
from lambdas.shared.clients import client
from lambdas.shared.hosted import Hosted, Profile
from lambdas.shared.telemetry import logger
from lambdas.stop_variant.environment import Environment

PACKAGED = Path(__file__).parent / "experiments.json"  # put there by the stack
WATCHED = Path(__file__).parent / "watched.json"  # alarm -> [experiment, variant]


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> None:
    """Raises what AppConfig refuses: the topic delivers the alarm again."""
    watched = json.loads(WATCHED.read_text())
    packaged = json.loads(PACKAGED.read_text())
    for name, reason in alarms(event):
        if name not in watched:
            logger().warning("unknown", extra={"alarm": name})
            continue
        experiment, variant = watched[name]
        stop(experiment, variant, because=f"{name}: {reason}", clients=client, given=settings(), packaged=packaged)


def alarms(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, reason) of the alarms that a message of the topic says are ringing."""
    for record in event["Records"]:
        message = json.loads(record["Sns"]["Message"])
        if message.get("NewStateValue") == "ALARM":
            yield message["AlarmName"], message.get("NewStateReason", "")


def stop(
    experiment: str,
    variant: str,
    *,
    because: str,
    clients: Callable[[str], Any],
    given: Environment,
    packaged: Mapping[str, Any],
) -> bool:
    """Whether there was something to stop; again is nothing."""
    hosted = Hosted(clients("appconfig"), Profile.of(given.experiments_profile))
    document = stopped(hosted.live().document or packaged, experiment, variant)
    if document is None:
        return False
    version = hosted.deliver(document)
    clients("sns").publish(
        TopicArn=given.topic_arn,
        Subject=f"{given.environment}: variant {variant} of {experiment} is stopped"[:100],
        Message=f"Variant {variant} of {experiment} is stopped, by version {version} of the experiments: {because}\n"
        f"Its users get what everybody gets, and are exposed no more. Who is in the other variants stays there.\n"
        f"To let it go on: make experiments ENV={given.environment} ON=aws RESUME={experiment}\n"
        f"To stop it for good: write `stopped: [{variant}]` into the experiment's definition.",
    )
    return True


def stopped(document: Mapping[str, Any], experiment: str, variant: str) -> dict[str, Any] | None:
    """The document without the variant; None where it has none that is shown."""
    changed = copy.deepcopy(dict(document))
    for one in changed["experiments"]:
        names = [each["name"] for each in one["variants"]]
        if one["name"] == experiment and variant in names and variant not in one.get("stopped", ()):
            one["stopped"] = [*one.get("stopped", ()), variant]
            return changed
    return None
