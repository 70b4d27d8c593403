"""The part of CloudWatch metric math that alarms use here: + - * /, parentheses, FILL, IF, MAX, MIN, ABS."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint.errors import NotEmulated

Value = float | None  # None: the period has no data

_OPERATORS: dict[type, Callable[[Any, Any], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Eq: lambda a, b: float(a == b),
    ast.NotEq: lambda a, b: float(a != b),
}


def evaluate(text: str, values: Mapping[str, Value]) -> Value:
    """The value of one period. Raises NotEmulated on a function not listed above."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise _unknown(text) from None
    return _value(tree, values, text)


def _unknown(text: str) -> NotEmulated:
    return NotEmulated(service="cloudwatch", operation=f"the metric math expression {text!r}")


def _value(node: ast.expr, values: Mapping[str, Value], text: str) -> Value:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.Name):
        if node.id not in values:
            raise _unknown(text)
        return values[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand, values, text)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp):
        return _binary(node.op, node.left, node.right, values, text)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _binary(node.ops[0], node.left, node.comparators[0], values, text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id, node.args, values, text)
    raise _unknown(text)


def _binary(kind: Any, left: ast.expr, right: ast.expr, values: Mapping[str, Value], text: str) -> Value:
    a, b = _value(left, values, text), _value(right, values, text)
    if a is None or b is None:
        return None
    if isinstance(kind, ast.Div):
        return a / b if b else None
    if type(kind) not in _OPERATORS:
        raise _unknown(text)
    return _OPERATORS[type(kind)](a, b)


def _call(name: str, arguments: list[ast.expr], values: Mapping[str, Value], text: str) -> Value:
    if name == "FILL" and len(arguments) == 2:
        filled = _value(arguments[0], values, text)
        return _value(arguments[1], values, text) if filled is None else filled
    if name == "IF" and len(arguments) in (2, 3):
        if _value(arguments[0], values, text):
            return _value(arguments[1], values, text)
        return _value(arguments[2], values, text) if len(arguments) == 3 else None
    if name in ("MAX", "MIN", "SUM", "ABS"):
        listed = arguments[0].elts if isinstance(arguments[0], ast.List) else arguments
        known = [v for v in (_value(a, values, text) for a in listed) if v is not None]
        functions: dict[str, Callable[[list[float]], float]] = {
            "ABS": lambda found: abs(found[0]),
            "MAX": max,
            "MIN": min,
            "SUM": sum,
        }
        return float(functions[name](known)) if known else None
    raise _unknown(text)
