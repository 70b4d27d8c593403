"""Choice rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions.choice import CONNECTIVES, OPERATORS
from osusume_endpoint.stepfunctions.flows import JSONATA
from osusume_endpoint.stepfunctions.validation.expressions import check_path
from osusume_endpoint.stepfunctions.validation.report import Report, is_number, is_timestamp

RULE = {"Next", "Comment", "Assign"}


def check(report: Report, state: Mapping[str, Any], path: str, language: str) -> None:
    choices = state.get("Choices")
    if not isinstance(choices, list) or not choices:
        report.add("Choices must be a non-empty array", f"{path}/Choices")
        return
    for place, rule in enumerate(choices):
        where = f"{path}/Choices[{place}]"
        report.expect("Next" in rule, 'The field "Next" is required but was missing', where)
        if language == JSONATA:
            _check_jsonata(report, rule, where)
        else:
            _check_rule(report, {key: value for key, value in rule.items() if key not in RULE}, where)


def _check_jsonata(report: Report, rule: Mapping[str, Any], path: str) -> None:
    report.expect("Condition" in rule, 'The field "Condition" is required but was missing', path)
    for name in rule:
        allowed = name in RULE | {"Condition", "Output"}
        report.expect(allowed, f'The field "{name}" is not supported in a JSONata rule', f"{path}/{name}")
    condition = rule.get("Condition")
    is_expression = isinstance(condition, str) and condition.startswith("{%") and condition.endswith("%}")
    fits = isinstance(condition, bool) or is_expression
    report.expect(fits, "Condition must be a JSONata expression or a boolean", f"{path}/Condition")


def _check_rule(report: Report, rule: Any, path: str) -> None:
    connectives = [key for key in rule if key in CONNECTIVES]
    if not connectives:
        _check_comparison(report, {key: rule[key] for key in rule if key != "Comment"}, path)
        return
    name = connectives[0]
    report.expect(len(rule) == 1, f'"{name}" may not stand beside {sorted(set(rule) - {name})}', path)
    if name == "Not":
        _check_rule(report, rule[name], f"{path}/Not")
        return
    if report.expect(
        isinstance(rule[name], list) and bool(rule[name]), f"{name} must be a non-empty array", path
    ):
        for place, inner in enumerate(rule[name]):
            _check_rule(report, inner, f"{path}/{name}[{place}]")


def _check_comparison(report: Report, rule: Mapping[str, Any], path: str) -> None:
    operators = [key for key in rule if key in OPERATORS]
    one = len(operators) == 1
    report.expect(one, f"A rule needs one comparison operator, not {operators or 'none'}", path)
    for key in rule:
        known = key == "Variable" or key in OPERATORS
        report.expect(known, f'The field "{key}" is not supported in a choice rule', f"{path}/{key}")
    if report.expect("Variable" in rule, 'The field "Variable" is required but was missing', path):
        check_path(report, rule["Variable"], f"{path}/Variable")
    if one:
        _check_operand(report, operators[0], rule[operators[0]], f"{path}/{operators[0]}")


def _check_operand(report: Report, operator: str, value: Any, path: str) -> None:
    if operator.endswith("Path"):
        check_path(report, value, path)
    elif operator.startswith(("Is", "Boolean")):
        report.expect(isinstance(value, bool), "must be true or false", path)
    elif operator.startswith("Numeric"):
        report.expect(is_number(value), "must be a number", path)
    elif operator.startswith("Timestamp"):
        report.expect(is_timestamp(value), "must be an RFC 3339 timestamp", path)
    else:
        report.expect(isinstance(value, str), "must be a string", path)
