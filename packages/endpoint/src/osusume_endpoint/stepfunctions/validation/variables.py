"""Workflow variables: names, and no shadowing of an outer scope.

https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from osusume_endpoint.stepfunctions.validation.report import Report

NAME = re.compile(r"[^\W\d]\w{0,79}")


def check(report: Report, states: Mapping[str, Any], path: str, outer: frozenset[str]) -> frozenset[str]:
    """The variables that states inside of these may read and not assign."""
    own = set()
    for name, state in states.items():
        for variable, where in _assigned(state, f"{path}/States/{name}"):
            own.add(variable)
            fits = NAME.fullmatch(variable) is not None and variable != "states"
            report.expect(fits, f"'{variable}' is no name of a variable", where)
            message = f"The variable '{variable}' is assigned in an outer scope and can't be assigned here"
            report.expect(variable not in outer, message, where)
    return outer | own


def only_caught(states: Mapping[str, Any], name: str) -> frozenset[str]:
    """The variables that catchers of the state assign and nothing else: its inner states may assign them too.

    Recorded in localstack's states_variables/test_error_output.py: PARALLEL_CATCH_ERROR_VARIABLE_SAMPLING.
    """
    own = {variable for variable, where in _assigned(states[name], "") if where.startswith("/Catch")}
    others = [
        variable
        for other, state in states.items()
        for variable, where in _assigned(state, "")
        if other != name or not where.startswith("/Catch")
    ]
    return frozenset(own) - frozenset(others)


def _assigned(state: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    yield from _names(state, path)
    for key in ("Catch", "Choices"):
        rules = state.get(key)
        for place, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, dict):
                yield from _names(rule, f"{path}/{key}[{place}]")


def _names(holder: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    assigned = holder.get("Assign")
    for name in assigned if isinstance(assigned, dict) else {}:
        yield name.removesuffix(".$"), f"{path}/Assign/{name}"
