"""Every error that passes by itself is retried by every task of the workflows that can meet it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from osusume_endpoint.calls import Call as Request
from osusume_endpoint.faults.answers import problem_of
from osusume_endpoint.faults.plan import Rule
from osusume_endpoint.stepfunctions.integrations import services
from osusume_endpoint.stepfunctions.integrations.sdk import Call
from osusume_endpoint.wire import Request as WireRequest
from stacks.workflows import load, pipeline, prepare, recommend, train
from tests import example

# Prefix and base exception of the optimized integrations (those of the SDK integrations are derived).
OPTIMIZED = {
    "dynamodb": ("dynamodb", "DynamoDB", "AmazonDynamoDBException"),
    "glue": ("glue", None, "AWSGlueException"),
    "lambda": ("lambda", "Lambda", "AWSLambdaException"),
    "sns": ("sns", "SNS", "AmazonSNSException"),
    "states": ("sfn", "StepFunctions", "AWSStepFunctionsException"),
}
Gaps = dict[str, set[str]]  # error name -> states that do not retry it


@pytest.fixture(scope="module")
def gaps() -> Gaps:
    settings, found = example.settings(), defaultdict(set)
    for name, module in (
        ("pipeline", pipeline),
        ("prepare", prepare),
        ("train", train),
        ("recommend", recommend),
        ("load", load),
    ):
        for path, state in _tasks(module.definition(settings), name):
            for error in _passing(state["Resource"]) - _retried(state):
                found[error].add(path)
    return dict(found)


def test_no_task_gives_up_on_an_error_that_passes(gaps: Gaps) -> None:
    assert gaps == {}


def test_a_task_that_does_not_retry_is_noticed() -> None:
    state = {"Resource": "arn:aws:states:::aws-sdk:personalize:createSolution", "Retry": []}
    assert _passing(state["Resource"]) - _retried(state) == {"Personalize.PersonalizeException"}


def _tasks(part: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in part["States"].items():
        inner = f"{path} › {name}"
        if state["Type"] == "Task":
            yield inner, state
        for below in (state.get("ItemProcessor"), *state.get("Branches", [])):
            if below:
                yield from _tasks(below, inner)


def _passing(resource: str) -> set[str]:
    """Step Functions' names of a throttle and of errors of the server, of the call that a task makes."""
    call = _call(resource.removeprefix("arn:aws:states:::"))
    service = services.botocore_name(call.service)
    request = Request(service, "", WireRequest("POST", "/", {}, b"{}", {}))
    kinds: tuple[Any, ...] = ("throttle", "internal_error", "unavailable")
    problems = [problem_of(request, call.model.name, Rule(service=service, kind=kind)) for kind in kinds]
    return {f"{call.prefix}.{call._name(problem.code)}" for problem in problems}


def _call(resource: str) -> Call:
    if resource.startswith("aws-sdk:"):
        _, service, action = resource.split(":")
        return Call(service, action)
    service, action = resource.split(".")[0].split(":")
    sdk, prefix, fallback = OPTIMIZED[service]
    return Call(sdk, action, prefix=prefix, fallback=fallback)


def _retried(state: dict[str, Any]) -> set[str]:
    return {error for retrier in state.get("Retry", []) for error in retrier["ErrorEquals"]}
