"""Optimized integrations: which exist here, what they add to the plain call, and which jobs they wait for.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from osusume_endpoint.stepfunctions.errors import UnsupportedFeature
from osusume_endpoint.stepfunctions.integrations import events, functions, jobs
from osusume_endpoint.stepfunctions.integrations.resources import CALLBACK, SYNC, SYNC_JSON, Resource
from osusume_endpoint.stepfunctions.integrations.sdk import Call
from osusume_endpoint.stepfunctions.payloads import dumps
from osusume_endpoint.stepfunctions.scope import Clients

Json = dict[str, Any]


@dataclass(frozen=True)
class Integration:
    """`sdk` is the call behind it: (service, action) as an aws-sdk resource names them."""

    sdk: tuple[str, str]
    call: Callable[[Clients, Json], Json]
    patterns: tuple[str, ...] = ()
    jobs: dict[str, jobs.Job] = field(default_factory=dict)


def find(resource: Resource) -> Integration:
    integration = INTEGRATIONS.get((resource.service, resource.action))
    if integration is None or (resource.pattern and resource.pattern not in integration.patterns):
        raise UnsupportedFeature(f"The integration {resource.arn}")
    return integration


def _called(call: Callable[[], Call], prepare: Callable[[Json], Json] | None = None) -> Callable[..., Json]:
    def run(clients: Clients, arguments: Json) -> Json:
        prepared = prepare(arguments) if prepare and isinstance(arguments, dict) else arguments
        return call()(clients, prepared)

    return run


def _texts(*keys: str) -> Callable[[Json], Json]:
    """Fields that are JSON texts in the API and may be JSON in an optimized integration."""

    def prepare(arguments: Json) -> Json:
        texts = {k: dumps(arguments[k]) for k in keys if not isinstance(arguments.get(k), str | None)}
        return {**arguments, **texts}

    return prepare


def _dynamodb(action: str) -> Integration:
    def call() -> Call:
        return Call("dynamodb", action, prefix="DynamoDB", fallback="AmazonDynamoDBException", metadata=True)

    return Integration(sdk=("dynamodb", action), call=_called(call))


def _start_execution() -> Call:
    return Call(
        "sfn",
        "startExecution",
        prefix="StepFunctions",
        fallback="AWSStepFunctionsException",
        millis=True,
        metadata=True,
    )


def _athena(action: str, **more: Any) -> Integration:
    def call() -> Call:
        return Call("athena", action, prefix="Athena", fallback="AmazonAthenaException", millis=True)

    return Integration(sdk=("athena", action), call=_called(call), **more)


INTEGRATIONS: dict[tuple[str, str], Integration] = {
    ("lambda", "invoke"): Integration(sdk=("lambda", "invoke"), call=functions.invoke, patterns=(CALLBACK,)),
    ("glue", "startJobRun"): Integration(
        sdk=("glue", "startJobRun"),
        call=_called(lambda: Call("glue", "startJobRun", fallback="AWSGlueException")),
        patterns=(SYNC,),
        jobs={SYNC: jobs.GLUE_JOB},
    ),
    ("codebuild", "startBuild"): Integration(
        sdk=("codebuild", "startBuild"),
        call=_called(lambda: Call("codebuild", "startBuild", fallback="AWSCodeBuildException", millis=True)),
        patterns=(SYNC,),
        jobs={SYNC: jobs.BUILD},
    ),
    ("states", "startExecution"): Integration(
        sdk=("sfn", "startExecution"),
        call=_called(_start_execution, _texts("Input")),
        patterns=(SYNC, SYNC_JSON, CALLBACK),
        jobs={SYNC: jobs.NESTED_EXECUTION, SYNC_JSON: jobs.NESTED_EXECUTION_JSON},
    ),
    ("sqs", "sendMessage"): Integration(
        sdk=("sqs", "sendMessage"),
        call=_called(
            lambda: Call("sqs", "sendMessage", prefix="SQS", fallback="AmazonSQSException", metadata=True),
            _texts("MessageBody"),
        ),
        patterns=(CALLBACK,),
    ),
    ("sns", "publish"): Integration(
        sdk=("sns", "publish"),
        call=_called(
            lambda: Call("sns", "publish", prefix="SNS", fallback="AmazonSNSException", metadata=True),
            _texts("Message"),
        ),
        patterns=(CALLBACK,),
    ),
    ("events", "putEvents"): Integration(
        sdk=("eventbridge", "putEvents"), call=events.put, patterns=(CALLBACK,)
    ),
    ("athena", "startQueryExecution"): _athena(
        "startQueryExecution", patterns=(SYNC,), jobs={SYNC: jobs.ATHENA_QUERY}
    ),
    **{
        ("athena", action): _athena(action)
        for action in ("getQueryExecution", "getQueryResults", "stopQueryExecution")
    },
    **{
        ("dynamodb", action): _dynamodb(action)
        for action in ("getItem", "putItem", "updateItem", "deleteItem")
    },
}
