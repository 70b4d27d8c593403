"""Removes what is kept of users, step by step, as the workflow `forget` asks. No event, answer or log has their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from lambdas.forget_users.environment import Environment
from lambdas.forget_users.steps import Answer, Steps
from lambdas.shared import environment, events
from lambdas.shared.clients import client
from lambdas.shared.forgetting import Requests
from lambdas.shared.telemetry import logger

# What is left of the function's time when it stops and asks to be called again: more than its slowest file takes.
RESERVE_MS = 300_000


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: Any) -> Answer:
    given = settings()
    steps = Steps(
        clients=client,
        settings=given,
        requests=Requests(client("dynamodb"), client("kms"), given.control_table, given.key_arn),
        late=lambda: context.get_remaining_time_in_millis() < RESERVE_MS,
    )
    answer = run(event, steps=steps)
    logger().info("forgetting", extra={"step": event["step"], "answer": answer})
    return answer


def run(event: Mapping[str, Any], *, steps: Steps) -> Answer:
    """Raises InvalidEvent for a step that there is not."""
    step = events.text(event, "step")
    if step not in STEPS:
        raise events.InvalidEvent(f"step is {step!r}: pass one of {', '.join(STEPS)}")
    return STEPS[step](steps, event)


def _requests(event: Mapping[str, Any]) -> list[str]:
    return events.texts(event, "requests")


STEPS: Mapping[str, Callable[[Steps, Mapping[str, Any]], Answer]] = {
    "begin": lambda steps, event: steps.begin(),
    "remove": lambda steps, event: steps.remove(_requests(event), event["position"]),
    "list": lambda steps, event: steps.write_list(_requests(event)),
    "end": lambda steps, event: steps.end(_requests(event)),
    "fail": lambda steps, event: steps.fail(_requests(event)),
}
