"""What is wrong with a definition, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from osusume_endpoint.stepfunctions.payloads import parse_timestamp

SCHEMA = "SCHEMA_VALIDATION_FAILED"
MISSING_TARGET = "MISSING_TRANSITION_TARGET"
DUPLICATE_NAME = "DUPLICATE_STATE_NAME"
NO_END = "MISSING_END_STATE"
INVALID_JSON = "INVALID_JSON_DESCRIPTION"
JSONATA = "INVALID_JSONATA_EXPRESSION"
# Not a code of AWS: the definition is right, this interpreter can't run it.
NOT_EMULATED = "NOT_EMULATED_LOCALLY"


@dataclass(frozen=True)
class Problem:
    """`path` is a pointer into the definition: `/States/Train/Retry[0]`; None of what has no place in it."""

    code: str
    message: str
    path: str | None = ""

    def __str__(self) -> str:
        if self.path is None or self.path.startswith(
            "["
        ):  # the message of a text that isn't JSON has its place
            return f"{self.code}: {self.message}"
        return f"{self.code}: {self.message} at {self.path or '/'}"


@dataclass
class Report:
    problems: list[Problem] = field(default_factory=list)

    def add(self, message: str, path: str, *, code: str = SCHEMA) -> None:
        problem = Problem(code, message, path)
        if problem not in self.problems:
            self.problems.append(problem)

    def expect(self, holds: bool, message: str, path: str, *, code: str = SCHEMA) -> bool:
        if not holds:
            self.add(message, path, code=code)
        return holds


def strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text inside `value` with its path."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(item, f"{path}/{key}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from strings(item, f"{path}[{place}]")


def is_integer(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_timestamp(value: Any) -> bool:
    try:
        return isinstance(value, str) and parse_timestamp(value) is not None
    except ValueError:
        return False
