"""Reads a function's environment into its one frozen type."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar, get_type_hints

Environment = TypeVar("Environment")


class EnvironmentInvalid(RuntimeError):
    """Names every variable that is missing or can't be read, with the cure."""


def read(kind: type[Environment], variables: Mapping[str, str] | None = None) -> Environment:
    """A variable is its field's name in upper case. `list` and `dict` fields are JSON."""
    given = os.environ if variables is None else variables
    hints, problems, values = get_type_hints(kind), [], {}
    for field in fields(kind):  # type: ignore[arg-type]
        try:
            values[field.name] = _value(field, hints[field.name], given)
        except ValueError as error:
            problems.append(f"{field.name.upper()}: {error}")
    if problems:
        raise EnvironmentInvalid("\n".join(["set these variables of the function:", *problems]))
    return kind(**values)


def _value(field: Field[Any], hint: Any, given: Mapping[str, str]) -> Any:
    text = given.get(field.name.upper())
    if text is None:
        if field.default is MISSING:
            raise ValueError("missing")
        return field.default
    if text == "" and field.default != "":
        raise ValueError("empty")
    return _converted(hint, text)


def _converted(hint: Any, text: str) -> Any:
    if hint in (int, float):
        return hint(text)
    origin = getattr(hint, "__origin__", hint)
    if origin in (list, dict):
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{text!r} is not JSON: {error}") from None
        if not isinstance(value, origin):
            raise ValueError(f"{text!r} is not a JSON {'array' if origin is list else 'object'}")
        return value
    return text
