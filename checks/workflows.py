"""State machines: structure, every service integration against botocore's model, and what the role may do.

CloudFormation and cfn-lint see a definition as one string; these are the errors that would otherwise show
in the first run on AWS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checks import sdk
from checks.assembly import Assembly, Stack
from checks.finding import Finding

# Results that Step Functions itself shapes (a job run that .sync waited for, a nested execution's output).
_SHAPED = frozenset(["sync", "sync:2"])
_RESULT = re.compile(r"\$states\.result((?:\.[A-Za-z_]\w*)+)")


@dataclass(frozen=True)
class Workflow:
    """A state machine of a template, its definition parsed."""

    stack: Stack
    logical_id: str
    definition: dict[str, Any]
    role: Any

    def finding(self, rule: str, state: str, why: str, cure: str) -> Finding:
        return Finding(self.stack.name, self.logical_id, rule, f"state {state!r}: {why}.", cure)


def workflows(assembly: Assembly) -> Iterator[Workflow]:
    for stack in assembly.stacks:
        for logical_id, properties in stack.of_type("AWS::StepFunctions::StateMachine"):
            definition = json.loads(properties["DefinitionString"])
            yield Workflow(
                stack, logical_id, definition, stack.resources[logical_id]["Properties"]["RoleArn"]
            )


def states(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, state) of every state, those inside Map and Parallel too."""
    for name, state in definition.get("States", {}).items():
        yield name, state
        for branch in state.get("Branches", []):
            yield from states(branch)
        for processor in ("ItemProcessor", "Iterator"):
            if processor in state:
                yield from states(state[processor])


def check(assembly: Assembly) -> list[Finding]:
    found: list[Finding] = []
    for workflow in workflows(assembly):
        found += _structure(workflow)
        for name, state in states(workflow.definition):
            if state.get("Type") == "Task":
                found += _task(workflow, name, state)
    return found


def _structure(workflow: Workflow) -> Iterator[Finding]:
    from local.aws.stepfunctions import definition

    for problem in definition.validate(workflow.definition):
        yield workflow.finding(
            "workflow-structure",
            str(problem),
            "CreateStateMachine would refuse it",
            "correct the definition.",
        )
    if "TimeoutSeconds" not in workflow.definition:
        yield workflow.finding(
            "workflow-timeout",
            str(workflow.definition.get("StartAt")),
            "the workflow has no TimeoutSeconds, so a wait loop could run for a year",
            "give the state machine a timeout.",
        )


def _task(workflow: Workflow, name: str, state: dict[str, Any]) -> Iterator[Finding]:
    try:
        call = sdk.parse(str(state.get("Resource", "")))
    except ValueError as error:
        yield workflow.finding("workflow-integration", name, str(error), "correct the Resource.")
        return
    if call is None:
        return
    arguments = state.get("Arguments", {})
    for problem in sdk.problems(call.model.input_shape, arguments, call.operation):
        yield workflow.finding("workflow-arguments", name, problem, "correct the state's Arguments.")
    yield from _errors(workflow, name, state, call)
    if call.pattern not in _SHAPED and call.operation != "Invoke":
        yield from _results(workflow, name, state, call)


def _errors(workflow: Workflow, name: str, state: dict[str, Any], call: sdk.Call) -> Iterator[Finding]:
    """An error name that the call can't raise means a Retry or Catch that never matches."""
    if call.operation == "Invoke" or call.pattern in _SHAPED:
        return
    known = call.error_names()
    for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
        for error in rule.get("ErrorEquals", []):
            if not error.startswith("States.") and error not in known:
                yield workflow.finding(
                    "workflow-error-name",
                    name,
                    f"{error!r} is not an error of {call.operation}; known are {', '.join(sorted(known))}",
                    "correct ErrorEquals, or the rule never matches.",
                )


def _results(workflow: Workflow, name: str, state: dict[str, Any], call: sdk.Call) -> Iterator[Finding]:
    text = json.dumps([state.get("Output"), state.get("Assign")])
    for path in sorted(set(_RESULT.findall(text))):
        if not sdk.has_result(call, tuple(path.strip(".").split("."))):
            yield workflow.finding(
                "workflow-result",
                name,
                f"$states.result{path} is not in the response of {call.operation}",
                "correct the path in Output or Assign.",
            )
