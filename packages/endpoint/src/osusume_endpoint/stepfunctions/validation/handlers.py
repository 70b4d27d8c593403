"""Retry and Catch. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions import errors
from osusume_endpoint.stepfunctions.flows import JSONATA
from osusume_endpoint.stepfunctions.validation.report import Report, is_integer, is_number

RESERVED = {
    value for name, value in vars(errors).items() if name.isupper() and str(value).startswith("States.")
} | {"States.BranchFailed", "States.Http.Socket"}
RETRIER = {
    "ErrorEquals",
    "IntervalSeconds",
    "MaxAttempts",
    "BackoffRate",
    "MaxDelaySeconds",
    "JitterStrategy",
    "Comment",
}
CATCHER = {
    JSONATA: {"ErrorEquals", "Next", "Output", "Assign", "Comment"},
    "JSONPath": {"ErrorEquals", "Next", "ResultPath", "Assign", "Comment"},
}
MOST_ATTEMPTS = 99_999_999
LONGEST_DELAY = 31_622_400


def check(report: Report, state: Mapping[str, Any], path: str, language: str) -> None:
    for key, allowed in (("Retry", RETRIER), ("Catch", CATCHER[language])):
        rules = state.get(key, [])
        if not isinstance(rules, list):
            report.add(f"{key} must be an array", f"{path}/{key}")
            continue
        for place, rule in enumerate(rules):
            where = f"{path}/{key}[{place}]"
            for name in rule:
                report.expect(name in allowed, f'The field "{name}" is not supported', f"{where}/{name}")
            _check_names(report, rule, where, last=place == len(rules) - 1)
            if key == "Retry":
                _check_retrier(report, rule, where)
            else:
                report.expect("Next" in rule, 'The field "Next" is required but was missing', where)


def _check_names(report: Report, rule: Mapping[str, Any], path: str, *, last: bool) -> None:
    names = rule.get("ErrorEquals")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        report.add("ErrorEquals must be a non-empty array of error names", f"{path}/ErrorEquals")
        return
    if errors.ALL in names:
        alone = len(names) == 1 and last
        report.expect(alone, "States.ALL must appear alone and in the last rule", f"{path}/ErrorEquals")
    for name in names:
        unknown = name.startswith("States.") and name not in RESERVED
        report.expect(not unknown, f"'{name}' is no error of the language", f"{path}/ErrorEquals")


def _check_retrier(report: Report, rule: Mapping[str, Any], path: str) -> None:
    interval = rule.get("IntervalSeconds", 1)
    report.expect(
        is_integer(interval) and interval >= 1, "must be a positive integer", f"{path}/IntervalSeconds"
    )
    attempts = rule.get("MaxAttempts", 0)
    fits = is_integer(attempts) and 0 <= attempts <= MOST_ATTEMPTS
    report.expect(fits, f"must be an integer from 0 to {MOST_ATTEMPTS}", f"{path}/MaxAttempts")
    rate = rule.get("BackoffRate", 1)
    report.expect(is_number(rate) and rate >= 1, "must be a number of at least 1.0", f"{path}/BackoffRate")
    jitter = rule.get("JitterStrategy", "NONE")
    report.expect(jitter in ("FULL", "NONE"), "must be FULL or NONE", f"{path}/JitterStrategy")
    if "MaxDelaySeconds" in rule:
        delay = rule["MaxDelaySeconds"]
        fits = is_integer(delay) and is_integer(interval) and interval < delay < LONGEST_DELAY
        message = f"must be an integer above IntervalSeconds and below {LONGEST_DELAY}"
        report.expect(fits, message, f"{path}/MaxDelaySeconds")
