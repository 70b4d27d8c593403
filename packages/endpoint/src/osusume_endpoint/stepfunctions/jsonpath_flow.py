"""InputPath → Parameters → work → ResultSelector → ResultPath → OutputPath.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions import intrinsics, jsonpath
from osusume_endpoint.stepfunctions.errors import RESULT_PATH_MATCH_FAILURE, RUNTIME, StateError
from osusume_endpoint.stepfunctions.flows import JSONPATH, Flow, Outcome
from osusume_endpoint.stepfunctions.jsonpath_errors import PathNotFound
from osusume_endpoint.stepfunctions.payloads import Allowance, dumps

VARIABLE = re.compile(r"\$([A-Za-z_]\w*)(.*)", re.DOTALL)


class JsonPathFlow:
    language = JSONPATH

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
        return JsonPathFlow(state=self.state, raw=self.raw, context=context, variables=self.variables)

    def effective_input(self) -> Any:
        return self._selected("InputPath", self.raw)

    def arguments(self) -> Any:
        effective = self.effective_input()
        if "Parameters" not in self.state:
            return effective
        return self.payload(self.state["Parameters"], effective)

    def value(self, key: str, holder: Mapping[str, Any] | None = None) -> Any:
        holder = self.state if holder is None else holder
        if f"{key}Path" in holder:
            return self.read(holder[f"{key}Path"], self.effective_input(), field=f"{key}Path")
        return holder.get(key)

    def template(self, template: Any, name: str) -> Any:
        return self.payload(template, self.effective_input())

    def passed(self) -> Outcome:
        effective = self.effective_input()
        return Outcome(self._selected("OutputPath", effective), self._assigned(self.state, effective))

    def completed(self, result: Any) -> Outcome:
        # Assign reads the result as it came, before ResultSelector.
        assigned = self._assigned(self.state, result)
        combined = self.combined(self.selected(result))
        return Outcome(self._selected("OutputPath", combined), assigned)

    def selected(self, result: Any) -> Any:
        """The result after ResultSelector."""
        return (
            self.payload(self.state["ResultSelector"], result) if "ResultSelector" in self.state else result
        )

    def combined(self, result: Any) -> Any:
        """The raw input with the selected result where ResultPath says."""
        return self._combined(self.state, result)

    def caught(self, catcher: Mapping[str, Any], error_output: Mapping[str, Any]) -> Outcome:
        assigned = self._assigned(catcher, error_output)
        return Outcome(self._combined(catcher, error_output), assigned, catcher["Next"])

    def assigned_by(self, rule: Mapping[str, Any], data: Any) -> dict[str, Any]:
        return self._assigned(rule, data)

    def _assigned(self, holder: Mapping[str, Any], data: Any) -> dict[str, Any]:
        return self.payload(holder["Assign"], data) if "Assign" in holder else {}

    def _selected(self, key: str, data: Any) -> Any:
        path = self.state.get(key, "$")
        return {} if path is None else self.read(path, data, field=key)

    def _combined(self, holder: Mapping[str, Any], result: Any) -> Any:
        path = holder.get("ResultPath", "$")
        if path is None:
            return self.raw
        try:
            return jsonpath.assign(path, self.raw, result)
        except PathNotFound:
            message = f"Unable to apply ReferencePath {path} to input {dumps(self.raw)}"
            raise StateError(RESULT_PATH_MATCH_FAILURE, message) from None

    def read(self, path: str, data: Any, *, field: str) -> Any:
        """A path or intrinsic call of the definition; States.Runtime when it leads nowhere."""
        try:
            return self.resolve(path, data)
        except PathNotFound:
            raise self._not_found(path, data, field) from None

    def _not_found(self, path: str, data: Any, field: str) -> StateError:
        where = self.context if path.startswith("$$") else data
        message = f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input "
        return StateError(RUNTIME, f"{message}'{dumps(where)}'")

    def resolve(self, path: str, data: Any) -> Any:
        """Raises PathNotFound, which Choice rules turn into an answer."""
        if intrinsics.is_call(path):
            return intrinsics.evaluate(path, lambda argument: self.read(argument, data, field=path))
        if path.startswith("$$"):
            return jsonpath.find(path[1:], self.context)
        if match := VARIABLE.fullmatch(path):
            return self._variable(match[1], match[2])
        return jsonpath.find(path, data)

    def _variable(self, name: str, rest: str) -> Any:
        if name not in self.variables:
            raise StateError(RUNTIME, f"The variable '{name}' has no value when the state is entered")
        return jsonpath.find(f"${rest}", self.variables[name])

    def payload(self, template: Any, data: Any, allowance: Allowance | None = None) -> Any:
        """A payload template: every `key.$` is replaced by `key` with the value of its path."""
        allowance = allowance or Allowance()
        if isinstance(template, dict):
            return dict(self._entry(key, value, data, allowance) for key, value in template.items())
        if isinstance(template, list):
            return [self.payload(item, data, allowance) for item in template]
        return template

    def _entry(self, key: str, value: Any, data: Any, allowance: Allowance) -> tuple[str, Any]:
        if key.endswith(".$"):
            return key[:-2], allowance.used(self.read(value, data, field=key), field=key)
        return key, self.payload(value, data, allowance)
