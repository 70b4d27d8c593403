"""How data flows through a state, whichever query language it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

JSONATA = "JSONata"
JSONPATH = "JSONPath"


@dataclass(frozen=True)
class Outcome:
    """What a state hands on. `next_state` overrides the state's own `Next` (Choice, Catch)."""

    output: Any
    assigned: dict[str, Any] = field(default_factory=dict)
    next_state: str | None = None

    def then(self, next_state: str) -> Outcome:
        return Outcome(self.output, self.assigned, next_state)


class Flow(Protocol):
    """One visit of one state: its raw input, the context object and the variables at entry."""

    language: str

    def effective_input(self) -> Any:
        """What the state works on, before Parameters."""

    def arguments(self) -> Any:
        """What a Task, Parallel or Pass state hands to its work."""

    def value(self, key: str, holder: Mapping[str, Any] | None = None) -> Any:
        """The field `key` (or `keyPath`) of the state or of an object inside it; None when absent."""

    def template(self, template: Any, name: str) -> Any:
        """A payload template of the state, such as ItemSelector."""

    def passed(self) -> Outcome:
        """The outcome of a state without a result."""

    def completed(self, result: Any) -> Outcome:
        """The outcome of a state with a result."""

    def caught(self, catcher: Mapping[str, Any], error_output: Mapping[str, Any]) -> Outcome:
        """The outcome of a failed state whose error a catcher matched."""

    def within(self, context: Mapping[str, Any]) -> Flow:
        """The same visit with more in its context object (a Map item)."""
