"""Which fields a state may and must have.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html and the page of each state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions.flows import JSONATA
from osusume_endpoint.stepfunctions.jsonata import expression_in
from osusume_endpoint.stepfunctions.validation.report import Report, is_integer, is_number, is_timestamp

COMMON = {"Type", "Comment", "QueryLanguage"}
TRANSITION = {"Next", "End"}
PATHS = {"InputPath", "OutputPath"}
HANDLERS = {"Retry", "Catch"}
RESULTS = {"ResultSelector", "ResultPath"}
MAP = {
    "ItemProcessor",
    "ItemSelector",
    "MaxConcurrency",
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "Label",
}
TOLERANCE = {"ToleratedFailureCount", "ToleratedFailurePercentage"}
TIMEOUTS = {"TimeoutSeconds", "HeartbeatSeconds"}

JSONPATH_FIELDS: dict[str, set[str]] = {
    "Pass": TRANSITION | PATHS | {"Parameters", "Result", "ResultPath", "Assign"},
    "Task": TRANSITION
    | PATHS
    | RESULTS
    | HANDLERS
    | TIMEOUTS
    | {"Resource", "Parameters", "TimeoutSecondsPath", "HeartbeatSecondsPath", "Credentials", "Assign"},
    "Choice": PATHS | {"Choices", "Default", "Assign"},
    "Wait": TRANSITION | PATHS | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath", "Assign"},
    "Succeed": PATHS,
    "Fail": {"Error", "ErrorPath", "Cause", "CausePath"},
    "Parallel": TRANSITION | PATHS | RESULTS | HANDLERS | {"Branches", "Parameters", "Assign"},
    "Map": TRANSITION
    | PATHS
    | RESULTS
    | HANDLERS
    | MAP
    | TOLERANCE
    | {f"{name}Path" for name in TOLERANCE}
    | {"Iterator", "ItemsPath", "Parameters", "MaxConcurrencyPath", "Assign"},
}
JSONATA_FIELDS: dict[str, set[str]] = {
    "Pass": TRANSITION | {"Output", "Assign"},
    "Task": TRANSITION | HANDLERS | TIMEOUTS | {"Resource", "Arguments", "Credentials", "Output", "Assign"},
    "Choice": {"Choices", "Default", "Output", "Assign"},
    "Wait": TRANSITION | {"Seconds", "Timestamp", "Output", "Assign"},
    "Succeed": {"Output"},
    "Fail": {"Error", "Cause"},
    "Parallel": TRANSITION | HANDLERS | {"Branches", "Arguments", "Output", "Assign"},
    "Map": TRANSITION | HANDLERS | MAP | TOLERANCE | {"Items", "Output", "Assign"},
}
REQUIRED = {"Task": "Resource", "Choice": "Choices", "Parallel": "Branches"}
WAITS = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
EXCLUSIVE = (
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ("ItemSelector", "Parameters"),
    ("ItemProcessor", "Iterator"),
    ("ItemReader", "Items"),
)
# field → (lowest, highest) of a constant
RANGES = {
    "TimeoutSeconds": (1, 99_999_999),
    "HeartbeatSeconds": (1, 99_999_999),
    "Seconds": (0, 99_999_999),
    "MaxConcurrency": (0, 10_000_000),
    "ToleratedFailureCount": (0, 10_000_000),
}


def check(report: Report, state: Mapping[str, Any], path: str, language: str) -> None:
    kind = state["Type"]
    allowed = COMMON | (JSONATA_FIELDS if language == JSONATA else JSONPATH_FIELDS)[kind]
    for name in state:
        message = f'The field "{name}" is not supported in a {kind} state whose QueryLanguage is {language}'
        report.expect(name in allowed, message, f"{path}/{name}")
    if kind in REQUIRED:
        report.expect(
            REQUIRED[kind] in state, f'The field "{REQUIRED[kind]}" is required but was missing', path
        )
    if kind == "Parallel":
        report.expect(state.get("Branches") != [], "Value cannot be empty", f"{path}/Branches")
    if kind == "Wait":
        given = [name for name in WAITS if name in state]
        report.expect(len(given) == 1, f"A Wait state needs exactly one of {', '.join(WAITS)}", path)
        _check_timestamp(report, state, path, language)
    if kind == "Map" and not {"ItemProcessor", "Iterator"} & set(state):
        report.add('The field "ItemProcessor" is required but was missing', path)
    for first, second in EXCLUSIVE:
        if kind == "Map" or first not in ("ItemSelector",):
            both = first in state and second in state
            report.expect(not both, f'"{first}" and "{second}" exclude each other', path)
    _check_numbers(report, state, path, language)


def _check_timestamp(report: Report, state: Mapping[str, Any], path: str, language: str) -> None:
    text = state.get("Timestamp")
    if text is None or (language == JSONATA and expression_in(text) is not None):
        return
    fits = is_timestamp(text)
    report.expect(fits, "String does not match RFC3339 timestamp", f"{path}/Timestamp")


def _check_numbers(report: Report, state: Mapping[str, Any], path: str, language: str) -> None:
    for name, (lowest, highest) in RANGES.items():
        value = state.get(name)
        if value is None or (language == JSONATA and isinstance(value, str)):
            continue
        fits = is_integer(value) and lowest <= value <= highest
        report.expect(fits, f"The value must be an integer from {lowest} to {highest}", f"{path}/{name}")
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if is_integer(timeout) and is_integer(heartbeat):
        report.expect(heartbeat < timeout, "HeartbeatSeconds must be smaller than TimeoutSeconds", path)
    share = state.get("ToleratedFailurePercentage")
    if is_number(share):
        report.expect(
            0 <= share <= 100, "A percentage is from 0 to 100", f"{path}/ToleratedFailurePercentage"
        )
