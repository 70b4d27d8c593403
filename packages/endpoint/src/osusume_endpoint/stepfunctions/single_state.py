"""TestState: one state on its own. https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html

What AWS answers is recorded in localstack's tests beside test_state/*.py.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.errors import ApiError
from osusume_endpoint.service import RequestContext
from osusume_endpoint.stepfunctions import definition as definitions
from osusume_endpoint.stepfunctions import inspection, mocks, states
from osusume_endpoint.stepfunctions.errors import StateError
from osusume_endpoint.stepfunctions.flows import JSONPATH, Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.history import History, Trail
from osusume_endpoint.stepfunctions.integrations import resources
from osusume_endpoint.stepfunctions.live import PRINCIPAL, RoleSession
from osusume_endpoint.stepfunctions.payloads import dumps, iso, now
from osusume_endpoint.stepfunctions.retry import Retries, matches
from osusume_endpoint.stepfunctions.scope import Identity, Scope, World
from osusume_endpoint.stepfunctions.signals import StopSignal
from osusume_endpoint.stepfunctions.validation.json_text import not_json
from osusume_endpoint.stepfunctions.validation.report import DUPLICATE_NAME, MISSING_TARGET, NO_END, Problem

NAME = "StateName"  # of a state that is given without a state machine
UNMOCKED = "[Task, Wait, Pass, Succeed, Fail, Choice]"


def run(context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
    name, state, language = _state(parameters)
    mocks.check(state, parameters)
    mock = parameters.get("mock")
    if mock is None:
        _check_unmocked(context, state, parameters.get("roleArn"))
    frame = _frame(context, parameters, name=name, state=state, language=language)
    answer, details = _answer(frame, mock, parameters.get("stateConfiguration", {}))
    if parameters.get("inspectionLevel", "INFO") != "INFO":
        answer["inspectionData"] = (
            inspection.data(frame, mock, is_done=answer["status"] == "SUCCEEDED") | details
        )
    return answer


def _state(parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any], str]:
    """The state under test: the definition itself, or `stateName` of a whole machine, at any depth."""
    text = parameters["definition"]
    try:
        given = depth.loads(text)
    except json.JSONDecodeError as error:
        raise ApiError("InvalidDefinition", definitions.worded([not_json(text, error)])) from error
    if not isinstance(given, dict):
        raise ApiError("InvalidDefinition", definitions.worded(definitions.validate(given)))
    whole = given if "States" in given else {"StartAt": NAME, "States": {NAME: given}}
    name = parameters.get("stateName", whole.get("StartAt"))
    found = dict(_named(whole))
    if name not in found:
        raise ApiError("ValidationException", "State not found in definition")
    problems = [each for each in definitions.validate(whole) if not _is_of_loneliness(each, found, given)]
    if problems:
        raise ApiError("InvalidDefinition", definitions.worded(problems))
    return name, found[name], whole.get("QueryLanguage", JSONPATH)


def _named(machine: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state with its name, the outer ones last, so that they win."""
    for name, state in machine.get("States", {}).items() if isinstance(machine, dict) else ():
        if isinstance(state, dict):
            for inner in [*state.get("Branches", []), state.get("ItemProcessor", state.get("Iterator"))]:
                yield from _named(inner)
        yield name, state


def _is_of_loneliness(problem: Problem, found: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether being alone is the problem: no neighbours, no end, no name that a state inside of it could repeat."""
    if problem.code == DUPLICATE_NAME:
        return "States" not in given and problem.message.endswith(f": {NAME}")
    return problem.code in (MISSING_TARGET, NO_END)


def _check_unmocked(context: RequestContext, state: Mapping[str, Any], role: str | None) -> None:
    if state["Type"] in ("Map", "Parallel"):
        message = f"TestState API does not support Map or Parallel states. Supported state types include: {UNMOCKED}"
        raise ApiError("InvalidDefinition", message)
    if state["Type"] != "Task":
        return
    pattern = resources.parse(state["Resource"]).pattern
    if pattern is not None:
        raise ApiError("ValidationException", f"A mock is required to test a state with '{pattern}'")
    if not role:
        raise ApiError("ValidationException", "RoleArn must be specified when testing a Task state")
    context.check_pass_role(role, PRINCIPAL)


def _frame(
    context: RequestContext, parameters: Mapping[str, Any], *, name: str, state: dict[str, Any], language: str
) -> Frame:
    prefix, machine, execution = f"arn:aws:states:{context.region}:{context.account}", _new(), _new()
    identity = Identity(
        execution_arn=f"{prefix}:express:{machine}:{execution}",
        execution_name=execution,
        state_machine_arn=f"{prefix}:stateMachine:{machine}",
        state_machine_name=machine,
        role_arn=parameters.get("roleArn", ""),
    )
    value = _given(parameters, "input")
    scope = Scope(
        world=World(RoleSession(context.endpoint, identity).client, identity, context.endpoint.wait_scale),
        trail=Trail(History()),
        stop=StopSignal(),
        language=language,
        context=_context(identity, value),
        variables=_given(parameters, "variables"),
    )
    frame = Frame(name=name, state=state, raw=value, scope=scope, entered=0)
    if "context" in parameters:  # whole: nothing of it is filled in
        frame.context = depth.loads(parameters["context"])
    return frame


def _new() -> str:
    return str(uuid.uuid4())


def _given(parameters: Mapping[str, Any], name: str) -> Any:
    try:
        return depth.loads(parameters.get(name, "{}"))
    except json.JSONDecodeError as error:
        raise ApiError("InvalidExecutionInput", f"Invalid {name}: '{error}'") from error


def _context(identity: Identity, value: Any) -> dict[str, Any]:
    execution = {"Id": identity.execution_arn, "Input": value, "Name": identity.execution_name}
    execution |= {"RoleArn": identity.role_arn or None, "StartTime": iso(now())}
    machine = {"Id": identity.state_machine_arn, "Name": identity.state_machine_name}
    return {"Execution": execution, "StateMachine": machine}


def _answer(
    frame: Frame, mock: Mapping[str, Any] | None, configuration: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer, and what an inspection says about its error."""
    try:
        outcome = (
            states.RUN[frame.state["Type"]](frame)
            if mock is None
            else mocks.outcome(frame, mock, configuration)
        )
    except StateError as error:
        return _failed(frame, frame.located(error), int(configuration.get("retrierRetryCount", 0)))
    return _handed_on(frame, outcome, status="SUCCEEDED"), {}


def _failed(frame: Frame, error: StateError, retried: int) -> tuple[dict[str, Any], dict[str, Any]]:
    answer = {"error": error.error or "", "cause": error.cause or ""}
    retriers = frame.state.get("Retry", [])
    retrier, retries = _index(retriers, error), Retries(retriers)
    delay = [retries.delay(error.error) for _ in range(retried + 1)][-1]
    if delay is not None:
        details = {"retryIndex": retrier, "retryBackoffIntervalSeconds": int(delay)}
        return {**answer, "status": "RETRIABLE"}, {"errorDetails": details}
    index = _index(frame.state.get("Catch", []), error)
    if index is None:
        return {**answer, "status": "FAILED"}, {} if retrier is None else {
            "errorDetails": {"retryIndex": retrier}
        }
    error_output = {"Error": error.error, "Cause": error.cause}
    outcome = frame.flow.caught(frame.state["Catch"][index], error_output)
    details = {"catchIndex": index}
    return {**answer, **_handed_on(frame, outcome, status="CAUGHT_ERROR")}, {"errorDetails": details}


def _index(rules: list[dict[str, Any]], error: StateError) -> int | None:
    """The index of the first retrier or catcher that the error matches."""
    return next((n for n, rule in enumerate(rules) if matches(rule["ErrorEquals"], error.error)), None)


def _handed_on(frame: Frame, outcome: Outcome, *, status: str) -> dict[str, Any]:
    answer = {"status": status, "output": dumps(outcome.output)}
    next_state = outcome.next_state or frame.state.get("Next")
    return {**answer, "nextState": next_state} if next_state else answer
