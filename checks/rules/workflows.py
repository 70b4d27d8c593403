"""State machines: structure, every service integration against botocore's model, loops that can end.

CloudFormation and cfn-lint see a definition as one string; these are the errors that would otherwise show
in the first run on AWS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from checks import history, sdk
from checks.assembly import Assembly
from checks.finding import Finding
from checks.loops import loops
from checks.rule import Rule
from checks.simulation import Workflow, visits, workflows
from osusume_endpoint.stepfunctions import definition

_RESULT = re.compile(r"\$states\.result((?:\.[A-Za-z_]\w*)+)")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_BATCH_INPUT = re.compile(r"\$states\.input\.BatchInput\.(\w+)")
LAMBDAS = Path(__file__).parents[2] / "lambdas"
_EXCEPTION = re.compile(r"^class (\w+)\(\w*(?:Error|Exception)\)", re.MULTILINE)
_LONGEST = 366 * 24 * 3600  # seconds of a STANDARD execution
_LONGEST_EXPRESS = 300


def states(definition: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, state) of every state, those inside Map and Parallel too."""
    for machine in machines(definition):
        yield from machine.get("States", {}).items()


def machines(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The definition itself and every one inside it."""
    yield definition
    for state in definition.get("States", {}).values():
        for inner in [*state.get("Branches", []), state.get("ItemProcessor", {}), state.get("Iterator", {})]:
            yield from machines(inner) if inner else ()


RULES = (
    Rule(
        "workflow-structure",
        "CreateStateMachine refuses the definition.",
        "Correct the definition.",
        "Step Functions developer guide; Amazon States Language",
    ),
    Rule(
        "workflow-type",
        "An EXPRESS execution ends early or refuses the integration.",
        "Make it STANDARD.",
        'Step Functions developer guide, "Choosing workflow type"',
    ),
    Rule(
        "workflow-timeout",
        "A wait loop runs for a year.",
        "Give the state machine TimeoutSeconds.",
        'Step Functions developer guide, "Best practices"',
    ),
    Rule(
        "workflow-history",
        "Step Functions ends the execution at 25,000 events of history.",
        "Poll less often, or start executions of their own for the longest waits.",
        'Step Functions developer guide, "Avoid reaching the history quota"',
    ),
    Rule(
        "workflow-default",
        "A value that no rule expects fails with States.NoChoiceMatched.",
        "Add a Default.",
        'Step Functions developer guide, "Choice"',
    ),
    Rule(
        "workflow-integration",
        "The state fails: there is no such service or action.",
        "Correct the Resource.",
        "botocore's services",
    ),
    Rule(
        "workflow-arguments",
        "The call is refused: its arguments are not the operation's.",
        "Correct the Arguments.",
        "botocore's shapes",
    ),
    Rule(
        "workflow-values",
        "The call is refused: a value is too long or of another type in a real run.",
        "Shorten the names in config, or correct the Arguments.",
        "botocore's shapes, on sample values",
    ),
    Rule(
        "workflow-expression",
        "The state fails: its expression can't be evaluated.",
        "Correct the expression, or what it reads.",
        'Step Functions developer guide, "Transforming data with JSONata"',
    ),
    Rule(
        "workflow-result",
        "The state fails: the response has no such member.",
        "Correct the path in Output or Assign.",
        "botocore's output shapes",
    ),
    Rule(
        "workflow-error-name",
        "A Retry or Catch never matches.",
        "Name an error of the integration.",
        'Step Functions developer guide, "Handling errors"; botocore\'s errors',
    ),
    Rule(
        "workflow-retry",
        "One throttled call fails the run.",
        "Retry what is transient for its service.",
        'Step Functions developer guide, "Best practices"',
    ),
    Rule(
        "workflow-jitter",
        "Branches that failed together come back together.",
        "Set JitterStrategy FULL.",
        'Step Functions developer guide, "Retrying after an error"',
    ),
    Rule(
        "workflow-repeated",
        "A run that is started again fails on what it made before.",
        "Catch it, and go on with what is there.",
        "botocore's errors",
    ),
    Rule(
        "workflow-token",
        "A retried call starts the same work twice.",
        "Give the token, made of the run.",
        "API references of DynamoDB and Step Functions",
    ),
    Rule(
        "workflow-catch",
        "A failure bypasses the state that says which step failed.",
        "Catch States.ALL as the other states do.",
        "the workflow itself",
    ),
    Rule(
        "workflow-unreached",
        "A state never runs.",
        "Lead a Next, Choice or Catch to it.",
        "the workflows, walked on sample values",
    ),
    Rule(
        "workflow-variable",
        "What was assigned is lost: a state reads the value of before, or the loop that it ends goes on.",
        "Assign the name that is read, or take the variable away.",
        'the workflow itself; Step Functions developer guide, "Passing data between states with variables"',
    ),
    Rule(
        "workflow-loop-failure",
        "The loop goes on when the job has failed.",
        "Add a Choice on the failed statuses.",
        "the service's statuses",
    ),
    Rule(
        "workflow-loop-limit",
        "The loop has no end of its own.",
        "Add a Choice on a deadline.",
        'Step Functions developer guide, "Best practices"',
    ),
    Rule(
        "workflow-wait",
        "A poll that doesn't wait asks thousands of times a minute: it is throttled, and uses up the history.",
        "Wait a second at least.",
        'Step Functions developer guide, "Wait workflow state"; "Step Functions service quotas"',
    ),
    Rule(
        "workflow-loop-status",
        "The loop waits for a status that the service never has, or past one that it has.",
        "Compare with the service's statuses.",
        "botocore's enumerations; Personalize developer guide",
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    found: list[Finding] = list(_unread(assembly))
    for workflow in workflows(assembly):
        found += _structure(workflow)
        for machine in machines(workflow.definition):
            found += [finding(workflow, *problem) for problem in loops(machine)]
        for name, state in states(workflow.definition):
            if state.get("Type") == "Task":
                found += _task(workflow, name, state)
            if state.get("Type") == "Choice" and "Default" not in state:
                why = "it has no Default: a value that no rule expects fails with States.NoChoiceMatched"
                found.append(finding(workflow, "workflow-default", name, why, "add a Default."))
        found += [*_uncaught(workflow), *_history(workflow), *_variables(workflow), *_batch_inputs(workflow)]
    return list(dict.fromkeys([*found, *_evaluated(assembly), *_waits(assembly), *_unreached(assembly)]))


def _waits(assembly: Assembly) -> Iterator[Finding]:
    for visit in visits(assembly):
        if isinstance(visit.seconds, int | float) and visit.seconds < 1:
            why = f"it waits {visit.seconds} s"
            yield finding(visit.workflow, "workflow-wait", visit.name, why, "wait a second at least.")


def _unread(assembly: Assembly) -> Iterator[Finding]:
    read = {(workflow.stack.name, workflow.logical_id) for workflow in workflows(assembly)}
    for stack, logical_id, _ in assembly.each("AWS::StepFunctions::StateMachine"):
        if (stack.name, logical_id) not in read:
            why = "its DefinitionString is no JSON object: CreateStateMachine would refuse it."
            yield Finding(stack.name, logical_id, "workflow-structure", why, "correct the definition.")


def finding(workflow: Workflow, rule: str, state: str, why: str, cure: str) -> Finding:
    return Finding(workflow.stack.name, workflow.logical_id, rule, f"state {state!r}: {why}.", cure)


def _structure(workflow: Workflow) -> Iterator[Finding]:
    for problem in definition.validate(workflow.definition):
        if problem.code != definition.NOT_EMULATED:  # right on AWS, beyond the local interpreter
            why = "CreateStateMachine would refuse it"
            yield finding(workflow, "workflow-structure", str(problem), why, "correct the definition.")
    kind = workflow.stack.resolved[workflow.logical_id].get("StateMachineType", "STANDARD")
    if kind != "STANDARD":
        for problem in definition.express_problems(workflow.definition):
            cure = "make it STANDARD."
            yield finding(workflow, "workflow-type", str(problem), f"its type is {kind}", cure)
    limit = workflow.definition.get("TimeoutSeconds")
    if kind == "EXPRESS" and (not isinstance(limit, int) or limit > _LONGEST_EXPRESS):
        why = f"an EXPRESS execution ends after {_LONGEST_EXPRESS} s, its limit is {limit!r}"
        yield finding(workflow, "workflow-type", "(all)", why, "make it STANDARD.")
    if not isinstance(limit, int) or not 0 < limit <= _LONGEST:
        yield finding(
            workflow,
            "workflow-timeout",
            str(workflow.definition.get("StartAt")),
            f"TimeoutSeconds of the workflow is {limit!r}, so a wait loop could run for a year",
            "give the state machine a timeout.",
        )


def _history(workflow: Workflow) -> Iterator[Finding]:
    events = history.longest(workflow.definition)
    if events > history.LIMIT:
        why = (
            f"an execution that waits as long as it may writes up to {events:,} events, "
            f"and Step Functions ends it at {history.LIMIT:,}"
        )
        cure = "poll less often, or start executions of their own for the longest waits."
        yield finding(workflow, "workflow-history", str(workflow.definition.get("StartAt")), why, cure)


def _task(workflow: Workflow, name: str, state: dict[str, Any]) -> Iterator[Finding]:
    try:
        call = sdk.parse(str(state.get("Resource", "")))
    except ValueError as error:
        yield finding(workflow, "workflow-integration", name, str(error), "correct the Resource.")
        return
    if call is None:
        return
    arguments = state.get("Arguments", {})
    for problem in sdk.problems(call.model.input_shape, arguments, call.operation):
        yield finding(workflow, "workflow-arguments", name, problem, "correct the state's Arguments.")
    yield from _errors(workflow, name, state, call)
    yield from _retries(workflow, name, state)
    yield from _repeated(workflow, name, state, call)
    yield from _tokens(workflow, name, state, call)
    yield from _results(workflow, name, state, call)


@cache
def raised_by(function: str) -> frozenset[str]:
    """Exceptions that the function's own modules define: Step Functions names an error by its class."""
    folders = [
        folder
        for folder in sorted(LAMBDAS.iterdir())
        if folder.is_dir() and function.endswith(f"-{folder.name.replace('_', '-')}")
    ]
    texts = [module.read_text() for folder in folders for module in sorted(folder.glob("*.py"))]
    return frozenset(name for text in texts for name in _EXCEPTION.findall(text))


def _errors(workflow: Workflow, name: str, state: dict[str, Any], call: sdk.Call) -> Iterator[Finding]:
    """An error name that the call can't raise means a Retry or Catch that never matches."""
    raised = (
        raised_by(str(state["Arguments"].get("FunctionName", "")))
        if call.operation == "Invoke"
        else frozenset()
    )
    known = call.error_names() | raised
    for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
        errors = [error for error in rule.get("ErrorEquals", []) if not error.startswith("States.")]
        for error in sorted(set(errors) - known):
            own = [e for e in sorted(known) if e.partition(".")[0] == call.own_prefix]
            close = get_close_matches(error, own, n=5, cutoff=0.3) or own[:5]
            why = f"{error!r} is not an error of {call.operation}, which has {', '.join(close)} and so on"
            cure = "correct ErrorEquals, or the rule never matches."
            yield finding(workflow, "workflow-error-name", name, why, cure)
        if any("ConditionalCheck" in e for e in errors) and "ConditionExpression" not in str(
            state["Arguments"]
        ):
            why = "it catches ConditionalCheckFailedException and sets no condition"
            yield finding(workflow, "workflow-error-name", name, why, "give ConditionExpression.")
        if set(errors) - raised and not any(error.startswith(f"{call.own_prefix}.") for error in errors):
            why = f"none of {', '.join(errors)} begins with {call.own_prefix}, as the errors of this integration"
            cure = f"name {call.own_prefix}.<error> in ErrorEquals."
            yield finding(workflow, "workflow-error-name", name, why, cure)


def _retries(workflow: Workflow, name: str, state: dict[str, Any]) -> Iterator[Finding]:
    rules = state.get("Retry", [])
    if not rules:
        why = "it has no Retry: one throttled call fails the run"
        yield finding(workflow, "workflow-retry", name, why, "retry what is transient for its service.")
    for rule in rules:
        if rule.get("JitterStrategy") != "FULL":
            why = "its Retry has no jitter: branches that failed together come back together"
            yield finding(workflow, "workflow-jitter", name, why, "set JitterStrategy FULL.")


def _repeated(workflow: Workflow, name: str, state: dict[str, Any], call: sdk.Call) -> Iterator[Finding]:
    """What is made under a fixed name, or on a condition, may be there already when a run is started again."""
    arguments = state.get("Arguments", {})
    caught = {error for rule in state.get("Catch", []) for error in rule.get("ErrorEquals", [])}
    expected: set[str] = set()
    if call.operation.startswith("Create") and {"Name", "JobName"} & set(arguments):
        expected = {e for e in call.error_names() if e.endswith(".ResourceAlreadyExistsException")}
    elif "ConditionExpression" in arguments:
        expected = {f"{call.own_prefix}.ConditionalCheckFailedException", "States.ALL"}
    if expected and not expected & caught:
        why = f"it does not catch {', '.join(sorted(expected))}, which a run that is started again meets"
        yield finding(workflow, "workflow-repeated", name, why, "catch it and go on with what is there.")


# Without these a retried call starts the same work a second time.
_TOKENS = {"ExportTableToPointInTime": "ClientToken", "StartExecution": "Name"}


def _tokens(workflow: Workflow, name: str, state: dict[str, Any], call: sdk.Call) -> Iterator[Finding]:
    token = _TOKENS.get(call.operation)
    if token is not None and token not in state.get("Arguments", {}):
        why = f"without {token} a retry of {call.operation} starts the same work twice"
        yield finding(workflow, "workflow-token", name, why, f"give {token}, made of the run.")


def _uncaught(workflow: Workflow) -> Iterator[Finding]:
    """Findings of states that can fail unreported, in a workflow that reports its failures."""
    states = workflow.definition.get("States", {})
    failing = {
        name: any("States.ALL" in rule.get("ErrorEquals", []) for rule in state.get("Catch", []))
        for name, state in states.items()
        if state.get("Type") in ("Task", "Map", "Parallel")
    }
    for name, caught in failing.items():
        if not caught and any(failing.values()):
            why = "its failure bypasses the state that says which step failed"
            yield finding(workflow, "workflow-catch", name, why, "catch States.ALL as the other states do.")


def _unreached(assembly: Assembly) -> Iterator[Finding]:
    """States of the workflows that run which no way leads to."""
    reached = {(v.workflow.stack.name, v.workflow.logical_id, v.name) for v in visits(assembly)}
    for workflow in workflows(assembly):
        for name, _ in states(workflow.definition):
            if (workflow.stack.name, workflow.logical_id, name) not in reached:
                why = "no run that anything starts reaches it"
                cure = "lead a Next, Choice or Catch to it, or start its workflow."
                yield finding(workflow, "workflow-unreached", name, why, cure)


def _variables(workflow: Workflow) -> Iterator[Finding]:
    """Variables that a state assigns and no expression of the workflow reads."""
    read = set(_VARIABLE.findall(json.dumps(workflow.definition)))
    for name, state in states(workflow.definition):
        for holder in (state, *state.get("Choices", []), *state.get("Catch", [])):
            for variable in sorted(set(holder.get("Assign", {})) - read):
                why = f"it assigns {variable!r}, which no state reads"
                cure = "assign the name that is read, or take it away."
                yield finding(workflow, "workflow-variable", name, why, cure)


def _batch_inputs(workflow: Workflow) -> Iterator[Finding]:
    """What a Map gives to each batch and no state in it reads."""
    for name, state in states(workflow.definition):
        inside = json.dumps(state.get("ItemProcessor"))
        given = set(state.get("ItemBatcher", {}).get("BatchInput", {}))
        for key in sorted(given - set(_BATCH_INPUT.findall(inside))):
            why = f"it gives {key!r} to each batch, which no state in it reads"
            yield finding(workflow, "workflow-variable", name, why, "read it there, or take it away.")


def _results(workflow: Workflow, name: str, state: dict[str, Any], call: sdk.Call) -> Iterator[Finding]:
    text = json.dumps([state.get("Output"), state.get("Assign")])
    for path in sorted(set(_RESULT.findall(text))):
        if not sdk.has_result(call, tuple(path.strip(".").split("."))):
            yield finding(
                workflow,
                "workflow-result",
                name,
                f"$states.result{path} is not in the response of {call.operation}",
                "correct the path in Output or Assign.",
            )


def _evaluated(assembly: Assembly) -> Iterator[Finding]:
    """What a run would send, evaluated on sample values."""
    for visit in visits(assembly):
        for where, problem in visit.problems:
            cure = "correct the expression, or what it reads."
            yield finding(visit.workflow, "workflow-expression", visit.name, f"{where}: {problem}", cure)
        try:
            call = sdk.parse(str(visit.state.get("Resource", "")))
        except ValueError:
            continue
        if call is not None and visit.arguments is not None:
            for problem in sdk.problems(call.model.input_shape, visit.arguments, call.operation):
                cure = "shorten the names in config, or correct the state's Arguments."
                yield finding(visit.workflow, "workflow-values", visit.name, problem, cure)
