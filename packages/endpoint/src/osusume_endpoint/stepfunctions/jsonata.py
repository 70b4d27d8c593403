"""JSONata as Step Functions runs it: `{% ... %}`, `$states`, variables and six functions of its own."""

from __future__ import annotations

import json
import math
import random
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import jsonata
from jsonata.utils import Utils

from osusume_endpoint.stepfunctions.errors import QUERY_EVALUATION_ERROR, StateError
from osusume_endpoint.stepfunctions.intrinsics import HASHES, digest

EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
# $eval would let data become code; the service leaves it out.
EVAL = re.compile(r"\$eval\b")
CACHE_SIZE = 2048

_parsed = threading.local()


def expression_in(text: Any) -> str | None:
    """The expression inside `{% ... %}`, or None for any other value."""
    match = EXPRESSION.fullmatch(text) if isinstance(text, str) else None
    return match[1].strip() if match else None


def syntax_error(expression: str) -> str | None:
    if EVAL.search(expression):
        return "The function $eval is not supported; use $parse to read JSON"
    try:
        jsonata.Jsonata.jsonata(expression)
    except Exception as error:
        return str(error)
    return None


def evaluate(expression: str, *, states: Mapping[str, Any], variables: Mapping[str, Any], field: str) -> Any:
    """The JSON value of an expression. Undefined results and all errors are States.QueryEvaluationError."""
    if EVAL.search(expression):
        raise failure(expression, field, "threw an error during evaluation: $eval is not supported")
    bindings = {name: _bound(value) for name, value in variables.items()} | {"states": dict(states)}
    try:
        value = _compiled(expression).evaluate(None, bindings)
        if value is None and _is_undefined(expression, bindings):
            raise failure(expression, field, "returned nothing (undefined).")
    except StateError:
        raise
    except Exception as error:
        raise failure(expression, field, f"threw an error during evaluation. {_message(error)}") from error
    return _plain(value, expression, field)


def failure(expression: str, field: str, what: str) -> StateError:
    cause = f"The JSONata expression '{expression}' specified for the field '{field}' {what}"
    return StateError(QUERY_EVALUATION_ERROR, cause)


def _bound(value: Any) -> Any:
    return Utils.NULL_VALUE if value is None else value


def _is_undefined(expression: str, bindings: dict[str, Any]) -> bool:
    # The library returns None for null as for undefined; an object drops only the undefined member.
    return "v" not in _compiled(f'{{"v": ({expression})}}').evaluate(None, bindings)


def _message(error: Exception) -> str:
    code = getattr(error, "error", None)
    return f"{code}: {error}" if code else str(error)


def _compiled(expression: str) -> Any:
    # One parsed expression per thread: the library keeps evaluation state on it.
    cache: dict[str, Any] = _parsed.__dict__.setdefault("cache", {})
    if expression not in cache:
        if len(cache) >= CACHE_SIZE:
            cache.clear()
        cache[expression] = _parse(expression)
    return cache[expression]


def _parse(expression: str) -> Any:
    parsed = jsonata.Jsonata.jsonata(expression)
    for name, function in FUNCTIONS.items():
        parsed.register_lambda(name, function)
    return parsed


def _plain(value: Any, expression: str, field: str) -> Any:
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return _number(value, expression, field)
    if isinstance(value, list | range):
        return [_plain(item, expression, field) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, expression, field) for key, item in value.items()}
    raise failure(
        expression, field, "returned an unsupported result type: a function or a regular expression."
    )


def _number(value: float, expression: str, field: str) -> float | int:
    if not math.isfinite(value):
        raise failure(expression, field, f"returned {value}, which JSON cannot represent.")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def evaluate_template(template: Any, *, evaluate_text: Callable[[str, str], Any], field: str) -> Any:
    """Replaces every `{% %}` text at any depth; `evaluate_text` gets the expression and its field's path."""
    if isinstance(template, dict):
        return {
            key: evaluate_template(value, evaluate_text=evaluate_text, field=f"{field}/{key}")
            for key, value in template.items()
        }
    if isinstance(template, list):
        return [
            evaluate_template(value, evaluate_text=evaluate_text, field=f"{field}[{place}]")
            for place, value in enumerate(template)
        ]
    expression = expression_in(template)
    return template if expression is None else evaluate_text(expression, field)


def _partition(array: list[Any], size: float) -> list[list[Any]] | None:
    if array is None:
        return None
    step = math.floor(size)
    if step < 1:
        raise ValueError(f"$partition needs a positive chunk size, not {size}")
    items = array if isinstance(array, list) else [array]
    return [list(items[start : start + step]) for start in range(0, len(items), step)]


def _range(first: float, last: float, step: float) -> list[int | float]:
    if step == 0:
        raise ValueError("$range needs a step other than 0")
    count = math.floor((last - first) / step) + 1
    return [first + place * step for place in range(max(0, count))]


def _hash(text: str, algorithm: str) -> str:
    if algorithm not in HASHES:
        raise ValueError(f"$hash knows the algorithms {', '.join(HASHES)}, not '{algorithm}'")
    return digest(text, algorithm)


def _random(seed: float | None = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()


def _parse_json(text: str | None = None) -> Any:
    return None if text is None else _bound(json.loads(text))


# https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html, "JSONata functions provided by
# Step Functions"
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": lambda: str(uuid.uuid4()),
    "parse": _parse_json,
}
