"""Item attributes of a batch segment job ("Specifying item attributes for the Item-Attribute-Affinity recipe").

"You can't use unstructured textual item metadata as an item attribute"; "batch segment input expressions support only
the = symbol for equality for string matching". Conditions are joined by AND.
"""

from __future__ import annotations

import re

from osusume_engine.filters.expressions import (
    Combination,
    FilterError,
    FilterExpression,
    Predicate,
    parse_filter,
)
from osusume_engine.schemas import NUMERIC, Schema

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMPARED = ("=", "!=", "<", "<=", ">", ">=")


def parse_attributes(text: str) -> FilterExpression:
    """A filter that includes the items meant. FilterError when it is not of item attributes joined by AND."""
    parsed = parse_filter(f"INCLUDE ItemID WHERE {text}")
    if len(parsed.expressions) > 1 or parsed.expressions[0].only_if is not None:
        raise FilterError("Item attributes have neither | nor IF")
    condition = parsed.expressions[0].condition
    if isinstance(condition, Combination) and condition.operator != "AND":
        raise FilterError("Item attributes can only be joined by AND")
    for predicate in parsed.predicates():
        _check(predicate)
    if "(" in _QUOTED.sub("", text):
        raise FilterError("Item attributes are joined by AND, without parentheses")
    return parsed


def _check(predicate: Predicate) -> None:
    if predicate.field.source != "ITEMS":
        raise FilterError("Item attributes must be columns of ITEMS")
    if predicate.operator not in _COMPARED:
        raise FilterError(f"Item attributes know no {predicate.operator}: {predicate.field} is compared by =")
    for value in predicate.values:
        if not isinstance(value, str | float):
            raise FilterError(f"{predicate.field} is compared with a quoted string or a number")
        if isinstance(value, str) and predicate.operator != "=":
            raise FilterError(f"A string is matched by = only, {predicate.field} has {predicate.operator}")


def check_attributes(expression: FilterExpression, items: Schema) -> None:
    """FilterError for a column of the Items dataset that isn't there, or can't be compared so."""
    for predicate in expression.predicates():
        field = items.field_ignoring_case(predicate.field.name)
        if field is None:
            known = ", ".join(items.names)
            raise FilterError(f"ITEMS has no column {predicate.field.name}: it has {known}")
        if field.textual or field.type == "boolean":
            kind = "textual" if field.textual else field.type
            raise FilterError(f"{predicate.field} is {kind}: item attributes can't use it")
        if any(isinstance(value, str) == (field.type in NUMERIC) for value in predicate.values):
            kind = "number" if field.type in NUMERIC else "quoted string"
            raise FilterError(f"{predicate.field} is {field.type}: compare it with a {kind}")
