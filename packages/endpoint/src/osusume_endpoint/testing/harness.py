"""Runs a definition in this process, after it has passed validation."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from osusume_endpoint.stepfunctions.definition import validate
from osusume_endpoint.stepfunctions.execution import Execution
from osusume_endpoint.stepfunctions.scope import Identity
from osusume_endpoint.testing.scripted import Cloud

ACCOUNT = "arn:aws:states:eu-west-1:123456789012"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:f"
IDENTITY = Identity(
    execution_arn=f"{ACCOUNT}:execution:machine:run-1",
    execution_name="run-1",
    state_machine_arn=f"{ACCOUNT}:stateMachine:machine",
    state_machine_name="machine",
    role_arn="arn:aws:iam::123456789012:role/machine",
)
NOTHING: dict[str, Any] = {}


@dataclass(frozen=True)
class Case:
    """`source` is where the behaviour is written down."""

    name: str
    source: str
    definition: dict[str, Any]
    value: Any = field(default_factory=dict)
    output: Any = None
    error: str | None = None
    cause: str | None = None  # a part of it


def states(**states_: dict[str, Any]) -> dict[str, Any]:
    """A JSONPath machine: each state leads to the following one unless it says otherwise."""
    return {"StartAt": next(iter(states_)), "States": chained(states_)}


def jsonata(**states_: dict[str, Any]) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata", **states(**states_)}


def chained(states_: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    names = list(states_)
    result = {}
    for place, (name, state) in enumerate(states_.items()):
        free = state["Type"] not in ("Choice", "Succeed", "Fail") and not {"Next", "End"} & set(state)
        follow = {"Next": names[place + 1]} if place + 1 < len(names) else {"End": True}
        result[name] = {**state, **follow} if free else state
    return result


def execution(
    definition: dict[str, Any], value: Any = NOTHING, *, cloud: Any = None, **more: Any
) -> Execution:
    problems = validate(definition)
    assert not problems, "\n".join(map(str, problems))
    options: dict[str, Any] = {"wait_scale": 0.001, **more}
    return Execution(
        definition=definition, value=value, identity=IDENTITY, clients=cloud or Cloud(), **options
    )


def run(definition: dict[str, Any], value: Any = NOTHING, *, cloud: Any = None, **more: Any) -> Execution:
    finished = execution(definition, value, cloud=cloud, **more)
    finished.run()
    return finished


def output(definition: dict[str, Any], value: Any = NOTHING, *, cloud: Any = None, **more: Any) -> Any:
    result = run(definition, value, cloud=cloud, **more).result
    assert result.status == "SUCCEEDED", result
    return json.loads(result.output or "")


def failure(definition: dict[str, Any], value: Any = NOTHING, *, cloud: Any = None) -> tuple[str | None, str]:
    result = run(definition, value, cloud=cloud).result
    assert result.status == "FAILED", result
    return result.error, result.cause or ""


def check(case: Case) -> None:
    assert case.source
    result = run(case.definition, case.value).result
    if case.error is None:
        assert result.status == "SUCCEEDED", result
        assert json.loads(result.output or "") == case.output
    else:
        assert (result.status, result.error) == ("FAILED", case.error)
        assert (case.cause or "") in (result.cause or "")
        if case.definition["States"][case.definition["StartAt"]]["Type"] == "Fail":
            assert result.cause == case.cause


def event_types(finished: Execution) -> list[str]:
    return [event["type"] for event in finished.history.events]


def function(handler: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A Lambda function: its exceptions become the answer a Python runtime gives."""

    def invoke(params: dict[str, Any]) -> dict[str, Any]:
        try:
            result = handler(json.loads(params["Payload"]))
        except Exception as error:
            body = {"errorMessage": str(error), "errorType": type(error).__name__}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": _stream(body)}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": _stream(result)}

    return invoke


def lambda_cloud(handler: Callable[[Any], Any]) -> Cloud:
    return Cloud({("lambda", "Invoke"): function(handler)})


def _stream(value: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(value).encode())
