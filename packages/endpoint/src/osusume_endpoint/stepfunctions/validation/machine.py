"""A state machine, or the states of a branch or item processor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from osusume_endpoint.stepfunctions.flows import JSONATA, JSONPATH
from osusume_endpoint.stepfunctions.validation import (
    choices,
    expressions,
    fields,
    handlers,
    maps,
    resources,
    transitions,
    variables,
)
from osusume_endpoint.stepfunctions.validation.report import DUPLICATE_NAME, Report

# In the order in which AWS lists them.
TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
LONGEST_NAME = 80
TOP_FIELDS = {"Comment", "StartAt", "States", "QueryLanguage", "TimeoutSeconds", "Version"}
INNER_FIELDS = {"Comment", "StartAt", "States", "ProcessorConfig"}


@dataclass(frozen=True)
class Surroundings:
    language: str = JSONPATH
    outer_variables: frozenset[str] = frozenset()
    names: set[str] = field(default_factory=set)


def check(report: Report, machine: Mapping[str, Any]) -> None:
    language = machine.get("QueryLanguage", JSONPATH)
    if not report.expect(language in (JSONPATH, JSONATA), "must be JSONPath or JSONata", "/QueryLanguage"):
        return
    version = machine.get("Version", "1.0")
    report.expect(version == "1.0", f"Version must be 1.0, not {version}", "/Version")
    check_states(report, machine, "", Surroundings(language), allowed=TOP_FIELDS)


def check_states(
    report: Report, machine: Any, path: str, around: Surroundings, *, allowed: set[str] = INNER_FIELDS
) -> None:
    if not _has_states(report, machine, path):
        return
    for name in machine:
        report.expect(name in allowed, f'The field "{name}" is not supported', f"{path}/{name}")
    transitions.check(report, machine, path)
    inner = variables.check(report, machine["States"], path, around.outer_variables)
    for name, state in machine["States"].items():
        where = f"{path}/States/{name}"
        _check_name(report, name, where, around.names)
        outer = around.outer_variables | (inner - variables.only_caught(machine["States"], name))
        check_state(report, state, where, replace(around, outer_variables=outer))


def _has_states(report: Report, machine: Any, path: str) -> bool:
    if not isinstance(machine, dict):
        report.add("must be an object with StartAt and States", path)
        return False
    missing = [name for name in ("States", "StartAt") if name not in machine]
    if missing:
        report.add(f"These fields are required: [{', '.join(missing)}]", path)
        return False
    states = machine["States"]
    if not isinstance(states, dict) or not states:
        report.add("States must be an object with at least one state", f"{path}/States")
        return False
    broken = [
        name
        for name, state in states.items()
        if not isinstance(state, dict) or state.get("Type") not in TYPES
    ]
    for name in broken:
        message = f"The field 'Type' should have one of these values: [{', '.join(TYPES)}]"
        report.add(message, f"{path}/States/{name}/Type")
    return not broken


def _check_name(report: Report, name: str, path: str, names: set[str]) -> None:
    report.expect(len(name) <= LONGEST_NAME, f"A state name has at most {LONGEST_NAME} characters", path)
    report.expect(name not in names, f"Duplicate State name: {name}", path, code=DUPLICATE_NAME)
    names.add(name)


def check_state(report: Report, state: Mapping[str, Any], path: str, around: Surroundings) -> None:
    language = state.get("QueryLanguage", around.language)
    if not report.expect(
        language in (JSONPATH, JSONATA), "must be JSONPath or JSONata", f"{path}/QueryLanguage"
    ):
        return
    mixed = around.language == JSONATA and language != JSONATA
    message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
    if not report.expect(not mixed, message, path):
        return
    fields.check(report, state, path, language)
    handlers.check(report, state, path, language)
    _check_kind(report, state, path, language)
    if language == JSONATA:
        expressions.check_jsonata(report, state, path)
    else:
        expressions.check_jsonpath(report, state, path)
    for machine, where in _inner(state, path):
        check_states(report, machine, where, _inside(around, state))


def _check_kind(report: Report, state: Mapping[str, Any], path: str, language: str) -> None:
    kinds = {"Choice": choices.check, "Task": resources.check, "Map": maps.check}
    if state["Type"] in kinds:
        kinds[state["Type"]](report, state, path, language)


def _inner(state: Mapping[str, Any], path: str) -> Iterator[tuple[Any, str]]:
    if state["Type"] == "Parallel":
        branches = state.get("Branches")
        for place, branch in enumerate(branches if isinstance(branches, list) else []):
            yield branch, f"{path}/Branches[{place}]"
    elif state["Type"] == "Map":
        name = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
        if name in state:
            yield state[name], f"{path}/{name}"


def _inside(around: Surroundings, state: Mapping[str, Any]) -> Surroundings:
    """A Distributed Map's states are executions of their own: they see no outer variables."""
    if state["Type"] == "Map" and maps.is_distributed(state):
        return replace(around, outer_variables=frozenset())
    return around
