"""One visit of one state."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions.errors import (
    INTRINSIC_FAILURE,
    QUERY_EVALUATION_ERROR,
    RESULT_PATH_MATCH_FAILURE,
    RUNTIME,
    DeclaredError,
    StateError,
)
from osusume_endpoint.stepfunctions.flows import JSONATA, Flow
from osusume_endpoint.stepfunctions.jsonata import expression_in, failure
from osusume_endpoint.stepfunctions.jsonata_flow import JsonataFlow
from osusume_endpoint.stepfunctions.jsonpath_flow import JsonPathFlow
from osusume_endpoint.stepfunctions.payloads import dumps, iso, now
from osusume_endpoint.stepfunctions.scope import Scope

# Errors of the data flow itself, whose cause says in which state and since which event.
LOCATED = (RUNTIME, QUERY_EVALUATION_ERROR, INTRINSIC_FAILURE, RESULT_PATH_MATCH_FAILURE)

# The states that may have retriers: only their context counts retries (localstack's
# base/test_base.py::test_query_context_object_values and test_state/, recorded).
RETRIED = ("Map", "Parallel", "Task")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


class Frame:
    """`entered` is the id of the event of its entry, `before` that of the event before it."""

    def __init__(
        self, *, name: str, state: Mapping[str, Any], raw: Any, scope: Scope, entered: int, before: int = 0
    ) -> None:
        self.name = name
        self.state = state
        self.raw = raw
        self.scope = scope
        self.entered = entered
        self.before = before
        # The event of its failure, which only an attempt that is not retried has (recorded in localstack's
        # test_base_scenarios.py: test_map_state_retry, test_parallel_state_retry).
        self.failure: str | None = None
        self.language = state.get("QueryLanguage", scope.language)
        details: dict[str, Any] = {"Name": name, "EnteredTime": iso(now())}
        if state.get("Type") in RETRIED:
            details["RetryCount"] = 0
        self.context: dict[str, Any] = {**scope.context, "State": details}

    @property
    def is_started(self) -> bool:
        """Whether its work has events of its own yet."""
        return self.scope.trail.previous != self.entered

    @property
    def jsonata(self) -> bool:
        return bool(self.language == JSONATA)

    @property
    def flow(self) -> Flow:
        flow = JsonataFlow if self.jsonata else JsonPathFlow
        return flow(state=self.state, raw=self.raw, context=self.context, variables=self.scope.variables)

    def retried(self, count: int) -> None:
        self.context["State"] = {**self.context["State"], "RetryCount": count}

    def located(self, error: StateError) -> StateError:
        """The error with its place; unchanged when it has one already or came with a cause of its own."""
        has_place = (error.cause or "").startswith("An error occurred while executing")
        if error.error not in LOCATED or isinstance(error, DeclaredError) or has_place:
            return error
        where = f"'{self.name}' (entered at the event id #{self.entered})"
        return StateError(error.error, f"An error occurred while executing the state {where}. {error.cause}")

    def number(self, key: str, *, holder: Mapping[str, Any] | None = None) -> float | None:
        """A numeric field, constant or evaluated; None when absent."""
        value = self.flow.value(key, holder)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        raise self.unfit(key, "float", value, holder=holder)

    def seconds(self, key: str) -> float | None:
        """A timeout: None when absent, else positive."""
        value = self.number(key)
        if value is not None and value <= 0:
            raise self.unexpected(key, "positive integer", value)
        return value

    def integer(self, key: str, *, holder: Mapping[str, Any] | None = None) -> int | None:
        """A field that is a whole number, constant or evaluated; None when absent."""
        value = self._by_path(key, holder)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise self.unfit(key, "integer", value, holder=holder)
        return int(value)

    def share(self, key: str) -> float | None:
        """A field in percent, constant or evaluated; None when absent."""
        value = self._by_path(key, None)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self.unfit(key, "float", value)
        if value is not None and not 0 <= value <= 100:
            raise self.invalid(key, f"{key} must be between 0 and 100.")
        return value

    def _by_path(self, key: str, holder: Mapping[str, Any] | None) -> Any:
        """The field's value; a text that is a number serves where a path of a Map state leads to it.

        Recorded in localstack's assign/test_assign_reference_variables.py: test_reference_in_map_state.
        """
        value, given = self.flow.value(key, holder), self.state if holder is None else holder
        is_number = isinstance(value, str) and f"{key}Path" in given and NUMBER.fullmatch(value)
        return json.loads(value) if is_number else value

    def count(self, key: str, *, holder: Mapping[str, Any] | None = None, default: int = 0) -> int:
        value = self.integer(key, holder=holder)
        if value is not None and value < 0:
            raise self.invalid(key, f"{key} cannot be negative.")
        return default if value is None else value

    def unfit(
        self, key: str, wanted: str, value: Any, *, holder: Mapping[str, Any] | None = None
    ) -> StateError:
        """A path's value that does not serve, in AWS's words (recorded in localstack's test_base_scenarios.py)."""
        given = self.state if holder is None else holder
        path = given.get(f"{key}Path")
        if self.jsonata or path is None:
            return self.unexpected(key, "number" if wanted == "float" else wanted, value)
        told = f'refers to value "{shown(value)}" which is not a valid {wanted}: {path}'
        return StateError(RUNTIME, f"The {key}Path field {told}")

    def unexpected(self, key: str, wanted: str, value: Any) -> StateError:
        """An expression's value, in AWS's words (recorded in localstack's test_map_state_items_eval_jsonata_fail)."""
        expression = expression_in(self.state.get(key)) if self.jsonata else None
        if expression is not None:
            what = f"returned an unexpected result type. Expected '{wanted}', but was '{kind(value)}' for value: "
            return failure(expression, key, f"{what}{dumps(value)}")
        return self.invalid(
            key, f"The field '{key}' must be a {wanted}, but was {kind(value)}: {dumps(value)}"
        )

    def invalid(self, key: str, cause: str) -> StateError:
        """A value that was evaluated and does not serve."""
        if self.jsonata:
            return StateError(QUERY_EVALUATION_ERROR, cause, location=key, precedes_entry=False)
        return StateError(RUNTIME, cause)


def kind(value: Any) -> str:
    """The type's name in JSON."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    names: dict[type, str] = {str: "string", dict: "object", list: "array"}
    return names.get(type(value), "number")


def shown(value: Any) -> str:
    """A value in a cause: texts without quotes."""
    return value if isinstance(value, str) else dumps(value)
