"""Walks the states of a machine, a branch or an iteration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint.stepfunctions import states
from osusume_endpoint.stepfunctions.errors import QUERY_EVALUATION_ERROR, Aborted, StateError
from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.history import payload
from osusume_endpoint.stepfunctions.payloads import dumps, limited
from osusume_endpoint.stepfunctions.retry import Retries, catcher_for
from osusume_endpoint.stepfunctions.scope import Scope

# Events exist for these only: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
ABORTABLE = ("Task", "Wait", "Map", "Parallel")

OnEntry = Callable[[str, Any], None]
# Told of each state that is entered, with the name of its state machine: fault injection.
watchers: list[Callable[[str, str], None]] = []


def run(
    machine: Mapping[str, Any],
    value: Any,
    scope: Scope,
    *,
    start_at: str | None = None,
    on_entry: OnEntry | None = None,
) -> Any:
    """The output of the last state. `on_entry` learns each state and its input before it runs (redrive)."""
    name: str | None = start_at or machine["StartAt"]
    while name is not None:
        scope.stop.check()
        if on_entry:
            on_entry(name, value)
        outcome = visit(name, machine["States"][name], value, scope)
        value, name = outcome.output, outcome.next_state
    return value


def visit(name: str, state: Mapping[str, Any], value: Any, scope: Scope) -> Outcome:
    kind = state["Type"]
    entry = {"name": name, **payload("input", limited(value, subject=f"The state/task '{name}'"))}
    before = scope.trail.previous
    entered = scope.event(f"{kind}StateEntered", entry)
    for watch in watchers:
        watch(scope.world.identity.state_machine_name.partition("/")[0], name)
    frame = Frame(name=name, state=state, raw=value, scope=scope, entered=entered, before=before)
    try:
        outcome = _attempts(frame)
    except Aborted:
        if kind in ABORTABLE:
            scope.note(f"{kind}StateAborted")
        raise
    except StateError:
        # Recorded of tasks alone: localstack's states_variables/test_error_output.py::test_parallel_catch_error.
        if kind == "Task" and scope.is_branch:
            scope.note("TaskStateAborted")
        raise
    scope.variables.update(outcome.assigned)
    scope.event(f"{kind}StateExited", _exit(name, outcome))
    return outcome if outcome.next_state else outcome.then(state["Next"]) if "Next" in state else outcome


def _exit(name: str, outcome: Outcome) -> dict[str, Any]:
    text = limited(outcome.output, subject=f"The state/task '{name}'")
    details = {"name": name, **payload("output", text)}
    if outcome.assigned:
        details["assignedVariables"] = {key: dumps(value) for key, value in outcome.assigned.items()}
        details["assignedVariablesDetails"] = {"truncated": False}
    return details


def _attempts(frame: Frame) -> Outcome:
    retries = Retries(frame.state.get("Retry", []))
    while True:
        try:
            return _run_once(frame)
        except StateError as error:
            delay = retries.delay(error.error)
            if delay is None:
                return _caught(frame, error)
            frame.failure = None
            frame.scope.sleep(delay)
            frame.retried(retries.count)


def _run_once(frame: Frame) -> Outcome:
    """One attempt; a result the state can't hand on fails it like its work would."""
    try:
        outcome = states.RUN[frame.state["Type"]](frame)
        limited(outcome.output, subject=f"The state/task '{frame.name}'")
        return outcome
    except StateError as error:
        located = frame.located(error)
        if located is not error and located.error == QUERY_EVALUATION_ERROR:
            if error.precedes_entry and not frame.is_started:
                frame.scope.trail.previous = frame.before
            frame.scope.event("EvaluationFailed", _evaluation_failure(frame, located, error.location))
        raise located from error


def _evaluation_failure(frame: Frame, error: StateError, location: str | None) -> dict[str, Any]:
    """`location` is the field whose expression failed: `Output/result`."""
    details = {"error": error.error, "cause": error.cause, "state": frame.name}
    return {**details, "location": location} if location else details


def _caught(frame: Frame, error: StateError) -> Outcome:
    if frame.failure:
        frame.scope.event(frame.failure)
    catcher = catcher_for(frame.state.get("Catch", []), error.error)
    if catcher is None:
        raise error
    error_output = {"Error": error.told, "Cause": error.cause if error.cause is not None else ""}
    try:
        return frame.flow.caught(catcher, error_output)
    except StateError as failed:
        raise frame.located(failed) from failed
