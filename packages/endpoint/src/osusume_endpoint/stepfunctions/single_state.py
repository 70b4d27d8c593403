"""TestState: one state on its own. https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.service import RequestContext
from osusume_endpoint.stepfunctions import definition as definitions
from osusume_endpoint.stepfunctions import states
from osusume_endpoint.stepfunctions.errors import StateError
from osusume_endpoint.stepfunctions.flows import JSONPATH, Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.history import History, Trail
from osusume_endpoint.stepfunctions.integrations import resources
from osusume_endpoint.stepfunctions.live import PRINCIPAL, RoleSession
from osusume_endpoint.stepfunctions.payloads import dumps, iso, now
from osusume_endpoint.stepfunctions.retry import Retries, catcher_for
from osusume_endpoint.stepfunctions.scope import Identity, Scope, World
from osusume_endpoint.stepfunctions.signals import StopSignal
from osusume_endpoint.stepfunctions.validation.report import MISSING_TARGET, NO_END

NAME = "TestState"
MOCKED = ("Task", "Map", "Parallel")


def run(context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
    name, state, language = _state(parameters)
    frame = _frame(context, parameters, name=name, state=state, language=language)
    mock = parameters.get("mock")
    if mock is None and state["Type"] == "Task":
        _check_unmocked(state)
        _check_role(context, parameters.get("roleArn"))
    answer = _answer(frame, mock, parameters.get("stateConfiguration", {}))
    if parameters.get("inspectionLevel", "INFO") != "INFO":
        answer["inspectionData"] = _inspection(frame)
    return answer


def _state(parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any], str]:
    """The state under test: the definition itself, or `stateName` of a whole machine."""
    try:
        given = json.loads(parameters["definition"])
    except json.JSONDecodeError as error:
        raise ApiError("InvalidDefinition", f"INVALID_JSON_DESCRIPTION: {error}") from error
    if "States" not in given:
        name = parameters.get("stateName", NAME)
        given = {"StartAt": name, "States": {name: given}}
    name = parameters.get("stateName", given.get("StartAt"))
    if name not in given["States"]:
        raise ApiError("InvalidDefinition", f"State '{name}' not found in definition")
    # On its own the state has neither its neighbours nor an end.
    problems = [p for p in definitions.validate(given) if p.code not in (MISSING_TARGET, NO_END)]
    if problems:
        raise ApiError("InvalidDefinition", ", ".join(map(str, problems)))
    return name, given["States"][name], given.get("QueryLanguage", JSONPATH)


def _check_unmocked(state: Mapping[str, Any]) -> None:
    pattern = resources.parse(state["Resource"]).pattern
    if pattern is not None:
        raise ApiError("ValidationException", f"A mock is required to test a state with '{pattern}'")


def _check_role(context: RequestContext, role: str | None) -> None:
    if not role:
        raise ApiError("ValidationException", "roleArn is required unless the state is mocked")
    context.check_pass_role(role, PRINCIPAL)


def _frame(
    context: RequestContext, parameters: Mapping[str, Any], *, name: str, state: dict[str, Any], language: str
) -> Frame:
    prefix = f"arn:aws:states:{context.region}:{context.account}"
    identity = Identity(
        execution_arn=f"{prefix}:execution:{NAME}:{NAME}",
        execution_name=NAME,
        state_machine_arn=f"{prefix}:stateMachine:{NAME}",
        state_machine_name=NAME,
        role_arn=parameters.get("roleArn", ""),
    )
    value = json.loads(parameters.get("input", "{}"))
    scope = Scope(
        world=World(RoleSession(context.endpoint, identity).client, identity, context.endpoint.wait_scale),
        trail=Trail(History()),
        stop=StopSignal(),
        language=language,
        context=json.loads(parameters["context"]) if "context" in parameters else _context(identity, value),
        variables=json.loads(parameters.get("variables", "{}")),
    )
    return Frame(name=name, state=state, raw=value, scope=scope, entered=0)


def _context(identity: Identity, value: Any) -> dict[str, Any]:
    execution = {"Id": identity.execution_arn, "Input": value, "Name": NAME, "RoleArn": identity.role_arn}
    execution |= {"StartTime": iso(now()), "RedriveCount": 0}
    return {"Execution": execution, "StateMachine": {"Id": identity.state_machine_arn, "Name": NAME}}


def _answer(frame: Frame, mock: Mapping[str, Any] | None, configuration: Mapping[str, Any]) -> dict[str, Any]:
    try:
        outcome = _outcome(frame, mock)
    except StateError as error:
        return _failed(frame, frame.located(error), int(configuration.get("retrierRetryCount", 0)))
    return _handed_on(frame, outcome, status="SUCCEEDED")


def _outcome(frame: Frame, mock: Mapping[str, Any] | None) -> Outcome:
    if mock is None:
        return states.RUN[frame.state["Type"]](frame)
    if frame.state["Type"] not in MOCKED:
        raise ApiError("ValidationException", f"A {frame.state['Type']} state can't be mocked")
    if "errorOutput" in mock:
        raise StateError(mock["errorOutput"].get("error"), mock["errorOutput"].get("cause"))
    frame.flow.arguments()  # they are evaluated, and may fail, before the mocked call
    return frame.flow.completed(json.loads(mock["result"]))


def _failed(frame: Frame, error: StateError, retried: int) -> dict[str, Any]:
    answer = {"error": error.error or "", "cause": error.cause or ""}
    retries = Retries(frame.state.get("Retry", []))
    delays = [retries.delay(error.error) for _ in range(retried + 1)]
    if delays[-1] is not None:
        return {**answer, "status": "RETRIABLE"}
    catcher = catcher_for(frame.state.get("Catch", []), error.error)
    if catcher is None:
        return {**answer, "status": "FAILED"}
    outcome = frame.flow.caught(catcher, {"Error": error.error, "Cause": error.cause})
    return {**answer, **_handed_on(frame, outcome, status="CAUGHT_ERROR")}


def _handed_on(frame: Frame, outcome: Outcome, *, status: str) -> dict[str, Any]:
    answer = {"status": status, "output": dumps(outcome.output)}
    next_state = outcome.next_state or frame.state.get("Next")
    return {**answer, "nextState": next_state} if next_state else answer


def _inspection(frame: Frame) -> dict[str, str]:
    data = {"input": dumps(frame.raw)}
    if frame.jsonata:
        return {**data, "afterArguments": dumps(frame.flow.arguments())}
    effective = dumps(frame.flow.effective_input())
    return {**data, "afterInputPath": effective, "afterParameters": dumps(frame.flow.arguments())}
