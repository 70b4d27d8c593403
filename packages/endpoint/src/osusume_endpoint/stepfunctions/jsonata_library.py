"""JSONata itself, with the functions that Step Functions adds. Only `bounded_worker` may call this.

An expression can run for ever and fill the memory, so none is parsed or evaluated in the endpoint's process.
"""

from __future__ import annotations

import functools
import json
import math
import random
import uuid
from collections.abc import Callable
from typing import Any

import jsonata
from jsonata.utils import Utils

from osusume_endpoint.stepfunctions.intrinsics import HASHES, digest

CACHE_SIZE = 2048

# $eval would let data become code; the service leaves it out.
jsonata.Jsonata.static_frame.bindings.pop("eval")


class Refused(Exception):
    """JSON has no such value. The message completes a sentence that begins "The expression ..."."""


def parse(*, expression: str) -> None:
    """Raises what the library says about the syntax."""
    jsonata.Jsonata.jsonata(expression)


def evaluate(*, expression: str, states: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
    """{"is": JSON value}, {} when undefined, or {"refused": why} where the value is none of JSON's."""
    bindings = {name: _bound(value) for name, value in variables.items()} | {"states": states}
    compiled = _compiled(expression)
    # $now, $millis and higher-order functions ask the library's current expression, the last one parsed.
    jsonata.Jsonata.CURRENT.jsonata = compiled
    value = compiled.evaluate(None, bindings)
    try:
        return {} if value is None else {"is": _plain(value)}
    except Refused as refusal:
        return {"refused": str(refusal)}


def message(error: Exception) -> str:
    code = getattr(error, "error", None)
    return f"{code}: {error}" if code else str(error)


def _bound(value: Any) -> Any:
    return Utils.NULL_VALUE if value is None else value


@functools.lru_cache(maxsize=CACHE_SIZE)
def _compiled(expression: str) -> Any:
    parsed = jsonata.Jsonata.jsonata(expression)
    parsed.set_output_convert_nulls(False)  # None is then what is undefined
    for name, function in FUNCTIONS.items():
        parsed.register_lambda(name, function)
    return parsed


def _plain(value: Any) -> Any:
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | range):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    raise Refused("returned an unsupported result type: a function or a regular expression.")


def _number(value: float) -> float | int:
    if not math.isfinite(value):
        raise Refused(f"returned {value}, which JSON cannot represent.")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _partition(array: list[Any], size: float) -> list[list[Any]] | None:
    if array is None:
        return None
    step = math.floor(size)
    if step < 1:
        raise ValueError(f"$partition needs a positive chunk size, not {size}")
    items = array if isinstance(array, list) else [array]
    return [list(items[start : start + step]) for start in range(0, len(items), step)]


def _range(first: float, last: float, step: float) -> list[int | float] | int | float:
    """A sequence, of which one alone is its value: localstack's test_array_jsonata.py::test_array_range, recorded."""
    if step == 0:
        raise ValueError("$range needs a step other than 0")
    count = math.floor((last - first) / step) + 1
    items = [first + place * step for place in range(max(0, count))]
    return items[0] if len(items) == 1 else items


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
