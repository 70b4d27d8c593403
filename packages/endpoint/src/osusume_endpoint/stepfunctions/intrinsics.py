"""Intrinsic functions of JSONPath states (specification, appendix B)."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.stepfunctions.errors import INTRINSIC_FAILURE, StateError
from osusume_endpoint.stepfunctions.payloads import Allowance, dumps

HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
MAX_NESTING = 10
BASE64_LIMIT = HASH_LIMIT = 10_000
RANGE_LIMIT = 1_000
ESCAPED = "'{}\\"

Resolve = Callable[[str], Any]


class IntrinsicSyntaxError(ValueError):
    """The text is no call of an intrinsic function; the message names it."""


@dataclass(frozen=True)
class PathArgument:
    text: str


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Call | PathArgument | Literal, ...]


def is_call(text: str) -> bool:
    return text.startswith("States.")


@lru_cache(maxsize=2048)
def parse(text: str) -> Call:
    reader = _Reader(text)
    call = reader.argument(depth=1)
    reader.blanks()
    if not isinstance(call, Call) or reader.position != len(text):
        raise IntrinsicSyntaxError(f"'{text}' is not a valid intrinsic function call")
    return call


class _Reader:
    NAME = re.compile(r"States\.(\w+)\s*\(")
    STRING = re.compile(r"'((?:[^'\\]|\\.)*)'")
    WORD = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true\b|false\b|null\b")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def argument(self, *, depth: int) -> Call | PathArgument | Literal:
        self.blanks()
        if match := self.take(self.NAME):
            return self.call(match[1], depth)
        if match := self.take(self.STRING):
            return Literal(self.text_of(match[1]))
        if match := self.take(self.WORD):
            return Literal(json.loads(match.group()))
        if self.text.startswith("$", self.position):
            return PathArgument(self.path())
        raise IntrinsicSyntaxError(f"'{self.text}' has no valid argument at offset {self.position}")

    def text_of(self, quoted: str) -> str:
        """Recorded in localstack's test_base_scenarios.py::test_illegal_escapes, for a double quote."""
        for escaped in re.findall(r"\\(.)", quoted, re.DOTALL):
            if escaped not in ESCAPED:
                allowed = "only ', {, } and \\ may follow a backslash"
                raise IntrinsicSyntaxError(f"'{self.text}' escapes {escaped!r}; {allowed}")
        return quoted

    def call(self, name: str, depth: int) -> Call:
        if name not in FUNCTIONS:
            raise IntrinsicSyntaxError(f"The intrinsic function 'States.{name}' does not exist")
        if depth > MAX_NESTING:
            raise IntrinsicSyntaxError(f"'{self.text}' nests more than {MAX_NESTING} intrinsic functions")
        arguments: list[Call | PathArgument | Literal] = []
        self.blanks()
        while not self.text.startswith(")", self.position):
            arguments.append(self.argument(depth=depth + 1))
            self.separator()
        self.position += 1
        return Call(name, tuple(arguments))

    def separator(self) -> None:
        self.blanks()
        if self.text.startswith(",", self.position):
            self.position += 1
        elif not self.text.startswith(")", self.position):
            raise IntrinsicSyntaxError(f"'{self.text}' misses ',' or ')' at offset {self.position}")

    def path(self) -> str:
        start, depth = self.position, 0
        while self.position < len(self.text):
            char = self.text[self.position]
            if char == "'" and (quoted := self.take(self.STRING)):
                del quoted
                continue
            if depth == 0 and char in ",)":
                break
            depth += (char in "[(") - (char in "])")
            self.position += 1
        return self.text[start : self.position].strip()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.position)
        if match:
            self.position = match.end()
        return match

    def blanks(self) -> None:
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1


def evaluate(text: str, resolve: Resolve) -> Any:
    """`resolve` reads the JSONPath arguments; a failing function is `States.IntrinsicFailure`."""
    try:
        return _evaluate(parse(text), resolve)
    except StateError:
        raise
    except Exception as error:
        raise StateError(INTRINSIC_FAILURE, f"{text}: {error}") from error


def _evaluate(node: Call | PathArgument | Literal, resolve: Resolve) -> Any:
    if isinstance(node, PathArgument):
        return resolve(node.text)
    if isinstance(node, Literal):
        return _unescape(node.value) if isinstance(node.value, str) else node.value
    if node.name == "Format":
        return _format(node, resolve)
    allowance = Allowance()
    arguments = (_evaluate(argument, resolve) for argument in node.arguments)
    return FUNCTIONS[node.name](*(allowance.used(value, field=f"States.{node.name}") for value in arguments))


def _unescape(text: str) -> str:
    return re.sub(r"\\(['{}\\])", r"\1", text)


def _format(call: Call, resolve: Resolve) -> str:
    first, *rest = call.arguments
    # The template's escapes are read together with its placeholders: \{ is a brace, {} a placeholder.
    template = first.value if isinstance(first, Literal) else _evaluate(first, resolve)
    values = [_evaluate(argument, resolve) for argument in rest]
    if len(re.findall(r"(?<!\\)\{\}", template)) != len(values):
        raise ValueError(f"{len(values)} values for the placeholders of '{template}'")
    allowance = Allowance()
    remaining = (allowance.used(_text(value), field="States.Format") for value in values)
    return re.sub(r"\\([{}'\\])|\{\}", lambda m: m[1] or next(remaining), template)


def _text(value: Any) -> str:
    """Objects and arrays as Java shows them: `{a=1, b=[x, null]}` (localstack: TestGeneric::test_format_2)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    return value if isinstance(value, str) else dumps(value)


def _array_partition(array: list[Any], size: int) -> list[list[Any]]:
    if not isinstance(array, list) or not isinstance(size, int) or size < 1:
        raise ValueError("needs an array and a positive chunk size")
    return [array[start : start + size] for start in range(0, len(array), size)]


def _array_range(first: int, last: int, step: int) -> list[int]:
    values = list(range(int(first), int(last) + (1 if step > 0 else -1), int(step)))
    if len(values) > RANGE_LIMIT:
        raise ValueError(f"may not hold more than {RANGE_LIMIT} elements")
    return values


def _array_item(array: list[Any], index: int) -> Any:
    if not 0 <= index < len(array):
        raise ValueError(f"index {index} is outside of the array of {len(array)}")
    return array[index]


def _array_unique(array: list[Any]) -> list[Any]:
    texts = [dumps(item) for item in array]
    return [item for place, item in enumerate(array) if texts.index(texts[place]) == place]


def _array_contains(array: list[Any], wanted: Any) -> bool:
    return dumps(wanted) in [dumps(item) for item in array]


def _base64_encode(text: str) -> str:
    return base64.b64encode(_short(text, BASE64_LIMIT).encode()).decode()


def _base64_decode(text: str) -> str:
    return base64.b64decode(_short(text, BASE64_LIMIT), validate=True).decode()


def _short(text: str, limit: int) -> str:
    if len(text) > limit:
        raise ValueError(f"takes at most {limit} characters")
    return text


def digest(value: Any, algorithm: str) -> str:
    if algorithm not in HASHES:
        raise ValueError(f"knows the algorithms {', '.join(HASHES)}, not '{algorithm}'")
    return hashlib.new(HASHES[algorithm], _short(_text(value), HASH_LIMIT).encode()).hexdigest()


def _json_merge(left: dict[str, Any], right: dict[str, Any], deep: bool) -> dict[str, Any]:
    if deep:
        raise ValueError("supports only shallow merging: the third argument must be false")
    return {**left, **right}


def _math_add(left: float, right: float) -> int:
    return _half_up(left) + _half_up(right)


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _math_random(start: int, end: int, seed: int | None = None) -> int:
    return (random if seed is None else random.Random(seed)).randrange(int(start), int(end))


def _string_split(text: str, separators: str) -> list[str]:
    return [part for part in re.split(f"[{re.escape(separators)}]", text) if part]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Format": lambda *values: values,  # evaluated by _format, which needs the unread template
    # A blank text is null: localstack's test_json_manipulation.py::test_string_to_json, recorded.
    "StringToJson": lambda text: depth.loads(text) if text.strip() else None,
    "JsonToString": dumps,
    "Array": lambda *values: list(values),
    "ArrayPartition": _array_partition,
    "ArrayContains": _array_contains,
    "ArrayRange": _array_range,
    "ArrayGetItem": _array_item,
    "ArrayLength": len,
    "ArrayUnique": _array_unique,
    "Base64Encode": _base64_encode,
    "Base64Decode": _base64_decode,
    "Hash": digest,
    "JsonMerge": _json_merge,
    "MathRandom": _math_random,
    "MathAdd": _math_add,
    "StringSplit": _string_split,
    "UUID": lambda: str(uuid.uuid4()),
}
