"""Arguments → work → Output and Assign, all in JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions import jsonata
from osusume_endpoint.stepfunctions.flows import JSONATA, Flow, Outcome

NOTHING: dict[str, Any] = {}


class JsonataFlow:
    language = JSONATA

    def __init__(
        self,
        *,
        state: Mapping[str, Any],
        raw: Any,
        context: Mapping[str, Any],
        variables: Mapping[str, Any],
    ) -> None:
        self.state = state
        self.raw = raw
        self.context = context
        self.variables = variables

    def within(self, context: Mapping[str, Any]) -> Flow:
        return JsonataFlow(state=self.state, raw=self.raw, context=context, variables=self.variables)

    def effective_input(self) -> Any:
        return self.raw

    def arguments(self) -> Any:
        return self.evaluate(self.state["Arguments"], "Arguments") if "Arguments" in self.state else self.raw

    def value(self, key: str, holder: Mapping[str, Any] | None = None) -> Any:
        holder = self.state if holder is None else holder
        return self.evaluate(holder[key], key) if key in holder else None

    def template(self, template: Any, name: str) -> Any:
        return self.evaluate(template, name)

    def passed(self) -> Outcome:
        return self.handed_on(self.state, default=self.raw)

    def completed(self, result: Any) -> Outcome:
        return self.handed_on(self.state, default=result, extra={"result": result})

    def caught(self, catcher: Mapping[str, Any], error_output: Mapping[str, Any]) -> Outcome:
        extra = {"errorOutput": dict(error_output)}
        return self.handed_on(catcher, default=error_output, extra=extra).then(catcher["Next"])

    def handed_on(
        self, holder: Mapping[str, Any], *, default: Any, extra: Mapping[str, Any] = NOTHING
    ) -> Outcome:
        """Output and Assign of the state, a catcher or a choice rule; both read the variables as at entry."""
        output = self.evaluate(holder["Output"], "Output", extra) if "Output" in holder else default
        assigned = self.evaluate(holder["Assign"], "Assign", extra) if "Assign" in holder else {}
        return Outcome(output, assigned)

    def evaluate(self, template: Any, name: str, extra: Mapping[str, Any] = NOTHING) -> Any:
        states = {"input": self.raw, "context": dict(self.context), **extra}

        def text(expression: str, field: str) -> Any:
            return jsonata.evaluate(expression, states=states, variables=self.variables, field=field)

        return jsonata.evaluate_template(template, evaluate_text=text, field=name)
