"""Walks the workflows on sample values: every expression is evaluated, every branch is taken once.

What a state would send is known then: names with their real length, ARNs, the input of a nested workflow.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checks import sdk
from checks.assembly import Assembly, Stack, once
from checks.samples import (
    ERROR_OUTPUT,
    EXECUTION_NAME,
    FUNCTION_RESULTS,
    NOW,
    PREVIOUS_RUN_ID,
    RUN_ID,
    STARTED_WITH,
    result,
)
from config import layout
from osusume_endpoint.stepfunctions import jsonata
from osusume_endpoint.stepfunctions.errors import StateError

Next = tuple[str, Any, dict[str, Any]]  # state, its input, the variables
_PUBLISHED = layout.PUBLISH_FILES.of(run_id=RUN_ID, solution="sample")
_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


@dataclass(frozen=True)
class Workflow:
    """A state machine of a template, its definition parsed."""

    stack: Stack
    logical_id: str
    definition: dict[str, Any]
    role: str
    arn: str


@dataclass
class Visit:
    """One passing of a state. `arguments` keep an expression that could not be evaluated as it is written."""

    workflow: Workflow
    name: str
    state: Mapping[str, Any]
    arguments: Any = None
    seconds: Any = None  # of a Wait
    problems: list[tuple[str, str]] = field(default_factory=list)  # (field, what is wrong)


@once
def workflows(assembly: Assembly) -> list[Workflow]:
    """The workflows whose definition can be read; rules.workflows reports the others."""
    return [
        Workflow(stack, logical_id, read, str(properties.get("RoleArn")), stack.resolver.arn(logical_id))
        for stack, logical_id, properties in assembly.each("AWS::StepFunctions::StateMachine")
        if isinstance(read := _json(str(properties.get("DefinitionString"))), dict)
    ]


_walked: dict[str, list[Visit]] = {}
_MOST_WALKED = 8
# JSON by what was asked: one change of a template leaves most questions as they were.
_answers: dict[bytes, str] = {}
_MOST_ANSWERS = 50_000


def _answer(expression: str, states: Mapping[str, Any], variables: Mapping[str, Any], where: str) -> Any:
    """The value of an expression. Raises StateError, which names the field."""
    asked = hashlib.sha256(json.dumps([expression, states, variables]).encode()).digest()
    if asked not in _answers:
        if len(_answers) >= _MOST_ANSWERS:
            _answers.clear()
        value = jsonata.evaluate(expression, states=states, variables=variables, field=where)
        _answers[asked] = json.dumps(value)
    return json.loads(_answers[asked])


@once
def visits(assembly: Assembly) -> list[Visit]:
    """Every state that a run which is scheduled, or which a function starts, can reach."""
    walk = _Walk(assembly)
    if walk.content not in _walked:
        if len(_walked) >= _MOST_WALKED:
            _walked.pop(next(iter(_walked)))
        _walked[walk.content] = walk.run()
    return _walked[walk.content]


class _Walk:
    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._workflows = {workflow.arn: workflow for workflow in workflows(assembly)}
        self._functions = {
            str(stack.resolver.arn(logical_id)): str(properties.get("Handler", ""))
            for stack, logical_id, properties in assembly.each("AWS::Lambda::Function")
        }
        # What a function starts is named to it: another service's input is none of the templates'.
        self._started = [
            (arn, STARTED_WITH)
            for _, _, properties in assembly.each("AWS::Lambda::Function")
            for arn in properties.get("Environment", {}).get("Variables", {}).values()
            if arn in self._workflows
        ]
        self._targets = [s.get("Target", {}) for _, _, s in assembly.each("AWS::Scheduler::Schedule")]
        self.visits: list[Visit] = []

    @property
    def content(self) -> str:
        """All that the walk depends on."""
        machines = [
            (w.stack.name, w.logical_id, w.arn, w.role, w.definition) for w in workflows(self._assembly)
        ]
        where = [self._assembly.account, self._assembly.region]
        starts = [self._targets, self._started, self._functions]
        return json.dumps([where, machines, starts], sort_keys=True)

    def run(self) -> list[Visit]:
        for target in self._targets:
            if target.get("Arn") in self._workflows:
                text = str(target.get("Input", "{}")).replace(_SCHEDULED_TIME, NOW)
                self.execute(self._workflows[target["Arn"]], _json(text))
        for arn, given in self._started:
            self.execute(self._workflows[arn], given)
        return self.visits

    def execute(self, workflow: Workflow, given: Any) -> Any:
        return _Execution(self, workflow, given).output

    def child(self, arn: str, given: Any) -> Any:
        workflow = self._workflows.get(arn)
        return self.execute(workflow, given) if workflow else {}

    def payload(self, function: str) -> Any:
        """What a function answers; None for one that has no sample."""
        parts = self._functions.get(function, "").split(".")
        return FUNCTION_RESULTS.get(parts[1]) if len(parts) > 2 else None

    def result(self, call: sdk.Call, arguments: Any) -> Any:
        assembly = self._assembly
        return result(call, account=assembly.account, region=assembly.region, arguments=arguments)


class _Execution:
    """One machine. States are passed once for each set of variables that can exist on the way to them."""

    def __init__(self, walk: _Walk, workflow: Workflow, given: Any) -> None:
        self._walk, self._workflow, self._given = walk, workflow, given
        self.remembered: dict[str, Any] = {}  # the first value of each variable, whatever the way
        self.output = self._machine(workflow.definition, given, {})

    def _machine(self, machine: Mapping[str, Any], given: Any, variables: Mapping[str, Any]) -> Any:
        """The output of the first path that ends well."""
        seen: set[tuple[str, frozenset[str]]] = set()
        outputs: list[Any] = []
        waiting = [(str(machine.get("StartAt")), given, dict(variables))]
        while waiting:
            name, value, known = waiting.pop()
            state = machine.get("States", {}).get(name)
            if state is None or (name, frozenset(known)) in seen:
                continue
            seen.add((name, frozenset(known)))
            step = _Step(self._walk, self, name, state, value, known)
            waiting.extend(reversed(step.successors()))
            if state.get("End") or state.get("Type") == "Succeed":
                outputs.append(step.output)
        return outputs[0] if outputs else {}

    def context(self, name: str) -> dict[str, Any]:
        arn = self._workflow.arn.replace(":stateMachine:", ":execution:")
        execution = {
            "Id": f"{arn}:{EXECUTION_NAME}",
            "Name": EXECUTION_NAME,
            "StartTime": NOW,
            "Input": self._given,
            "RoleArn": self._workflow.role,
            "RedriveCount": 0,
        }
        machine = {"Id": self._workflow.arn, "Name": self._workflow.arn.rpartition(":")[2]}
        state = {"Name": name, "EnteredTime": NOW, "RetryCount": 0}
        item = {"Item": {"Index": 0, "Value": {}}}
        token = {"Token": str(uuid.UUID(int=0))}
        return {"Execution": execution, "StateMachine": machine, "State": state, "Map": item, "Task": token}

    def item(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """What other states of the machine put, set or add under the key that is asked for."""
        found: dict[str, Any] = {}
        for state in _all_states(self._workflow.definition):
            given = state.get("Arguments", {})
            if not isinstance(given, dict) or given.get("TableName") != wanted.get("TableName"):
                continue
            item = given.get("Item") or {**given.get("Key", {}), **_changed(given)}
            if all(item.get(name) == value for name, value in wanted.get("Key", {}).items()):
                found |= item
        return found

    def visit(self, name: str, state: Mapping[str, Any]) -> Visit:
        visit = Visit(self._workflow, name, state)
        self._walk.visits.append(visit)
        return visit

    def machine(self, machine: Mapping[str, Any], given: Any, variables: Mapping[str, Any]) -> Any:
        return self._machine(machine, given, variables)


class _Step:
    def __init__(
        self,
        walk: _Walk,
        execution: _Execution,
        name: str,
        state: Mapping[str, Any],
        value: Any,
        variables: dict[str, Any],
    ) -> None:
        self._walk, self._execution, self._state = walk, execution, state
        self._visit = execution.visit(name, state)
        self._variables = variables
        self._states: dict[str, Any] = {"input": value, "context": execution.context(name)}
        result = self._result()
        if result is not None:
            self._states["result"] = result
        self.output = (
            self._evaluated("Output") if "Output" in state else (value if result is None else result)
        )
        self._assigned = self._assign(state, "Assign")
        execution.remembered = {**self._assigned, **execution.remembered}

    def _result(self) -> Any:
        kind = self._state.get("Type")
        if kind in ("Fail", "Wait", "Succeed", "Pass"):
            self._visit.seconds = self._evaluated("Seconds")
            for name in ("Error", "Cause", "Timestamp"):
                self._evaluated(name)
            return None
        return {"Task": self._task, "Map": self._map, "Parallel": self._parallel}.get(
            str(kind), lambda: None
        )()

    def _task(self) -> Any:
        arguments = self._visit.arguments = self._evaluated("Arguments")
        call = _call(self._state)
        if call is None or not isinstance(arguments, dict):
            return {}
        if call.operation == "Invoke":
            return {"Payload": self._payload(str(arguments.get("FunctionName"))), "StatusCode": 200}
        if call.operation == "StartExecution" and call.pattern:
            child = self._walk.child(str(arguments.get("StateMachineArn")), arguments.get("Input"))
            return {**self._walk.result(call, arguments), "Output": child, "Status": "SUCCEEDED"}
        answer = self._walk.result(call, arguments)
        if call.operation == "GetItem":
            answer["Item"] = self._known(self._execution.item(self._state["Arguments"]))
        if call.operation == "UpdateItem":
            answer["Attributes"] = _updated(arguments)
        return answer

    def _known(self, value: Any) -> Any:
        """Another state's expressions are evaluated where their variables exist here, or did on another way.

        One that comes to nothing stays as it is written: the visit of its own state reports it.
        """
        if isinstance(value, dict):
            return {key: self._known(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._known(part) for part in value]
        expression = jsonata.expression_in(value)
        variables = {**self._execution.remembered, **self._variables}
        if expression is None or absent(expression, self._states, variables):
            return value
        try:
            return _answer(expression, self._states, variables, "Item")
        except StateError:
            return value

    def _payload(self, function: str) -> Any:
        sample = self._walk.payload(function)
        if sample is None:
            self._visit.problems.append(("Arguments", f"there is no function {function} with a known result"))
        return sample

    def _parallel(self) -> Any:
        given = self._evaluated("Arguments") if "Arguments" in self._state else self._states["input"]
        return [
            self._execution.machine(branch, given, self._variables)
            for branch in self._state.get("Branches", [])
        ]

    def _map(self) -> Any:
        processor = self._state.get("ItemProcessor", {})
        distributed = processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
        if "ItemReader" in self._state:
            self._visit.arguments = self._evaluated("ItemReader")
        items = self._evaluated("Items") if "Items" in self._state else [{"Key": _PUBLISHED}]
        variables = {} if distributed else self._variables
        return [
            self._execution.machine(processor, item, variables)
            for item in self._batched(items if isinstance(items, list) else [])
        ]

    def _batched(self, items: list[Any]) -> list[Any]:
        batcher = self._state.get("ItemBatcher")
        if batcher is None:
            return items
        return [{"Items": items, "BatchInput": (self._evaluated("ItemBatcher") or {}).get("BatchInput", {})}]

    def successors(self) -> list[Next]:
        """What may come next; first what does on the sample values."""
        choices = [*self._choices()]
        chosen = any(holds for holds, _ in choices)
        ways = [*choices, *self._next(chosen=chosen), *self._caught()]
        return [way for _, way in sorted(ways, key=lambda way: not way[0])]

    def _next(self, *, chosen: bool) -> Iterator[tuple[bool, Next]]:
        after = {**self._variables, **self._assigned}
        if "Next" in self._state:
            yield True, (str(self._state["Next"]), self.output, after)
        if "Default" in self._state:
            yield not chosen, (str(self._state["Default"]), self.output, after)

    def _choices(self) -> Iterator[tuple[bool, Next]]:
        for position, choice in enumerate(self._state.get("Choices", [])):
            holds = self._value(choice.get("Condition"), f"Choices[{position}].Condition")
            given = {**self._variables, **self._assign(choice, f"Choices[{position}].Assign")}
            yield holds is True, (str(choice.get("Next")), self.output, given)

    def _caught(self) -> Iterator[tuple[bool, Next]]:
        self._states["errorOutput"] = ERROR_OUTPUT
        for position, catch in enumerate(self._state.get("Catch", [])):
            assigned = self._assign(catch, f"Catch[{position}].Assign")
            output = catch.get("Output")
            value = ERROR_OUTPUT if output is None else self._value(output, f"Catch[{position}].Output")
            yield False, (str(catch.get("Next")), value, {**self._variables, **assigned})

    def _assign(self, holder: Mapping[str, Any], where: str) -> dict[str, Any]:
        given = holder.get("Assign", {})
        return {name: self._value(value, f"{where}.{name}") for name, value in given.items()}

    def _evaluated(self, name: str) -> Any:
        return self._value(self._state.get(name), name)

    def _value(self, value: Any, where: str) -> Any:
        if isinstance(value, dict):
            return {key: self._value(part, f"{where}.{key}") for key, part in value.items()}
        if isinstance(value, list):
            return [self._value(part, f"{where}[{position}]") for position, part in enumerate(value)]
        expression = jsonata.expression_in(value)
        if expression is None:
            return value
        for missing in sorted(absent(expression, self._states, self._variables)):
            self._visit.problems.append((where, f"there is no {missing} in {expression!r}"))
        try:
            return _answer(expression, self._states, self._variables, where)
        except StateError as error:
            self._visit.problems.append((where, str(getattr(error, "cause", None) or error)))
            return value


_CHANGE = re.compile(r"(\w+)\s*=?\s*(:\w+)")


def _changed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that an UpdateItem sets, and the sets that it adds to, which hold an older member too."""
    names = arguments.get("ExpressionAttributeNames", {})
    values = arguments.get("ExpressionAttributeValues", {})
    text = str(arguments.get("UpdateExpression", ""))
    changed = re.findall(r"([#\w]+)\s*=\s*(?:if_not_exists\([#\w]+,\s*)?(:\w+)", text)
    added = re.findall(r"ADD\s+([#\w]+)\s+(:\w+)", text)
    found = {names.get(name, name): values[value] for name, value in changed if value in values}
    for name, value in added:
        members = values.get(value, {}).get("SS", [])
        found[names.get(name, name)] = {"SS": [PREVIOUS_RUN_ID, *members]}
    return found


def _updated(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What ReturnValues ALL_NEW answers: the key, and each attribute that is set or added to."""
    if arguments.get("ReturnValues") != "ALL_NEW":
        return {}
    values = arguments.get("ExpressionAttributeValues", {})
    changed = _CHANGE.findall(str(arguments.get("UpdateExpression")))
    return {**arguments.get("Key", {}), **{name: values[value] for name, value in changed if value in values}}


_STATES_PATH = re.compile(r"\$states\.(input|result|errorOutput|context)((?:\.[A-Za-z_]\w*)*)")
_VARIABLE_PATH = re.compile(r"\$([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)(?!\w*\()")
_GUARDED = re.compile(r"\$exists\(\s*(\$[\w.]+)\s*\)")
_BOUND = re.compile(r"\$([A-Za-z_]\w*)\s*:=|function\(([^)]*)\)")


def absent(expression: str, states: Mapping[str, Any], variables: Mapping[str, Any]) -> set[str]:
    """Paths that the samples don't have. JSONata makes nothing of them, and no error in a comparison.

    What `$exists` asks for may be absent; its parent may not.
    """
    guarded = set(_GUARDED.findall(expression))
    local = {
        name for found in _BOUND.findall(expression) for part in found for name in re.findall(r"\w+", part)
    }
    found = set()
    for root, path in _STATES_PATH.findall(expression):
        if root in states and not _within(states[root], path, f"$states.{root}{path}" in guarded):
            found.add(f"$states.{root}{path}")
    for name, path in _VARIABLE_PATH.findall(expression):
        if name == "states" or name in local:
            continue
        if name not in variables or not _within(variables[name], path, f"${name}{path}" in guarded):
            found.add(f"${name}{path}")
    return found


def _within(value: Any, path: str, guarded: bool) -> bool:
    names = path.strip(".").split(".") if path else []
    for position, name in enumerate(names):
        while isinstance(value, list) and value:
            value = value[0]
        if not isinstance(value, dict):
            return False
        if name not in value:
            return guarded and position == len(names) - 1
        value = value[name]
    return True


def _all_states(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in machine.get("States", {}).values():
        yield state
        for inner in [*state.get("Branches", []), state.get("ItemProcessor", {})]:
            yield from _all_states(inner)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}  # data.check reports it


def _call(state: Mapping[str, Any]) -> sdk.Call | None:
    try:
        return sdk.parse(str(state.get("Resource", "")))
    except ValueError:
        return None
