"""JSONPath as Step Functions reads it (the Jayway dialect), and reference paths for writing.

A path is *definite* when it can only name one value; a definite path that finds nothing is an error.
Any other path yields a list, possibly empty.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from osusume_endpoint.depth import MOST_LEVELS
from osusume_endpoint.stepfunctions.bounded import LimitExceeded, WorkerFailed, pool
from osusume_endpoint.stepfunctions.errors import RUNTIME, StateError
from osusume_endpoint.stepfunctions.jsonpath_errors import PathNotFound, PathSyntaxError
from osusume_endpoint.stepfunctions.jsonpath_filters import predicate

NAME = re.compile(r"[^.\[\](),\s*'\"<>=!&|~?]+")
NUMBER = re.compile(r"-?\d+")
SLICE = re.compile(r"(-?\d*)\s*:\s*(-?\d*)(?:\s*:\s*(-?\d*))?\s*(?=])")
QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")

Step = Callable[[Any, Any], Iterator[Any]]


@dataclass(frozen=True)
class Path:
    text: str
    steps: tuple[Step, ...]
    keys: tuple[str | int, ...] | None  # None unless a reference path
    definite: bool

    def find(self, document: Any) -> Any:
        values = [document]
        for step in self.steps:
            values = [found for value in values for found in step(value, document)]
        if not self.definite:
            return values
        if not values:
            raise PathNotFound(self.text)
        return values[0]


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    if not text.startswith("$"):
        raise PathSyntaxError(f"'{text}' is not a JSONPath: it must begin with '$'")
    scanner = Scanner(text, position=1)
    try:
        path = scanner.path()
    except RecursionError:
        raise PathSyntaxError("The JSONPath is not valid: its filters nest too deeply") from None
    if scanner.position != len(text):
        raise PathSyntaxError(f"'{text}' is not a JSONPath: unexpected '{text[scanner.position :]}'")
    return path


def find(text: str, document: Any) -> Any:
    """Raises PathNotFound, or StateError where the path takes more than one expression may.

    A definite path takes a step a name. Any other can take more than its document has values, and match
    regular expressions: it is followed in a child process.
    """
    path = parse(text)
    if path.definite:
        return path.find(document)
    try:
        return pool().run(kind="jsonpath", text=text, document=document)
    except (LimitExceeded, WorkerFailed) as error:
        raise StateError(RUNTIME, f"The JSONPath '{text}' was stopped: {error}.") from error


def is_reference(text: str) -> bool:
    return parse(text).keys is not None


class Scanner:
    """Recursive descent over a path; filters come from `jsonpath_filters`."""

    def __init__(self, text: str, *, position: int = 0) -> None:
        self.text = text
        self.position = position
        self.definite = True
        self.keys: list[str | int] | None = []

    def path(self) -> Path:
        steps: list[Step] = []
        while self.position < len(self.text) and self.text[self.position] in ".[":
            steps.append(self.segment())
            if len(steps) > MOST_LEVELS:
                raise PathSyntaxError(f"The JSONPath has more than {MOST_LEVELS} steps")
        keys = None if self.keys is None else tuple(self.keys)
        return Path(text=self.text, steps=tuple(steps), keys=keys, definite=self.definite)

    def segment(self) -> Step:
        if self.take(".."):
            self.widen()
            return _descend(self.bracket() if self.peek() == "[" else self.dotted())
        if self.take("."):
            return self.dotted()
        return self.bracket()

    def dotted(self) -> Step:
        if self.take("*"):
            self.widen()
            return _wildcard
        name = self.match(NAME, "a name").group()
        if self.take("()"):
            self.keys = None
            return _function(name)
        return self.named(name)

    def named(self, name: str) -> Step:
        if self.keys is not None:
            self.keys.append(name)
        return _member(name)

    def bracket(self) -> Step:
        self.expect("[")
        self.blanks()
        step = self.selector()
        self.blanks()
        self.expect("]")
        return step

    def selector(self) -> Step:
        if self.take("*"):
            self.widen()
            return _wildcard
        if self.take("?"):
            self.widen()
            return self.filter()
        if self.peek() in "'\"":
            return self.names()
        bounds = SLICE.match(self.text, self.position)
        if bounds:
            self.position = bounds.end()
            self.widen()
            return _slice(slice(*(int(bound) if bound else None for bound in bounds.groups())))
        return self.indexes()

    def names(self) -> Step:
        names = self.listed(lambda: self.quoted())
        if len(names) == 1:
            return self.named(names[0])
        self.widen()
        return _union([_member(name) for name in names])

    def indexes(self) -> Step:
        indexes = self.listed(lambda: int(self.match(NUMBER, "an index").group()))
        if len(indexes) > 1:
            self.widen()
        elif self.keys is not None:
            self.keys.append(indexes[0])
        return _union([_index(index) for index in indexes])

    def listed(self, item: Callable[[], Any]) -> list[Any]:
        found = [item()]
        self.blanks()
        while self.take(","):
            self.blanks()
            found.append(item())
            self.blanks()
        return found

    def quoted(self) -> str:
        match = self.match(QUOTED, "a quoted name")
        # A backslash before anything else is part of the name: localstack's test_escape_sequence_parsing, recorded.
        if match[1] is not None:
            return re.sub(r"\\(['\\])", r"\1", match[1])
        return re.sub(r"\\([\"\\])", r"\1", match[2])

    def filter(self) -> Step:
        keep = predicate(self)
        return lambda value, root: (item for item in _children(value) if keep(item, root))

    def nested(self) -> Path:
        """The path within a filter that begins with the `@` or `$` here."""
        inner = Scanner(self.text, position=self.position + 1)
        path = inner.path()
        self.position = inner.position
        return path

    def widen(self) -> None:
        self.definite = False
        self.keys = None

    def blanks(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1

    def peek(self) -> str:
        return self.text[self.position : self.position + 1] or "\0"

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.position):
            self.position += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise self.error(f"'{token}'")

    def match(self, pattern: re.Pattern[str], wanted: str) -> re.Match[str]:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise self.error(wanted)
        self.position = match.end()
        return match

    def error(self, wanted: str) -> PathSyntaxError:
        return PathSyntaxError(
            f"'{self.text}' is not a JSONPath: expected {wanted} at offset {self.position}"
        )


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _member(name: str) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _index(index: int) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _slice(bounds: slice) -> Step:
    return lambda value, root: iter(value[bounds] if isinstance(value, list) else [])


def _union(steps: list[Step]) -> Step:
    return lambda value, root: (found for step in steps for found in step(value, root))


def _wildcard(value: Any, root: Any) -> Iterator[Any]:
    return _children(value)


def _descend(step: Step) -> Step:
    def everywhere(value: Any, root: Any) -> Iterator[Any]:
        yield from step(value, root)
        for child in _children(value):
            yield from everywhere(child, root)

    return everywhere


def _function(name: str) -> Step:
    functions: dict[str, Callable[[Any], Any]] = {"length": len, "min": min, "max": max, "sum": sum}
    if name not in functions:
        raise PathSyntaxError(f"The JSONPath function '{name}()' is not emulated; known: {sorted(functions)}")
    return lambda value, root: iter([functions[name](value)])


def assign(text: str, document: Any, value: Any) -> Any:
    """`document` with `value` at a reference path, making objects on the way (ResultPath).

    Raises PathNotFound where the document has something else than an object or array on the way.
    """
    keys = parse(text).keys
    if keys is None:
        raise PathSyntaxError(f"'{text}' is not a reference path: it may name one node only")
    return _put(copy.copy(document), keys, value, text)


def _put(node: Any, keys: tuple[str | int, ...], value: Any, text: str) -> Any:
    if not keys:
        return value
    key = keys[0]
    if isinstance(key, int):
        return _put_item(node, key, keys, value, text)
    if not isinstance(node, dict):
        raise PathNotFound(text)
    child = node.get(key)
    return {**node, key: _put({} if child is None else child, keys[1:], value, text)}


def _put_item(node: Any, index: int, keys: tuple[str | int, ...], value: Any, text: str) -> Any:
    if not isinstance(node, list) or not 0 <= index < len(node):
        raise PathNotFound(text)
    return [*node[:index], _put(node[index], keys[1:], value, text), *node[index + 1 :]]
