"""One visit of one state."""

from __future__ import annotations

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
from osusume_endpoint.stepfunctions.jsonata_flow import JsonataFlow
from osusume_endpoint.stepfunctions.jsonpath_flow import JsonPathFlow
from osusume_endpoint.stepfunctions.payloads import iso, now
from osusume_endpoint.stepfunctions.scope import Scope

# Errors of the data flow itself, whose cause says in which state and since which event.
LOCATED = (RUNTIME, QUERY_EVALUATION_ERROR, INTRINSIC_FAILURE, RESULT_PATH_MATCH_FAILURE)

# The states that may have retriers: only their context counts retries (localstack's
# base/test_base.py::test_query_context_object_values and test_state/, recorded).
RETRIED = ("Map", "Parallel", "Task")


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
        raise self.unexpected(key, "number", value)

    def seconds(self, key: str) -> float | None:
        """A timeout: None when absent, else positive."""
        value = self.number(key)
        if value is not None and value <= 0:
            raise self.unexpected(key, "positive integer", value)
        return value

    def count(self, key: str, *, holder: Mapping[str, Any] | None = None, default: int = 0) -> int:
        value = self.number(key, holder=holder)
        if value is None:
            return default
        if value < 0 or value != int(value):
            raise self.unexpected(key, "non-negative integer", value)
        return int(value)

    def unexpected(self, key: str, wanted: str, value: Any) -> StateError:
        error = QUERY_EVALUATION_ERROR if self.jsonata else RUNTIME
        kind = type(value).__name__
        return StateError(error, f"The field '{key}' must be a {wanted}, but was {kind}: {value!r}")
