"""Executions: start, stop, describe, list, redrive, read their history.

Recorded in localstack's test_sfn_api.py, test_sfn_api_express.py and test_sfn_api_aliasing.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint.errors import ApiError, NotEmulated
from osusume_endpoint.replacements import replaces
from osusume_endpoint.service import Operation
from osusume_endpoint.stepfunctions import arns
from osusume_endpoint.stepfunctions.api import aliases, configuration, inputs, pages
from osusume_endpoint.stepfunctions.api.answers import Function, Response, answer, refusal
from osusume_endpoint.stepfunctions.api.store import Store, moment, revision
from osusume_endpoint.stepfunctions.live import LiveExecutions, redrive_fields
from osusume_endpoint.stepfunctions.results import RUNNING

EXPRESS = "EXPRESS"
# Billed in steps: https://aws.amazon.com/step-functions/pricing/
BILLED_MILLISECONDS, BILLED_MEGABYTES = 100, 64
LISTED = ("executionArn", "stateMachineArn", "name", "status", "mapRunArn")
QUALIFIED = ("stateMachineVersionArn", "stateMachineAliasArn")
DATES = ("startDate", "stopDate", "redriveDate")


def operations(store: Store, live: LiveExecutions) -> dict[str, Operation]:
    return {
        "StartExecution": lambda context, p: answer(store.ministack._start_execution(p)),
        "StartSyncExecution": lambda context, p: _start_sync(p, store, live),
        "StopExecution": lambda context, p: answer(store.ministack._stop_execution(p)),
        "DescribeExecution": lambda context, p: _describe(p, store),
        "ListExecutions": lambda context, p: _list(p, store),
        "GetExecutionHistory": lambda context, p: _history(p, store),
        "RedriveExecution": lambda context, p: _redrive(p, store, live),
        "ListMapRuns": lambda context, p: _map_runs(p, store),
        "DescribeMapRun": lambda context, p: _map_run(p, store),
    }


@replaces("ministack.services.stepfunctions:_start_execution", takes="data")
def _starting(live: LiveExecutions) -> Function:
    """EventBridge, Pipes and the API start executions alike."""
    store = Store(live.ministack)

    def start_execution(data: dict[str, Any]) -> Response:
        try:
            record, is_new = _record(store, data)
        except ApiError as error:
            return refusal(live.ministack, error)
        if is_new:
            live.ministack._emit_execution_status_event(record)
            live.start(record["executionArn"])
        started: Response = live.ministack.json_response(
            {"executionArn": record["executionArn"], "startDate": record["startDate"]}
        )
        return started

    return start_execution


@replaces("ministack.services.stepfunctions:_stop_execution", takes="data")
def _stopping(live: LiveExecutions) -> Function:
    """One that has ended already stays as it ended."""
    store = Store(live.ministack)

    def stop_execution(data: dict[str, Any]) -> Response:
        arn = data.get("executionArn", "")
        try:
            record = store.execution(arn)
            _check_stoppable(record)
        except ApiError as error:
            return refusal(live.ministack, error)
        live.stop(arn, error=data.get("error"), cause=data.get("cause"))
        stopped: Response = live.ministack.json_response({"stopDate": record["stopDate"]})
        return stopped

    return stop_execution


def _check_stoppable(record: Mapping[str, Any]) -> None:
    if record.get("mapRunArn"):
        raise NotEmulated(service="states", operation="StopExecution of a Map Run's child")


def _record(store: Store, data: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The execution's record, made unless the same execution is running already."""
    requested = data.get("stateMachineArn", "")
    arns.check(requested, kind="stateMachine")
    machine = store.machine_of(requested)
    name, text = data.get("name") or store.ministack.new_uuid(), data.get("input", "{}")
    inputs.check(name, text)
    arn = _execution_arn(store, machine, name)
    known = store.executions.get(arn)
    if known is not None:
        return _same_execution(known, text), False
    record = {
        **_new_record(store, machine, text),
        **_qualifiers(store, requested),
        "executionArn": arn,
        "name": name,
    }
    store.executions[arn] = record
    return record, True


def _execution_arn(store: Store, machine: Mapping[str, Any], name: str) -> str:
    """An express machine may run one name as often as one likes: its executions' ARNs end in an id of their own."""
    machine_arn = machine["stateMachineArn"]
    if machine["type"] == EXPRESS:
        return f"{machine_arn.replace(':stateMachine:', ':express:')}:{name}:{store.ministack.new_uuid()}"
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _qualifiers(store: Store, requested: str) -> dict[str, str]:
    version = aliases.version_for(store, requested)
    found = {"stateMachineVersionArn": version} if version else {}
    return found | ({"stateMachineAliasArn": requested} if requested in store.aliases else {})


def _same_execution(known: dict[str, Any], text: str) -> dict[str, Any]:
    """StartExecution is idempotent while the execution of that name and input runs."""
    if known["status"] == RUNNING and known["input"] == text:
        return known
    raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{known['executionArn']}'")


def _new_record(store: Store, machine: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {
        "stateMachineArn": machine["stateMachineArn"],
        "revision": revision(machine),
        "status": RUNNING,
        "startDate": store.ministack.now_iso(),
        "stopDate": None,
        "input": text,
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": {"included": True},
        "encryptionConfiguration": machine.get("encryptionConfiguration"),
        "sync": machine["type"] == EXPRESS,  # ministack's name for executions that tell EventBridge nothing
        "events": [],
    }


def _start_sync(parameters: dict[str, Any], store: Store, live: LiveExecutions) -> dict[str, Any]:
    if store.machine_of(parameters["stateMachineArn"])["type"] != EXPRESS:
        raise _wrong_type()
    record, _ = _record(store, parameters)
    record["isAnswered"] = True
    live.run(record["executionArn"])
    return {**_described(record, parameters), "billingDetails": _billed(record)} | (
        {"outputDetails": {"included": parameters.get("includedData") != configuration.METADATA_ONLY}}
    )


def _wrong_type() -> ApiError:
    message = "This operation is not supported by this type of state machine"
    return ApiError("StateMachineTypeNotSupported", message)


def _billed(record: Mapping[str, Any]) -> dict[str, int]:
    milliseconds = (moment(record["stopDate"]) - moment(record["startDate"])).total_seconds() * 1000
    steps = max(1, math.ceil(milliseconds / BILLED_MILLISECONDS))
    return {
        "billedDurationInMilliseconds": steps * BILLED_MILLISECONDS,
        "billedMemoryUsedInMB": BILLED_MEGABYTES,
    }


def _described(record: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The record's members in the API; input and output unless only metadata is asked for."""
    included = parameters.get("includedData") != configuration.METADATA_ONLY
    found = {key: record.get(key) for key in (*LISTED, *QUALIFIED, "error", "cause")}
    found |= {key: moment(record[key]) for key in DATES if record.get(key)}
    for name in ("input", "output"):
        if record.get(name) is not None:
            found |= {f"{name}Details": {"included": included}, **({name: record[name]} if included else {})}
    return {key: value for key, value in found.items() if value is not None}


def _describe(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    record = store.execution(parameters["executionArn"])
    redrive = {key: value for key, value in redrive_fields(record).items() if key not in DATES}
    return {**_described(record, parameters), **redrive}


def _list(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    wanted = [_of_parent(parameters, store), *_filters(parameters)]
    found, rest = pages.page(
        [record for record in store.executions.values() if all(fits(record) for fits in wanted)],
        parameters,
        of="executions",
        order=lambda record: (_last_date(record), record["executionArn"]),
        newest_first=True,
    )
    return {"executions": [_listed(record) for record in found], **rest}


def _last_date(record: Mapping[str, Any]) -> str:
    """Running executions are sorted by when they started or were redriven, others by when they stopped."""
    return str(record.get("stopDate") or record.get("redriveDate") or record["startDate"])


def _listed(record: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: record[key] for key in (*LISTED, *QUALIFIED) if record.get(key)}
    dates = {key: moment(record[key]) for key in DATES if record.get(key)}
    return {**found, **dates, "redriveCount": record.get("redriveCount", 0)}


Fits = Callable[[Mapping[str, Any]], bool]


def _of_parent(parameters: Mapping[str, Any], store: Store) -> Fits:
    """Whether an execution is of a state machine, one of its versions or aliases, or of a Map Run."""
    machine_arn, run_arn = parameters.get("stateMachineArn", ""), parameters.get("mapRunArn", "")
    if bool(machine_arn) == bool(run_arn):
        message = "Must provide exactly one of the parameters: [stateMachineArn, mapRunArn]"
        raise ApiError("ValidationException", message)
    if run_arn:
        _run(store, run_arn)
        return lambda record: record.get("mapRunArn") == run_arn
    if store.machine_of(machine_arn)["type"] == EXPRESS:
        raise _wrong_type()
    if machine_arn in store.machines:
        return lambda record: record["stateMachineArn"] == machine_arn and not record.get("mapRunArn")
    return lambda record: machine_arn in [record.get(key) for key in QUALIFIED]


def _filters(parameters: Mapping[str, Any]) -> list[Fits]:
    status, redriven = parameters.get("statusFilter"), parameters.get("redriveFilter")
    found: list[Fits] = []
    if status:
        found.append(lambda record: record["status"] == status)
    if redriven:
        found.append(lambda record: bool(record.get("redriveCount")) == (redriven == "REDRIVEN"))
    return found


def _history(parameters: dict[str, Any], store: Store) -> dict[str, Any]:
    store.execution(parameters["executionArn"])
    try:
        return answer(store.ministack._get_execution_history(parameters))
    except ApiError as error:
        raise pages.invalid_token() if error.code == "InvalidToken" else error from error


def _redrive(parameters: Mapping[str, Any], store: Store, live: LiveExecutions) -> dict[str, Any]:
    record = store.execution(parameters["executionArn"])
    live.redrive(record)
    return {"redriveDate": moment(record["redriveDate"])}


def _map_runs(parameters: dict[str, Any], store: Store) -> dict[str, Any]:
    store.execution(parameters["executionArn"])
    found, rest = pages.page(
        answer(store.ministack._list_map_runs(parameters))["mapRuns"],
        parameters,
        of="map runs",
        order=lambda run: (run["startDate"].isoformat(), run["mapRunArn"]),
        newest_first=True,
    )
    return {"mapRuns": found, **rest}


def _map_run(parameters: dict[str, Any], store: Store) -> dict[str, Any]:
    _run(store, parameters["mapRunArn"])
    return answer(store.ministack._describe_map_run(parameters))


def _run(store: Store, arn: str) -> None:
    if arn not in store.ministack._map_runs:
        raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'")
