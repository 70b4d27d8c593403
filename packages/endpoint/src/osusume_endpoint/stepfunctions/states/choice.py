"""Choice: the first rule that holds. https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions import choice
from osusume_endpoint.stepfunctions.errors import NO_CHOICE_MATCHED, StateError
from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.jsonata_flow import JsonataFlow
from osusume_endpoint.stepfunctions.jsonpath_flow import JsonPathFlow


def run(frame: Frame) -> Outcome:
    flow = frame.flow
    if isinstance(flow, JsonataFlow):
        return _jsonata(frame, flow)
    assert isinstance(flow, JsonPathFlow)
    return _jsonpath(frame, flow)


def _jsonata(frame: Frame, flow: JsonataFlow) -> Outcome:
    for rule in frame.state["Choices"]:
        if _condition(frame, flow, rule):
            return flow.handed_on(rule, default=frame.raw).then(rule["Next"])
    # The state's own Output and Assign belong to the default.
    return flow.handed_on(frame.state, default=frame.raw).then(_default(frame))


def _condition(frame: Frame, flow: JsonataFlow, rule: Mapping[str, Any]) -> bool:
    value = flow.evaluate(rule["Condition"], "Condition")
    if not isinstance(value, bool):
        raise frame.unexpected("Condition", "boolean", value)
    return value


def _jsonpath(frame: Frame, flow: JsonPathFlow) -> Outcome:
    effective = flow.effective_input()
    for rule in frame.state["Choices"]:
        if choice.matches(rule, lambda path: flow.resolve(path, effective)):
            outcome = Outcome(flow.passed().output, flow.assigned_by(rule, effective))
            return outcome.then(rule["Next"])
    return flow.passed().then(_default(frame))


def _default(frame: Frame) -> str:
    if "Default" not in frame.state:
        raise StateError(
            NO_CHOICE_MATCHED,
            f"Failed to transition out of the state '{frame.name}'. The state "
            "does not point to a next state.",
        )
    return str(frame.state["Default"])
