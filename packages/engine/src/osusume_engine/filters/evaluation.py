"""Which items (users, actions) a filter lets through, for one request."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from osusume_engine.filters.expressions import (
    Combination,
    Condition,
    Expression,
    FieldRef,
    FilterError,
    FilterExpression,
    Parameter,
    Predicate,
    Value,
)
from osusume_engine.filters.facts import Facts, Table
from osusume_engine.values import finite

Mask = Callable[[Any], np.ndarray]
_EVENTS = ("INTERACTIONS", "ACTION_INTERACTIONS")
_TARGET_TABLE = {"ITEMID": "ITEMS", "USERID": "USERS", "ACTIONID": "ACTIONS"}
_KEPT_SETS = 512


@dataclass(frozen=True)
class Request:
    user_id: str | None
    item_id: str | None
    values: Mapping[str, tuple[str, ...]]


def parse_values(text: str) -> tuple[str, ...]:
    r"""The values of a parameter: '"drama","comedy"' gives two; quotes may be left out of numbers."""
    if not text:
        raise FilterError("A filter value is empty")
    if text.count('"') % 2:
        raise FilterError(f"Filter value {text!r} has a quote that isn't closed")
    rows = list(csv.reader([text.strip()], skipinitialspace=True))
    if not rows or not rows[0]:
        raise FilterError("A filter value is empty")
    return tuple(value.strip() for value in rows[0])


@dataclass
class Evaluator:
    """Sets that depend on metadata alone are kept: the same filter serves many users."""

    expression: FilterExpression
    facts: Facts
    _sets: dict[Any, frozenset[str]] = field(default_factory=dict)

    def mask(self, *, user_id: str | None, item_id: str | None, values: Mapping[str, str]) -> Mask:
        """FilterError when a parameter of an INCLUDE has no value; an EXCLUDE without its values is passed over."""
        used = [one for one in self.expression.expressions if one.include or one.parameters <= set(values)]
        parameters = frozenset[str]().union(*(one.parameters for one in used))
        missing = sorted(parameters - set(values))
        if missing:
            raise FilterError(f"Filter parameter ${missing[0]} has no value: pass it in filterValues")
        bound = {name: parse_values(values[name]) for name in parameters}
        request = Request(user_id, item_id, bound)
        applied = [one for one in used if self._applies(one, request)]
        included = [self._matching(one, request) for one in applied if one.include]
        excluded = [self._matching(one, request) for one in applied if not one.include]
        return _membership(frozenset().union(*included) if included else None, frozenset().union(*excluded))

    def _applies(self, expression: Expression, request: Request) -> bool:
        if expression.only_if is None:
            return True
        table = self.facts.tables.get("USERS")
        return table is not None and _holds(expression.only_if, table, request)

    def _matching(self, expression: Expression, request: Request) -> frozenset[str]:
        return self._ids(expression.condition, expression.target, request)

    def _ids(self, condition: Condition, target: str, request: Request) -> frozenset[str]:
        if isinstance(condition, Combination):
            sets = [self._ids(term, target, request) for term in condition.terms]
            return frozenset.union(*sets) if condition.operator == "OR" else frozenset.intersection(*sets)
        if condition.field.source in _EVENTS:
            return self._touched(condition, target, request)
        values = _bound(condition, self.facts, request)
        key = (condition, values)
        if key not in self._sets:
            if len(self._sets) >= _KEPT_SETS:
                self._sets.clear()
            table = self.facts.tables.get(_TARGET_TABLE[target])
            self._sets[key] = _rows(table, condition, values) if table is not None else frozenset()
        return self._sets[key]

    def _touched(self, predicate: Predicate, target: str, request: Request) -> frozenset[str]:
        events = self.facts.events.get(predicate.field.source)
        if events is None:
            return frozenset()
        wanted = frozenset(str(value).lower() for value in _bound(predicate, self.facts, request))
        if target == "USERID":
            users = events.users_with(wanted)
            return users if predicate.operator == "IN" else events.users_with(frozenset("*")) - users
        if request.user_id is None:
            return frozenset()
        found = events.of_user(request.user_id, wanted)
        if predicate.operator == "IN":
            return found
        return events.of_user(request.user_id, frozenset("*")) - found


def _membership(included: frozenset[str] | None, excluded: frozenset[str]) -> Mask:
    def allowed(ids: Any) -> np.ndarray:
        return np.fromiter(
            ((included is None or one in included) and one not in excluded for one in ids),
            dtype=bool,
            count=len(ids),
        )

    return allowed


def _bound(predicate: Predicate, facts: Facts, request: Request) -> tuple[Any, ...]:
    """The values compared with: parameters and the current item's fields replaced."""
    values: list[Any] = []
    for value in predicate.values:
        values.extend(_resolved(value, facts, request))
    return tuple(values)


def _resolved(value: Value, facts: Facts, request: Request) -> Sequence[Any]:
    if isinstance(value, Parameter):
        return request.values[value.name]
    if isinstance(value, FieldRef):
        table = facts.tables.get("ITEMS")
        current = table.value(request.item_id, value.name.upper()) if table is not None else None
        return str(current).split("|") if isinstance(current, str) else [] if current is None else [current]
    return [value]


def _rows(table: Table, predicate: Predicate, values: tuple[Any, ...]) -> frozenset[str]:
    name = predicate.field.name.upper()
    if name not in table.frame.columns:
        return frozenset()
    return table.ids(_compared(table.column(name), predicate.operator, values))


def _compared(column: pd.Series, operator: str, values: tuple[Any, ...]) -> np.ndarray:
    if operator in ("IS NULL", "IS NOT NULL"):
        null = column.isna().to_numpy()
        return null if operator == "IS NULL" else ~null
    if not values:
        return np.zeros(len(column), dtype=bool)
    if pd.api.types.is_numeric_dtype(column):
        return _compared_numbers(column.to_numpy(dtype=float, na_value=np.nan), operator, values)
    return _compared_texts(column, operator, {str(value) for value in values})


def _compared_numbers(column: np.ndarray, operator: str, values: tuple[Any, ...]) -> np.ndarray:
    numbers = [_number(value) for value in values]
    first = numbers[0]
    wanted = {"IN": len(numbers), "NOT IN": len(numbers), "BETWEEN": 2}.get(operator, 1)
    if len(numbers) < wanted:  # the current item has no value
        return np.zeros(len(column), dtype=bool)
    if len(numbers) > wanted:
        raise FilterError(
            f"{operator} takes {wanted} values, not {len(numbers)}: {', '.join(map(str, values))}"
        )
    if operator in ("IN", "NOT IN"):
        found = np.isin(column, numbers)
        return found if operator == "IN" else ~found
    if operator == "BETWEEN":
        return (column >= first) & (column <= numbers[1])
    known = ~np.isnan(column)
    compare = {"=": column == first, "!=": (column != first) & known, "<": column < first}
    compare |= {"<=": column <= first, ">": column > first, ">=": column >= first}
    return compare[operator]


def _compared_texts(column: pd.Series, operator: str, wanted: set[str]) -> np.ndarray:
    """A categorical value holds several, separated by a vertical bar."""
    found = np.fromiter(
        (isinstance(value, str) and not wanted.isdisjoint(value.split("|")) for value in column),
        dtype=bool,
        count=len(column),
    )
    return ~found if operator in ("NOT IN", "!=") else found


def _number(value: Any) -> float:
    try:
        return finite(str(value))
    except ValueError:
        raise FilterError(f"Filter value {value!r} is not a number") from None


def _holds(condition: Condition, users: Table, request: Request) -> bool:
    """Whether the current user meets an IF condition."""
    if isinstance(condition, Combination):
        held = [_holds(term, users, request) for term in condition.terms]
        return any(held) if condition.operator == "OR" else all(held)
    value = users.value(request.user_id, condition.field.name.upper())
    values: list[Any] = []
    for one in condition.values:
        values.extend(request.values[one.name] if isinstance(one, Parameter) else [one])
    column = pd.Series([value], dtype=object if isinstance(value, str) or value is None else None)
    if value is None and condition.operator not in ("IS NULL", "IS NOT NULL", "NOT IN"):
        return False
    return bool(_compared(column, condition.operator, tuple(values))[0])
