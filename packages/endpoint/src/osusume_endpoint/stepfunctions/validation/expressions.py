"""JSONPaths, intrinsic functions, payload templates and JSONata expressions of a state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions import intrinsics, jsonata, jsonpath
from osusume_endpoint.stepfunctions.jsonpath_flow import VARIABLE
from osusume_endpoint.stepfunctions.validation.report import JSONATA as JSONATA_CODE
from osusume_endpoint.stepfunctions.validation.report import Report, strings

NULLABLE_PATHS = ("InputPath", "OutputPath")
PATH_FIELDS = (
    "ItemsPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "ErrorPath",
    "CausePath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
)
TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials")
LITERAL_FIELDS = ("Comment", "Type", "Resource", "Next", "QueryLanguage", "Default")
# Fields with states or rules of their own are visited on their own.
NESTED = ("Branches", "ItemProcessor", "Iterator")
RESULT = re.compile(r"\$states\.result\b")
ERROR_OUTPUT = re.compile(r"\$states\.errorOutput\b")
STATES_MEMBER = re.compile(r"\$states\.(\w+)")
STATES_MEMBERS = ("input", "result", "errorOutput", "context")


def check_jsonpath(report: Report, state: Mapping[str, Any], path: str) -> None:
    for name in NULLABLE_PATHS:
        if state.get(name) is not None:
            check_path(report, state[name], f"{path}/{name}")
    for name in PATH_FIELDS:
        if name in state:
            check_path(report, state[name], f"{path}/{name}")
    for holder, where in _holders(state, path):
        if holder.get("ResultPath") is not None:
            check_reference(report, holder["ResultPath"], f"{where}/ResultPath")
        for name in TEMPLATES:
            if name in holder:
                check_template(report, holder[name], f"{where}/{name}")


def _holders(state: Mapping[str, Any], path: str) -> list[tuple[Mapping[str, Any], str]]:
    holders = [(state, path)]
    for name in ("Catch", "Choices"):
        rules = state.get(name)
        for place, rule in enumerate(rules if isinstance(rules, list) else []):
            holders.append((rule, f"{path}/{name}[{place}]"))
    for name in ("ItemReader", "ResultWriter"):
        if isinstance(state.get(name), dict):
            holders.append((state[name], f"{path}/{name}"))
    return holders


def check_path(report: Report, text: Any, path: str) -> None:
    """A JSONPath, a context or variable path, or an intrinsic call."""
    if not isinstance(text, str):
        report.add("must be a JSONPath", path)
        return
    try:
        _parse(text)
    except ValueError as error:
        report.add(str(error), path)


def _parse(text: str) -> None:
    if intrinsics.is_call(text):
        for argument in _path_arguments(intrinsics.parse(text)):
            _parse(argument)
        return
    if match := VARIABLE.fullmatch(text):
        text = f"${match[2]}"
    jsonpath.parse(text[1:] if text.startswith("$$") else text)


def _path_arguments(call: intrinsics.Call) -> list[str]:
    found = []
    for argument in call.arguments:
        if isinstance(argument, intrinsics.Call):
            found += _path_arguments(argument)
        elif isinstance(argument, intrinsics.PathArgument):
            found.append(argument.text)
    return found


def check_reference(report: Report, text: Any, path: str) -> None:
    try:
        fits = isinstance(text, str) and not text.startswith("$$") and jsonpath.is_reference(text)
    except ValueError:
        fits = False
    report.expect(fits, f"{text!r} is not a reference path: it must name one node of the input", path)


def check_template(report: Report, template: Any, path: str) -> None:
    if isinstance(template, list):
        for place, item in enumerate(template):
            check_template(report, item, f"{path}[{place}]")
    if not isinstance(template, dict):
        return
    for key, value in template.items():
        if key.endswith(".$"):
            check_path(report, value, f"{path}/{key}")
        else:
            check_template(report, value, f"{path}/{key}")


def check_jsonata(report: Report, state: Mapping[str, Any], path: str) -> None:
    for key, value in state.items():
        if key in LITERAL_FIELDS or key in NESTED:
            continue
        for text, where in strings(value, f"{path}/{key}"):
            _check_expression(report, text, where)


def _check_expression(report: Report, text: str, path: str) -> None:
    expression = jsonata.expression_in(text)
    if expression is None:
        return  # a literal, whatever it looks like
    error = jsonata.syntax_error(expression)
    report.expect(error is None, f"{expression!r}: {error}", path, code=JSONATA_CODE)
    _check_states_variable(report, expression, path)


def _check_states_variable(report: Report, expression: str, path: str) -> None:
    """$states.result exists once there is a result, $states.errorOutput in a Catch."""
    caught, handed_on = "/Catch[" in path, re.search(r"/(Output|Assign)\b", path) is not None
    for member in STATES_MEMBER.findall(expression):
        known = member in STATES_MEMBERS
        report.expect(known, f"$states has no member '{member}'", path, code=JSONATA_CODE)
    if RESULT.search(expression):
        message = "$states.result is only available in Output and Assign of a state with a result"
        report.expect(handed_on and not caught, message, path, code=JSONATA_CODE)
    if ERROR_OUTPUT.search(expression):
        message = "$states.errorOutput is only available in Output and Assign of a Catch"
        report.expect(handed_on and caught, message, path, code=JSONATA_CODE)
