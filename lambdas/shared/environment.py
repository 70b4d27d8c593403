"""Reads a function's environment into its one frozen type."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar, get_type_hints

Environment = TypeVar("Environment")
# Lambda developer guide, "Lambda quotas": 4 KB for all variables of a function. What is longer than this is compressed.
LONGEST_PLAIN = 1_000
PACKED = "zlib+base64:"


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


def packed(value: Any) -> str:
    """A list or dict as a variable holds it: JSON, compressed where it is long. `loaded` reads both."""
    text = json.dumps(value)
    if len(text) <= LONGEST_PLAIN:
        return text
    return PACKED + base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def loaded(text: str) -> Any:
    """The value of what `packed` wrote. Raises ValueError for what isn't that."""
    if not text.startswith(PACKED):
        return json.loads(text)
    try:
        plain = zlib.decompress(base64.b64decode(text.removeprefix(PACKED), validate=True))
    except zlib.error as error:
        raise ValueError(f"{text[:40]!r}… is not compressed JSON: {error}") from None
    return json.loads(plain)


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
            value = loaded(text)
        except ValueError as error:  # JSON's and base64's are such
            raise ValueError(f"{text!r} is not JSON: {error}") from None
        if not isinstance(value, origin):
            raise ValueError(f"{text!r} is not a JSON {'array' if origin is list else 'object'}")
        return value
    return text
