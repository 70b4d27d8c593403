"""JSONata as Step Functions runs it: `{% ... %}`, `$states`, variables and six functions of its own.

The evaluation itself happens in a child process with limits (`bounded`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from osusume_endpoint.stepfunctions.bounded import LimitExceeded, WorkerFailed, pool
from osusume_endpoint.stepfunctions.errors import QUERY_EVALUATION_ERROR, StateError

EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
# $eval would let data become code; the service leaves it out.
EVAL = re.compile(r"\$eval\b")


def expression_in(text: Any) -> str | None:
    """The expression inside `{% ... %}`, or None for any other value."""
    match = EXPRESSION.fullmatch(text) if isinstance(text, str) else None
    return match[1].strip() if match else None


def syntax_error(expression: str) -> str | None:
    if EVAL.search(expression):
        return "The function $eval is not supported; use $parse to read JSON"
    try:
        return _refusal(expression)
    except LimitExceeded as error:
        return str(error)


@lru_cache(maxsize=10_000)
def _refusal(expression: str) -> str | None:
    """The parser's words, which don't change. Raises LimitExceeded, which a busy machine may cause."""
    try:
        pool().run(kind="parse", expression=expression)
    except WorkerFailed as error:
        return str(error)
    return None


def evaluate(expression: str, *, states: Mapping[str, Any], variables: Mapping[str, Any], field: str) -> Any:
    """The JSON value of an expression. Undefined results and all errors are States.QueryEvaluationError."""
    if EVAL.search(expression):
        raise failure(expression, field, "threw an error during evaluation: $eval is not supported")
    try:
        found = pool().run(kind="evaluate", expression=expression, states=states, variables=variables)
    except LimitExceeded as error:
        raise failure(expression, field, f"was stopped: {error}.") from error
    except WorkerFailed as error:
        raise failure(expression, field, f"threw an error during evaluation. {error}") from error
    if "refused" in found:
        raise failure(expression, field, found["refused"])
    if "is" not in found:
        raise failure(expression, field, "returned nothing (undefined).")
    return found["is"]


def failure(expression: str, field: str, what: str) -> StateError:
    cause = f"The JSONata expression '{expression}' specified for the field '{field}' {what}"
    return StateError(QUERY_EVALUATION_ERROR, cause, location=field)


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
