"""Mocked results, errors and contexts of TestState: what may be mocked, and what comes of it.

Rules and wordings are recorded in localstack's test_state/test_state_mock_validation.py,
test_state_context_object.py and test_state_configuration.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.errors import ApiError
from osusume_endpoint.stepfunctions.errors import (
    EXCEED_TOLERATED_FAILURE_THRESHOLD,
    RUNTIME,
    DeclaredError,
    StateError,
)
from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.integrations import resources
from osusume_endpoint.stepfunctions.map_run import Tolerance
from osusume_endpoint.stepfunctions.mock_schema import check_result
from osusume_endpoint.stepfunctions.states.map_items import Item, items_of

MOCKED = ("Task", "Map", "Parallel")
# Members of a context object: str is a text, int a number, object anything.
CONTEXT: Mapping[str, Mapping[str, type]] = {
    "Execution": {
        "Id": str,
        "Input": object,
        "Name": str,
        "RoleArn": str,
        "StartTime": str,
        "RedriveCount": int,
        "RedriveTime": str,
    },
    "State": {"EnteredTime": str, "Name": str, "RetryCount": int},
    "StateMachine": {"Id": str, "Name": str},
    "Task": {"Token": str},
}
WORDS = {str: "a string", int: "a number"}


def check(state: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Raises ValidationException for a mock that the state, or the other parameters, don't go with."""
    mock, configuration = parameters.get("mock"), parameters.get("stateConfiguration", {})
    if mock is None:
        _check_without(parameters, configuration)
        return
    if state["Type"] not in MOCKED:
        raise _invalid(f"State type '{state['Type']}' is not supported when a mock is specified")
    if "result" in mock and "errorOutput" in mock:
        raise _invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    if parameters.get("revealSecrets"):
        raise _invalid("TestState does not support RevealSecrets when a mock is specified.")
    if "context" in parameters:
        _check_context(state, parameters["context"])
    if "result" in mock:
        _check_result(state, mock, configuration)


def _check_without(parameters: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
    given = {"Context": parameters.get("context")}
    given |= {key[:1].upper() + key[1:]: value for key, value in configuration.items()}
    for name, value in given.items():
        if value is not None:
            raise _invalid(f"TestState does not support {name} when a mock is not specified.")


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def _check_result(
    state: Mapping[str, Any], mock: Mapping[str, Any], configuration: Mapping[str, Any]
) -> None:
    try:
        result = depth.loads(mock["result"])
    except json.JSONDecodeError as error:
        raise _invalid("Mocked result must be valid JSON") from error
    if state["Type"] == "Task":
        check_result(state, result, mode=mock.get("fieldValidationMode", "STRICT"))
    elif "ResultWriter" in state:
        _check(isinstance(result, dict), "Mocked result must be a JSON object.")
    else:
        _check(isinstance(result, list), "Mocked result must be an array.")
        _check_length(state, result, int(configuration.get("mapIterationFailureCount", 0)))


def _check_length(state: Mapping[str, Any], result: list[Any], failures: int) -> None:
    if state["Type"] == "Parallel":
        message = "Mocked result must contain the same number of items as number of Parallel branches."
        _check(len(result) == len(state["Branches"]), message)
    message = "Map iteration failure count must be less than or equal to the number of Map iterations"
    _check(failures <= len(result), message)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise _invalid(message)


def _check_context(state: Mapping[str, Any], text: str) -> None:
    def fits(holds: bool, what: str) -> None:
        _check(holds, f"Invalid Context object provided: {what}")

    try:
        given = depth.loads(text)
    except json.JSONDecodeError as error:
        raise _invalid(f"Invalid Context object provided: {error}") from error
    fits(isinstance(given, dict), "Context must be a JSON object")
    fits("Map" not in given, "'Map' field is not supported when mocking a Context object")
    for name, members in given.items():
        fits(name in CONTEXT, f"Field '{name}' is not allowed")
        fits(isinstance(members, dict), f"{name} must be a JSON object")
        for key, value in members.items():
            wanted = CONTEXT[name].get(key)
            fits(wanted is not None, f"Field '{key}' is not allowed")
            fits(isinstance(value, wanted or object), f"{name}.{key} must be {WORDS.get(wanted or object)}")
    message = "Context object contains 'Task' when state is not a Task state with a '.sync' or "
    fits("Task" not in given or _waits(state), message + "'.waitForTaskToken' service integration pattern")


def _waits(state: Mapping[str, Any]) -> bool:
    return state["Type"] == "Task" and resources.parse(state["Resource"]).pattern is not None


def outcome(frame: Frame, mock: Mapping[str, Any], configuration: Mapping[str, Any]) -> Outcome:
    """What the state hands on after its mocked work. Raises StateError."""
    _prepare(frame)
    if "errorOutput" in mock:
        raise StateError(mock["errorOutput"].get("error"), mock["errorOutput"].get("cause"))
    result = json.loads(mock.get("result", "null"))
    if frame.state["Type"] == "Map":
        _check_tolerance(frame, result, int(configuration.get("mapIterationFailureCount", 0)))
    return frame.flow.completed(result)


def _prepare(frame: Frame) -> None:
    """What is evaluated, and may fail, before the mocked work."""
    if frame.state["Type"] != "Map":
        frame.flow.arguments()
    elif "ItemReader" not in frame.state:
        array_of(frame)


def array_of(frame: Frame) -> list[Item]:
    """The items of a Map state. In a test of one state they can't be the members of an object (recorded)."""
    if not frame.jsonata and not isinstance(_items(frame), list):
        path = str(frame.state.get("ItemsPath", "$")).removeprefix("$$")
        shown = path if path.startswith("$") else f"${path}"
        # Declared: AWS says nothing of the state here.
        raise DeclaredError(RUNTIME, f'Reference path "{shown}" must point to array.')
    return items_of(frame)


def _items(frame: Frame) -> Any:
    return frame.flow.value("Items") if "ItemsPath" in frame.state else frame.flow.effective_input()


def _check_tolerance(frame: Frame, result: Any, failures: int) -> None:
    count, percentage = frame.number("ToleratedFailureCount"), frame.number("ToleratedFailurePercentage")
    if count is None and percentage is None:
        return  # recorded: without a tolerance, failed iterations are part of the mocked result
    tolerance = Tolerance(None if count is None else int(count), percentage)
    total = len(result) if isinstance(result, list) else failures
    if tolerance.exceeded(failed=failures, total=max(total, 1)):
        cause = "The specified tolerated failure threshold was exceeded"
        raise StateError(EXCEED_TOLERATED_FAILURE_THRESHOLD, cause)
