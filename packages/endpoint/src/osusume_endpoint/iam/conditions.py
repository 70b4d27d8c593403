"""Whether the conditions of a statement hold: true, false, or None where a key's value is not known.

Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Single-valued vs. multivalued context
keys". The endpoint knows every key of a request; a check of templates knows some, so that None is its answer.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from osusume_endpoint.iam import matching
from osusume_endpoint.iam.matching import ABSENT, UNKNOWN, Lookup, Missing, Resolved, Value

Truth = bool | None
Test = Callable[[Resolved, str], bool | None]  # None: one of the two can't be read as what is compared


@dataclass(frozen=True)
class Operator:
    """`quantifier` is "", "forallvalues" or "foranyvalue"."""

    test: Test
    negated: bool
    variables: bool
    quantifier: str
    if_exists: bool

    def of(self, value: Value | Missing, wanted: list[str], lookup: Lookup, *, variables: bool) -> Truth:
        if value is UNKNOWN:
            return None
        if value is ABSENT:
            return self._without_value()
        if not self.quantifier and not isinstance(value, str):
            return False  # a key with several values wants a set operator
        texts = [matching.resolved(w, lookup, variables=variables and self.variables) for w in wanted]
        values = [value] if isinstance(value, str) else [str(each) for each in value]
        found = [self._one(texts, each) for each in values]
        return any_of(found) if self.quantifier == "foranyvalue" else all_of(found)

    def _without_value(self) -> bool:
        if self.quantifier == "foranyvalue":
            return self.if_exists
        return self.if_exists or self.negated or self.quantifier == "forallvalues"

    def _one(self, texts: list[Resolved | Missing], value: str) -> Truth:
        found = [self._compared(text, value) for text in texts]
        return all_of(found) if self.negated else any_of(found)

    def _compared(self, text: Resolved | Missing, value: str) -> Truth:
        if isinstance(text, Missing):
            return None if text is UNKNOWN else False
        found = self.test(text, value)
        return False if found is None else found != self.negated


def all_of(found: Iterable[Truth]) -> Truth:
    found = list(found)
    return False if False in found else None if None in found else True


def any_of(found: Iterable[Truth]) -> Truth:
    found = list(found)
    return True if True in found else None if None in found else False


def hold(conditions: Any, lookup: Lookup, *, variables: bool = True) -> Truth:
    """`variables`: whether the policy's version knows them. Every operator and every key must hold."""
    if not isinstance(conditions, Mapping):
        return not conditions
    return all_of(
        _holds(str(operator), str(key), _texts(wanted), lookup, variables=variables)
        for operator, keys in conditions.items()
        for key, wanted in (keys.items() if isinstance(keys, Mapping) else ())
    )


def _holds(name: str, key: str, wanted: list[str], lookup: Lookup, *, variables: bool) -> Truth:
    value = lookup(key)
    if name.lower() == "null":
        absent = value is ABSENT
        return None if value is UNKNOWN else str(absent).lower() in [text.lower() for text in wanted]
    operator = operator_of(name)
    return False if operator is None else operator.of(value, wanted, lookup, variables=variables)


def _texts(wanted: Any) -> list[str]:
    """JSON's booleans and numbers are compared as IAM writes them."""
    values = wanted if isinstance(wanted, list) else [wanted]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]


def operator_of(name: str) -> Operator | None:
    """None for a name that IAM has no operator of; IAM refuses a policy that holds one."""
    quantifier, _, base = name.lower().rpartition(":")
    if quantifier not in ("", "forallvalues", "foranyvalue"):
        return None
    if_exists = base.endswith("ifexists")
    base = base.removesuffix("ifexists")
    known = _OPERATORS.get(base)
    if known is None:
        return None
    test, negated, variables = known
    return Operator(test, negated, variables, quantifier, if_exists)


def _equal(text: Resolved, value: str) -> bool:
    return matching.plain(text) == value


def _equal_in_any_case(text: Resolved, value: str) -> bool:
    return matching.plain(text).lower() == value.lower()


def _boolean(text: Resolved, value: str) -> bool | None:
    known = ("true", "false")
    wanted, given = matching.plain(text).lower(), value.lower()
    return wanted == given if wanted in known and given in known else None


def _in_network(text: Resolved, value: str) -> bool | None:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(matching.plain(text), strict=False)
    except ValueError:
        return None


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _time(text: str) -> datetime | None:
    """ISO 8601 as W3C's note has it, or seconds since 1970."""
    try:
        if text.isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _comparing(read: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Test:
    def test(text: Resolved, value: str) -> bool | None:
        wanted, given = read(matching.plain(text)), read(value)
        return None if wanted is None or given is None else holds(given, wanted)

    return test


def _ordered(name: str, read: Callable[[str], Any]) -> dict[str, tuple[Test, bool, bool]]:
    equal = _comparing(read, lambda a, b: bool(a == b))
    return {
        f"{name}equals": (equal, False, False),
        f"{name}notequals": (equal, True, False),
        f"{name}lessthan": (_comparing(read, lambda a, b: bool(a < b)), False, False),
        f"{name}lessthanequals": (_comparing(read, lambda a, b: bool(a <= b)), False, False),
        f"{name}greaterthan": (_comparing(read, lambda a, b: bool(a > b)), False, False),
        f"{name}greaterthanequals": (_comparing(read, lambda a, b: bool(a >= b)), False, False),
    }


# By the operator's name in lower case: (test, whether it is the opposite that must hold, whether its values may
# hold policy variables).
_OPERATORS: dict[str, tuple[Test, bool, bool]] = {
    "stringequals": (_equal, False, True),
    "stringnotequals": (_equal, True, True),
    "stringequalsignorecase": (_equal_in_any_case, False, True),
    "stringnotequalsignorecase": (_equal_in_any_case, True, True),
    "stringlike": (matching.like, False, True),
    "stringnotlike": (matching.like, True, True),
    "arnequals": (matching.arn_like, False, True),
    "arnlike": (matching.arn_like, False, True),
    "arnnotequals": (matching.arn_like, True, True),
    "arnnotlike": (matching.arn_like, True, True),
    "bool": (_boolean, False, True),
    "binaryequals": (_equal, False, False),
    "ipaddress": (_in_network, False, False),
    "notipaddress": (_in_network, True, False),
    **_ordered("numeric", _number),
    **_ordered("date", _time),
}
