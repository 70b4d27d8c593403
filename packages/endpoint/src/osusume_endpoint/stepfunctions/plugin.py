"""Puts the interpreter behind the Step Functions API of the embedded endpoint (ministack 1.5.33)."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

from osusume_endpoint import depth, permissions, replacements, service
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError, AssumeRoleRefused, NotEmulated
from osusume_endpoint.replacements import replaces
from osusume_endpoint.service import RequestContext
from osusume_endpoint.stepfunctions import arns, definition, single_state
from osusume_endpoint.stepfunctions.live import PRINCIPAL, LiveExecutions, redrive_fields

Response = tuple[int, dict[str, str], bytes]
Function = Callable[[dict[str, Any]], Response]

NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
MOST_INPUT_BYTES = 256 * 1024


def install(endpoint: Endpoint) -> None:
    from ministack.services import stepfunctions

    live = LiveExecutions(endpoint=endpoint, ministack=stepfunctions)
    replacements.apply(__name__, live=live)
    replacements.apply(arns.__name__, live=live)
    service.override_operations(
        name="stepfunctions", operations=operations(live, stepfunctions), endpoint=endpoint
    )


def operations(live: LiveExecutions, ministack: Any) -> dict[str, service.Operation]:
    return {
        "CreateStateMachine": lambda context, p: _create(context, p, ministack),
        "UpdateStateMachine": lambda context, p: _update(context, p, ministack),
        "RedriveExecution": lambda context, p: _redrive(live, ministack, p),
        "StartSyncExecution": lambda context, p: _start_sync(ministack, p),
        "TestState": single_state.run,
        "ValidateStateMachineDefinition": lambda context, p: definition.diagnostics(p["definition"]),
        "UpdateMapRun": _not_emulated("UpdateMapRun"),
        "CreateActivity": _not_emulated("CreateActivity"),
        "GetActivityTask": _not_emulated("GetActivityTask"),
    }


@replaces("ministack.services.stepfunctions:_run_execution", takes="exec_arn")
def _running(live: LiveExecutions) -> Callable[[str], None]:
    return live.run


@replaces("ministack.services.stepfunctions:_start_execution", takes="data")
def _starting(live: LiveExecutions) -> Function:
    return lambda data: _start(live.ministack, live, data)


@replaces("ministack.services.stepfunctions:_stop_execution", takes="data")
def _stopping(inner: Function, live: LiveExecutions) -> Function:
    ministack = live.ministack

    def stop_execution(data: dict[str, Any]) -> Response:
        arn = data.get("executionArn", "")
        if (ministack._executions.get(arn) or {}).get("mapRunArn"):
            refusal = NotEmulated(service="states", operation="StopExecution of a Map Run's child")
            return ministack.error_response_json(refusal.code, refusal.message, refusal.status)
        if not live.stop(arn, error=data.get("error"), cause=data.get("cause")):
            return inner(data)
        return ministack.json_response({"stopDate": ministack._executions.get(arn)["stopDate"]})

    return stop_execution


@replaces("ministack.services.stepfunctions:_describe_execution", takes="data")
def _describing(inner: Function, live: LiveExecutions) -> Function:
    ministack = live.ministack

    def describe_execution(data: dict[str, Any]) -> Response:
        try:
            arns.check(data.get("executionArn"), kind="execution")
        except ApiError as error:
            return ministack.error_response_json(error.code, error.message, error.status)
        response = inner(data)
        record = ministack._executions.get(data.get("executionArn"))
        if response[0] >= 400 or record is None:
            return response
        described = {**json.loads(response[2]), **redrive_fields(record)}
        return ministack.json_response({key: value for key, value in described.items() if value is not None})

    return describe_execution


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
        task = live.tokens.find(data.get("taskToken", ""))
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


def _start(ministack: Any, live: LiveExecutions, data: dict[str, Any]) -> Response:
    try:
        record, is_new = _record(ministack, data)
    except ApiError as error:
        return ministack.error_response_json(error.code, error.message, error.status)
    if is_new:
        ministack._emit_execution_status_event(record)
        live.start(record["executionArn"])
    return ministack.json_response({"executionArn": record["executionArn"], "startDate": record["startDate"]})


def _record(ministack: Any, data: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The execution's record, made unless the same execution is running already."""
    requested = data.get("stateMachineArn", "")
    base = ministack._resolve_state_machine_arn(requested)
    if base is None:
        raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{requested}'")
    name, text = data.get("name") or ministack.new_uuid(), data.get("input", "{}")
    _check_start(name, text)
    machine = ministack._state_machines[base]
    arn = f"{base.replace(':stateMachine:', ':execution:')}:{name}"
    known = ministack._executions.get(arn)
    if known is not None:
        return _same_execution(known, text), False
    record = _new_record(ministack, arn=arn, name=name, text=text, machine=machine)
    version = ministack._execution_version_arn(requested)
    if version:
        record["stateMachineVersionArn"] = version
    ministack._executions[arn] = record
    return record, True


def _check_start(name: str, text: str) -> None:
    if not NAME.fullmatch(name):
        raise ApiError(
            "InvalidName", f"Invalid Name: '{name}' (1 to 80 characters, no spaces, wildcards or brackets)"
        )
    if len(text.encode()) > MOST_INPUT_BYTES:
        message = f"Invalid State Machine Execution Input: more than {MOST_INPUT_BYTES} bytes"
        raise ApiError("InvalidExecutionInput", message)
    try:
        depth.loads(text)
    except ValueError as error:
        raise ApiError(
            "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
        ) from error


def _same_execution(known: dict[str, Any], text: str) -> dict[str, Any]:
    """StartExecution is idempotent while the execution of that name and input runs."""
    if known["status"] == "RUNNING" and known["input"] == text:
        return known
    raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{known['executionArn']}'")


def _new_record(ministack: Any, *, arn: str, name: str, text: str, machine: dict[str, Any]) -> dict[str, Any]:
    return {
        "executionArn": arn,
        "stateMachineArn": machine["stateMachineArn"],
        "name": name,
        "status": "RUNNING",
        "startDate": ministack.now_iso(),
        "stopDate": None,
        "input": text,
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": {"included": True},
        "encryptionConfiguration": machine.get("encryptionConfiguration"),
        "events": [],
    }


def _create(context: RequestContext, parameters: dict[str, Any], ministack: Any) -> dict[str, Any]:
    _check_type(parameters.get("type"), parameters["definition"])
    return _with_role(context, parameters, ministack._create_state_machine)


def _update(context: RequestContext, parameters: dict[str, Any], ministack: Any) -> dict[str, Any]:
    machine = ministack._state_machines.get(parameters["stateMachineArn"]) or {}
    _check_type(machine.get("type"), parameters.get("definition"))
    return _with_role(context, parameters, ministack._update_state_machine)


def _check_type(kind: str | None, text: str | None) -> None:
    if kind == "EXPRESS" and text is not None and definition.refusal(text) is None:
        problems = definition.express_problems(json.loads(text))
        if problems:
            raise ApiError("InvalidDefinition", definition.worded(problems))


def _with_role(context: RequestContext, parameters: dict[str, Any], call: Function) -> dict[str, Any]:
    """The caller may pass the role, and Step Functions may assume it."""
    role = parameters.get("roleArn")
    if role:
        context.check_pass_role(role, PRINCIPAL)
        _check_trust(context, role, parameters)
    return _answer(call(parameters))


def _answer(response: Response) -> dict[str, Any]:
    """ministack's response as an operation answers: its error raised, its timestamps as moments."""
    status, _, body = response
    answer: dict[str, Any] = json.loads(body)
    if status >= 400:
        raise ApiError(answer["__type"], answer.get("message", ""), status)
    return {key: _moment(value) if key.endswith("Date") else value for key, value in answer.items()}


def _check_trust(context: RequestContext, role: str, parameters: dict[str, Any]) -> None:
    new_arn = f"arn:aws:states:{context.region}:{context.account}:stateMachine:{parameters.get('name')}"
    arn = parameters.get("stateMachineArn", new_arn)
    try:
        permissions.role_session(
            context.endpoint, role, session_name="Create", service=PRINCIPAL, source_arn=arn
        )
    except AssumeRoleRefused as error:
        message = (
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized "
            f"to assume the provided role. ({error.message})"
        )
        raise ApiError("AccessDeniedException", message) from error


def _start_sync(ministack: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    arn = parameters["stateMachineArn"]
    machine = ministack._state_machines.get(arn)
    if machine is None:
        raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    if machine["type"] != "EXPRESS":
        message = "This operation is not supported by this type of state machine"
        raise ApiError("StateMachineTypeNotSupported", message)
    _check_start(parameters.get("name") or "unnamed", parameters.get("input", "{}"))
    return _answer(ministack._start_sync_execution(parameters))


def _redrive(live: LiveExecutions, ministack: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    arn = parameters["executionArn"]
    record = ministack._executions.get(arn)
    if record is None:
        raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    live.redrive(record)
    return {"redriveDate": _moment(record["redriveDate"])}


def _moment(text: str) -> dt.datetime:
    """ministack keeps timestamps as texts."""
    return dt.datetime.fromisoformat(text)


def _not_emulated(operation: str) -> service.Operation:
    def refuse(context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
        raise NotEmulated(service="states", operation=operation)

    return refuse
