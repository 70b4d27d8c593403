"""Puts the interpreter behind the Step Functions API of the embedded endpoint (ministack 1.5.33)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements, service
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError, NotEmulated
from osusume_endpoint.replacements import replaces
from osusume_endpoint.service import RequestContext
from osusume_endpoint.stepfunctions import arns, definition, single_state
from osusume_endpoint.stepfunctions.api import aliases, executions, machines, tags, versions
from osusume_endpoint.stepfunctions.api.answers import Function, Response, answer
from osusume_endpoint.stepfunctions.api.store import Store
from osusume_endpoint.stepfunctions.live import LiveExecutions
from osusume_endpoint.stepfunctions.tokens import is_token


def install(endpoint: Endpoint) -> None:
    from ministack.services import stepfunctions

    live = LiveExecutions(endpoint=endpoint, ministack=stepfunctions)
    for module in (__name__, executions.__name__, machines.__name__):
        replacements.apply(module, live=live)
    service.override_operations(
        name="stepfunctions", operations=operations(live, stepfunctions), endpoint=endpoint
    )


def operations(live: LiveExecutions, ministack: Any) -> dict[str, service.Operation]:
    store = Store(ministack)
    found = {
        **machines.operations(store, live),
        **versions.operations(store),
        **aliases.operations(store),
        **executions.operations(store, live),
        **tags.operations(store),
        **_callbacks(ministack),
        **_activities(),
        "TestState": single_state.run,
        "ValidateStateMachineDefinition": _validate,
        "UpdateMapRun": _not_emulated("UpdateMapRun"),
    }
    return {name: arns.checked(operation) for name, operation in found.items()}


def _validate(context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
    return definition.diagnostics(
        parameters["definition"],
        kind=parameters.get("type", definition.STANDARD),
        most=parameters.get("maxResults") or definition.MOST_DIAGNOSTICS,
    )


def _callbacks(ministack: Any) -> dict[str, service.Operation]:
    return {
        "SendTaskSuccess": lambda context, p: answer(ministack._send_task_success(p)),
        "SendTaskFailure": lambda context, p: answer(ministack._send_task_failure(p)),
        "SendTaskHeartbeat": lambda context, p: answer(ministack._send_task_heartbeat(p)),
    }


def _activities() -> dict[str, service.Operation]:
    """None can be created, so none exists."""
    return {
        "CreateActivity": _not_emulated("CreateActivity"),
        "GetActivityTask": _no_activity,
        "DescribeActivity": _no_activity,
        "DeleteActivity": lambda context, p: {},
        "ListActivities": lambda context, p: {"activities": []},
    }


def _no_activity(context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
    raise ApiError("ActivityDoesNotExist", f"Activity Does Not Exist: '{parameters['activityArn']}'")


@replaces("ministack.services.stepfunctions:_run_execution", takes="exec_arn")
def _running(live: LiveExecutions) -> Callable[[str], None]:
    return live.run


@replaces("ministack.services.stepfunctions:_validate_definition_jsonata", takes="definition_str")
def _validating() -> Callable[[str], str | None]:
    """CreateStateMachine, UpdateStateMachine and AWS::StepFunctions::StateMachine validate alike."""
    return definition.refusal


@replaces("ministack.services.cloudformation.provisioners:_sfn_definition", takes="props")
def _validating_properties(inner: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], str]:
    from ministack.services.cloudformation import provisioners

    def from_properties(properties: dict[str, Any]) -> str:
        text = inner(properties)
        refusal = definition.refusal(text)
        if refusal:
            raise provisioners._sfn_handler_error(provisioners._sdk_error(refusal, "Sfn", 400))
        return str(text)

    return from_properties


@replaces("ministack.services.stepfunctions:_send_task_success", takes="data")
def _succeeding(live: LiveExecutions) -> Function:
    return _answering(live, lambda task, data: task.succeed(data.get("output", "")))


@replaces("ministack.services.stepfunctions:_send_task_failure", takes="data")
def _failing(live: LiveExecutions) -> Function:
    return _answering(live, lambda task, data: task.fail(error=data.get("error"), cause=data.get("cause")))


@replaces("ministack.services.stepfunctions:_send_task_heartbeat", takes="data")
def _beating(live: LiveExecutions) -> Function:
    return _answering(live, lambda task, data: task.heartbeat())


def _answering(live: LiveExecutions, answer: Callable[[Any, dict[str, Any]], None]) -> Function:
    """Finds our task of the token, and does `answer` to it."""
    ministack = live.ministack

    def respond(data: dict[str, Any]) -> Response:
        token = data.get("taskToken", "")
        if not is_token(token):
            return ministack.error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
        task = live.tokens.find(token)
        if task is None:
            return ministack.error_response_json(
                "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'", 400
            )
        try:
            answer(task, data)
        except ValueError as error:
            return ministack.error_response_json("InvalidOutput", f"Invalid task output: {error}", 400)
        return ministack.json_response({})

    return respond


def _not_emulated(operation: str) -> service.Operation:
    def refuse(context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
        raise NotEmulated(service="states", operation=operation)

    return refuse
