"""Refuses the definitions that CreateStateMachine and UpdateStateMachine refuse, with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.stepfunctions.integrations import resources
from osusume_endpoint.stepfunctions.integrations.resources import CALLBACK
from osusume_endpoint.stepfunctions.validation import machine
from osusume_endpoint.stepfunctions.validation.json_text import not_json
from osusume_endpoint.stepfunctions.validation.report import (
    INVALID_JSON,
    NOT_EMULATED,
    SCHEMA,
    Problem,
    Report,
)

__all__ = ["NOT_EMULATED", "Problem", "diagnostics", "express_problems", "refusal", "validate", "worded"]

MOST_BYTES = 1024 * 1024
MOST_DIAGNOSTICS = 100
STANDARD, EXPRESS = "STANDARD", "EXPRESS"
NO_OBJECT = "Definition must be a valid JSON object"


def validate(definition: dict[str, Any]) -> list[Problem]:
    """Everything wrong with a definition whose tokens are resolved.

    A problem with the code NOT_EMULATED is right on AWS and can't run locally.
    """
    report = Report()
    if not isinstance(definition, dict):
        return [Problem(SCHEMA, NO_OBJECT, path=None)]
    machine.check(report, definition)
    return report.problems


def express_problems(definition: Mapping[str, Any]) -> list[Problem]:
    """What an EXPRESS state machine may not do: run jobs, wait for callbacks, distribute a Map.

    https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
    """
    report = Report()
    for state, path in _states(definition, ""):
        pattern = resources.parse(state["Resource"]).pattern if state["Type"] == "Task" else None
        message = f"Express state machine does not support '{pattern}' service integration"
        spaced = f"{message} " if pattern == CALLBACK else message  # AWS's own blank, recorded
        report.expect(pattern is None, spaced, f"{path}/Resource")
        config = state.get("ItemProcessor", {}).get("ProcessorConfig", {})
        inline = config.get("Mode") != "DISTRIBUTED"
        report.expect(inline, "Express state machines do not support a Distributed Map", path)
    return report.problems


def _states(holder: Mapping[str, Any], path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    for name, state in holder.get("States", {}).items():
        where = f"{path}/States/{name}"
        yield state, where
        for inner in [*state.get("Branches", []), state.get("ItemProcessor", state.get("Iterator", {}))]:
            yield from _states(inner, where)


def refusal(text: Any) -> str | None:
    """The message of InvalidDefinition, or None for a definition that can be run."""
    problems = problems_of(text)
    return worded(problems) if problems else None


def worded(problems: list[Problem]) -> str:
    return f"Invalid State Machine Definition: '{', '.join(str(problem) for problem in problems)}'"


def problems_of(text: Any) -> list[Problem]:
    if not isinstance(text, str):
        return [Problem(INVALID_JSON, "The definition must be JSON text")]
    if len(text.encode()) > MOST_BYTES:
        return [Problem(INVALID_JSON, f"The definition has more than {MOST_BYTES} bytes")]
    if not text.strip():
        return [Problem(SCHEMA, NO_OBJECT, path=None)]
    try:
        return validate(depth.loads(text))
    except json.JSONDecodeError as error:
        return [not_json(text, error)]


def diagnostics(text: str, *, kind: str = STANDARD, most: int = MOST_DIAGNOSTICS) -> dict[str, Any]:
    """The answer of ValidateStateMachineDefinition.

    Recorded in localstack's test_sfn_api_validation.py; there are no warnings here, so `severity` selects nothing.
    """
    problems = problems_of(text)
    if kind == EXPRESS and not problems:
        problems = express_problems(json.loads(text))
    found = [_diagnostic(problem) for problem in problems]
    return {
        "result": "FAIL" if found else "OK",
        "diagnostics": found[:most],
        "truncated": len(found) > most,
    }


def _diagnostic(problem: Problem) -> dict[str, str]:
    found = {"severity": "ERROR", "code": problem.code, "message": problem.message}
    return found if problem.path is None else {**found, "location": problem.path or "/"}
