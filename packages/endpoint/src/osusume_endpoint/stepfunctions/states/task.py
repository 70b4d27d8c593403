"""Task: one call, with its timeouts, its job or its callback.

https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from osusume_endpoint.stepfunctions import workers
from osusume_endpoint.stepfunctions.errors import HEARTBEAT_TIMEOUT, TIMEOUT, StateError
from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.history import payload
from osusume_endpoint.stepfunctions.integrations import dispatch, resources
from osusume_endpoint.stepfunctions.integrations.resources import LAMBDA, Resource
from osusume_endpoint.stepfunctions.payloads import limited
from osusume_endpoint.stepfunctions.tokens import PendingTask


@dataclass
class Attempt:
    frame: Frame
    resource: Resource
    arguments: Any
    timeout: float | None
    heartbeat: float | None
    deadline: float | None = None

    @property
    def direct(self) -> bool:
        return self.resource.kind == LAMBDA

    @property
    def remaining(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def event(self, suffix: str, details: dict[str, Any] | None = None) -> None:
        """TaskX with the resource, or LambdaFunctionX for a function's ARN."""
        if self.direct:
            self.frame.scope.event(f"LambdaFunction{suffix}", details)
        else:
            self.frame.scope.event(f"Task{suffix}", {**self.resource.event_details, **(details or {})})


def run(frame: Frame) -> Outcome:
    resource = resources.parse(frame.state["Resource"])
    pending = frame.scope.world.tokens.open() if resource.callback else None
    if pending:
        frame.context["Task"] = {"Token": pending.token}
    try:
        attempt = _prepared(frame, resource)
        result = _recorded(attempt, pending)
    finally:
        if pending:
            frame.scope.world.tokens.close(pending)
    return frame.flow.completed(result)


def _prepared(frame: Frame, resource: Resource) -> Attempt:
    timeout, heartbeat = frame.seconds("TimeoutSeconds"), frame.seconds("HeartbeatSeconds")
    attempt = Attempt(frame, resource, frame.flow.arguments(), timeout, heartbeat)
    text = limited(attempt.arguments, subject=f"The state/task '{frame.name}'")
    limits = {"timeoutInSeconds": timeout, "heartbeatInSeconds": heartbeat}
    given = {key: int(value) for key, value in limits.items() if value is not None}
    if attempt.direct:
        attempt.event("Scheduled", {"resource": resource.arn, **payload("input", text), **given})
    else:
        attempt.event("Scheduled", {"region": frame.scope.world.identity.region, "parameters": text, **given})
    attempt.event("Started")
    attempt.deadline = None if timeout is None else time.monotonic() + timeout
    return attempt


def _recorded(attempt: Attempt, pending: PendingTask | None) -> Any:
    try:
        result = _result(attempt, pending)
        text = limited(result, subject=f"The state/task '{attempt.resource.action}'")
    except StateError as error:
        located = attempt.frame.located(error)
        suffix = "TimedOut" if error.error in (TIMEOUT, HEARTBEAT_TIMEOUT) else "Failed"
        told = {"error": located.told, "cause": located.cause}
        attempt.event(suffix, {key: text for key, text in told.items() if text is not None})
        raise located from error
    attempt.event("Succeeded", payload("output", text))
    return result


def _result(attempt: Attempt, pending: PendingTask | None) -> Any:
    world, stop = attempt.frame.scope.world, attempt.frame.scope.stop
    resource, arguments = attempt.resource, attempt.arguments
    started = workers.run_within(
        lambda: dispatch.start(resource, clients=world.clients, arguments=arguments, identity=world.identity),
        seconds=attempt.remaining,
    )
    if not resource.sync:
        stop.check()  # a job that was started is stopped by its poller
    if not (resource.sync or pending):
        return started
    attempt.event("Submitted", payload("output", limited(started, subject=f"The task '{resource.action}'")))
    if pending:
        return pending.wait(stop=stop, timeout=attempt.remaining, heartbeat=attempt.heartbeat)
    return _job(attempt, started)


def _job(attempt: Attempt, started: Any) -> Any:
    # A job outlives its timed-out task unless somebody stops it, so the poller gets its own signal.
    scope, signal = attempt.frame.scope, attempt.frame.scope.stop.child()
    try:
        return workers.run_within(
            lambda: dispatch.wait(
                attempt.resource,
                clients=scope.world.clients,
                arguments=attempt.arguments,
                started=started,
                stop=signal,
            ),
            seconds=attempt.remaining,
        )
    finally:
        signal.set()
        scope.stop.release(signal)
