"""Choice rules of JSONPath states (specification, "Choice Rule")."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from osusume_endpoint.stepfunctions.errors import RUNTIME, StateError
from osusume_endpoint.stepfunctions.jsonpath_errors import PathNotFound
from osusume_endpoint.stepfunctions.payloads import parse_timestamp

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
ORDERED = ("String", "Numeric", "Timestamp")
COMPARISONS = {f"{kind}{order}": (kind, order) for kind in ORDERED for order in ORDERS} | {
    "BooleanEquals": ("Boolean", "Equals")
}
TYPE_TESTS = ("IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp")
OPERATORS = {*COMPARISONS, *(f"{name}Path" for name in COMPARISONS), "StringMatches", *TYPE_TESTS}
CONNECTIVES = ("And", "Or", "Not")

Resolve = Callable[[str], Any]


def matches(rule: dict[str, Any], resolve: Resolve) -> bool:
    """`resolve` reads a JSONPath or variable of the state's effective input and raises PathNotFound."""
    if "And" in rule:
        return all(matches(inner, resolve) for inner in rule["And"])
    if "Or" in rule:
        return any(matches(inner, resolve) for inner in rule["Or"])
    if "Not" in rule:
        return not matches(rule["Not"], resolve)
    name = next(key for key in rule if key in OPERATORS)
    return _compare(rule, name, resolve)


def _compare(rule: dict[str, Any], name: str, resolve: Resolve) -> bool:
    if name == "IsPresent":
        return _is_present(rule["Variable"], resolve) is rule[name]
    value = _value(rule["Variable"], resolve)
    if name in TYPE_TESTS:
        return _has_type(name, value) is rule[name]
    if name == "StringMatches":
        return isinstance(value, str) and fits_wildcard(value, rule[name])
    wanted = rule[name]
    if name.endswith("Path"):
        wanted, name = _value(wanted, resolve), name.removesuffix("Path")
    return _ordered(*COMPARISONS[name], value, wanted)


def _is_present(path: str, resolve: Resolve) -> bool:
    try:
        resolve(path)
    except PathNotFound:
        return False
    return True


def _value(path: str, resolve: Resolve) -> Any:
    try:
        return resolve(path)
    except PathNotFound:
        message = f"Invalid path '{path}': The choice state's condition path references an invalid value."
        raise StateError(RUNTIME, message) from None


def _has_type(name: str, value: Any) -> bool:
    if name == "IsNull":
        return value is None
    if name == "IsTimestamp":
        return _timestamp(value) is not None
    return _is_kind(name.removeprefix("Is"), value)


def _is_kind(kind: str, value: Any) -> bool:
    if kind == "Boolean":
        return isinstance(value, bool)
    if kind == "Numeric":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def _ordered(kind: str, order: str, value: Any, wanted: Any) -> bool:
    if kind == "Timestamp":
        value, wanted = _timestamp(value), _timestamp(wanted)
        return value is not None and wanted is not None and ORDERS[order](value, wanted)
    return _is_kind(kind, value) and _is_kind(kind, wanted) and ORDERS[order](value, wanted)


def _timestamp(value: Any) -> Any:
    try:
        return parse_timestamp(value) if isinstance(value, str) else None
    except ValueError:
        return None


def fits_wildcard(text: str, pattern: str) -> bool:
    r"""`*` matches any characters; `\*` is a star and `\\` a backslash.

    The pieces between the stars are looked for one after another, never back: a regular expression of many
    `.*` takes a power of the text's length.
    """
    first, *rest = _pieces(pattern)
    if not rest:
        return text == first
    last, position = rest.pop(), len(first)
    if not text.startswith(first) or not text.endswith(last):
        return False
    for piece in rest:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return position <= len(text) - len(last)


def _pieces(pattern: str) -> list[str]:
    pieces = [""]
    for part in re.findall(r"\\.|.", pattern, re.DOTALL):
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += part[-1]
    return pieces
