"""What TestState shows of a state's data flow at the levels DEBUG and TRACE.

Which stages are shown of which state is recorded in localstack's test_state/test_test_state_scenarios.py,
test_test_state_mock_scenarios.py and test_state_configuration.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from osusume_endpoint.stepfunctions.errors import StateError
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.history import details_key
from osusume_endpoint.stepfunctions.jsonpath_flow import JsonPathFlow
from osusume_endpoint.stepfunctions.mocks import array_of
from osusume_endpoint.stepfunctions.payloads import dumps

Stage = tuple[str, Callable[[], Any]]
NOTHING = object()


def data(frame: Frame, mock: Mapping[str, Any] | None, *, is_done: bool) -> dict[str, Any]:
    """`is_done` is false of a state that failed: it has no stages after its work."""
    found = {"input": dumps(frame.raw)}
    if frame.scope.variables:
        found["variables"] = dumps(frame.scope.variables)
    try:
        for name, value in _stages(frame, _result(frame, mock) if is_done else NOTHING):
            found[name] = value()
    except StateError:
        pass  # the stage that failed the state, and those after it, have nothing to show
    return found


def _result(frame: Frame, mock: Mapping[str, Any] | None) -> Any:
    """The result of a state's work; NOTHING of a state without one."""
    if mock is not None:
        return json.loads(mock.get("result", "null"))
    if frame.state["Type"] == "Pass" and not frame.jsonata:
        return frame.state["Result"] if "Result" in frame.state else frame.flow.arguments()
    for event in reversed(frame.scope.trail.history.events):
        if event["type"] in ("TaskSucceeded", "LambdaFunctionSucceeded"):
            return json.loads(event[details_key(event["type"])]["output"])
    return NOTHING


def _stages(frame: Frame, result: Any) -> Iterator[Stage]:
    flow, kind = frame.flow, frame.state["Type"]
    if isinstance(flow, JsonPathFlow):
        yield from _before(frame, flow)
    elif kind == "Task" and "Arguments" in frame.state:
        yield "afterArguments", lambda: dumps(flow.arguments())
    if kind == "Map":
        yield from _of_map(frame)
    if result is NOTHING:
        return
    if kind == "Task" or "Result" in frame.state:
        yield "result", lambda: dumps(result)
    if isinstance(flow, JsonPathFlow):
        yield "afterResultSelector", lambda: dumps(flow.selected(result))
        yield "afterResultPath", lambda: dumps(flow.combined(flow.selected(result)))


def _before(frame: Frame, flow: JsonPathFlow) -> Iterator[Stage]:
    """Up to the work. A Pass state with a Result of its own and a Parallel state show nothing of it."""
    kind = frame.state["Type"]
    if kind == "Parallel" or "Result" in frame.state:
        return
    yield "afterInputPath", lambda: dumps(flow.effective_input())
    if kind in ("Pass", "Task"):
        yield "afterParameters", lambda: dumps(flow.arguments())
    if kind == "Map" and "ItemReader" not in frame.state:
        yield "afterItemsPath", lambda: dumps([item.context["Item"]["Value"] for item in array_of(frame)])


def _of_map(frame: Frame) -> Iterator[Stage]:
    yield "maxConcurrency", lambda: frame.count("MaxConcurrency")
    if frame.flow.value("ToleratedFailureCount") is not None:
        yield "toleratedFailureCount", lambda: frame.count("ToleratedFailureCount")
    if frame.flow.value("ToleratedFailurePercentage") is not None:
        yield "toleratedFailurePercentage", lambda: float(frame.number("ToleratedFailurePercentage") or 0)
    if ("ItemSelector" in frame.state or "Parameters" in frame.state) and "ItemReader" not in frame.state:
        yield "afterItemSelector", lambda: dumps([item.value for item in array_of(frame)])
