"""Which variables the states of a definition read: `variableReferences` of DescribeStateMachine.

Held against what AWS answered for localstack's test_sfn_api_variable_references.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from osusume_endpoint.stepfunctions.flows import JSONATA, JSONPATH
from osusume_endpoint.stepfunctions.jsonata import expression_in
from osusume_endpoint.stepfunctions.validation.expressions import LITERAL_FIELDS, NESTED, TEMPLATES
from osusume_endpoint.stepfunctions.validation.report import strings

PATH_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")  # a text inside of an intrinsic function's call
JSONATA_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"' r"|'(?:[^'\\]|\\.)*'|`[^`]*`|/\*.*?\*/", re.DOTALL)
NAME = re.compile(r"(?<![$\w])\$([A-Za-z_]\w*)")
CALLED = re.compile(r"\$[A-Za-z_]\w*\s*\(")
BOUND = re.compile(r"\$([A-Za-z_]\w*)\s*:=|(?:function|λ)\s*\(([^)]*)\)")
# Fields whose objects are templates: in them, only `key.$` is read.
LITERAL = ("Result", *LITERAL_FIELDS, *NESTED)
TEMPLATE_FIELDS = (*TEMPLATES, "BatchInput")


def variable_references(definition: Mapping[str, Any]) -> dict[str, list[str]]:
    """State → its variables in alphabetical order, for the states that read any; inner states by their names."""
    language = definition.get("QueryLanguage", JSONPATH)
    found = {name: sorted(set(_read(state, language))) for name, state in _states(definition)}
    return {name: variables for name, variables in found.items() if variables}


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in machine.get("States", {}).items():
        yield name, state
        for inner in [*state.get("Branches", []), state.get("ItemProcessor", state.get("Iterator", {}))]:
            yield from _states(inner)


def _read(state: Mapping[str, Any], language: str) -> Iterator[str]:
    if state.get("QueryLanguage", language) != JSONATA:
        for path in _paths(state):
            yield from NAME.findall(PATH_TEXT.sub("", path))
        return
    outside = {key: value for key, value in state.items() if key not in (*LITERAL_FIELDS, *NESTED)}
    for text, _ in strings(outside, ""):
        yield from _free(expression_in(text) or "")


def _free(expression: str) -> Iterator[str]:
    """The names in a JSONata expression that it neither calls nor binds itself."""
    bare = JSONATA_TEXT.sub(" ", expression)
    own = {"states"}
    for name, parameters in BOUND.findall(bare):
        own |= {name, *NAME.findall(parameters)}
    yield from (name for name in NAME.findall(CALLED.sub(" (", bare)) if name not in own)


def _paths(holder: Any) -> Iterator[str]:
    """Every path that a state's fields hold, at any depth outside of its literals and inner states."""
    if isinstance(holder, list):
        for item in holder:
            yield from _paths(item)
    for key, value in holder.items() if isinstance(holder, dict) else ():
        if key in TEMPLATE_FIELDS:
            yield from _template_paths(value)
        elif isinstance(value, str) and (key == "Variable" or key.endswith("Path")):
            yield value
        elif key not in LITERAL:
            yield from _paths(value)


def _template_paths(template: Any) -> Iterator[str]:
    if isinstance(template, list):
        for item in template:
            yield from _template_paths(item)
    for key, value in template.items() if isinstance(template, dict) else ():
        if key.endswith(".$") and isinstance(value, str):
            yield value
        else:
            yield from _template_paths(value)
