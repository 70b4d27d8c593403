"""The running endpoint while somebody sends it hostile expressions and documents."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.apigateway.plugin import _occurs
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import running

PLUGINS = "iam,cloudformation,lambda,dynamodb,s3,apigateway,stepfunctions,scheduler,personalize,guard"
MOMENT = 1.0
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running(tmp_path_factory.mktemp("endpoint"), plugins=PLUGINS) as endpoint:
        yield endpoint


def _tested(endpoint: Endpoint, expression: str) -> dict[str, Any]:
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% " + expression + " %}", "End": True}
    answer: dict[str, Any] = endpoint.client("stepfunctions").test_state(
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "P", "States": {"P": state}}),
        input="{}",
    )
    return answer


def _health_seconds(endpoint: Endpoint) -> float:
    started = time.monotonic()
    with urllib.request.urlopen(f"{endpoint.url}/_ministack/health", timeout=30) as answer:
        assert answer.status == 200
    return time.monotonic() - started


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param(f"$match('{'a' * 60}!', /(a+)+$/)", id="a regular expression"),
        pytest.param("($f := function($n) { $f($n + 1) }; $f(1))", id="recursion", marks=pytest.mark.nightly),
    ],
)
def test_the_endpoint_answers_others_while_an_expression_spins(endpoint: Endpoint, expression: str) -> None:
    answers: list[dict[str, Any]] = []
    slow = threading.Thread(target=lambda: answers.append(_tested(endpoint, expression)))
    slow.start()
    time.sleep(0.5)
    assert min(_health_seconds(endpoint) for _ in range(3)) < MOMENT
    assert _tested(endpoint, "1 + 1")["output"] == "2"
    slow.join()
    assert (answers[0]["status"], answers[0]["error"]) == ("FAILED", "States.QueryEvaluationError")


def _group(endpoint: Endpoint) -> str:
    answer = endpoint.client("personalize").create_dataset_group(name="nested")
    return str(answer["datasetGroupArn"])


CALLS: dict[str, tuple[Callable[[Endpoint], Any], str]] = {
    "a definition": (
        lambda e: e.client("stepfunctions").create_state_machine(
            name="x", roleArn="arn:aws:iam::222222222222:role/x", definition=DEEP
        ),
        "SerializationException",
    ),
    "an input": (
        lambda e: e.client("stepfunctions").test_state(
            definition=json.dumps({"Type": "Pass", "End": True}), input=DEEP
        ),
        "SerializationException",
    ),
    "a trust policy": (
        lambda e: e.client("iam").create_role(RoleName="x", AssumeRolePolicyDocument=DEEP),
        "MalformedPolicyDocument",
    ),
    "a bucket policy": (
        lambda e: e.client("s3").put_bucket_policy(Bucket="x-bucket", Policy=DEEP),
        "MalformedPolicy",
    ),
    "a template": (
        lambda e: e.client("cloudformation").create_stack(StackName="x", TemplateBody=DEEP),
        "ValidationError",
    ),
    "an event pattern": (
        lambda e: e.client("events").put_rule(Name="x", EventPattern=DEEP[:4000]),
        "SerializationException",
    ),
    "a payload": (
        lambda e: e.client("lambda").invoke(FunctionName="x", Payload=DEEP),
        "InvalidRequestContentException",
    ),
    "a schema": (
        lambda e: e.client("personalize").create_schema(name="x", schema="[" * 9000 + "]" * 9000),
        "SerializationException",
    ),
    "a filter": (
        lambda e: e.client("personalize").create_filter(
            name="x",
            datasetGroupArn=_group(e),
            filterExpression="INCLUDE ItemID WHERE " + "(" * 2400,
        ),
        "InvalidInputException",
    ),
}


@pytest.mark.parametrize(("call", "code"), CALLS.values(), ids=CALLS)
def test_a_document_that_nests_too_deep_is_refused_by_its_service(
    endpoint: Endpoint, call: Callable[[Endpoint], Any], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        call(endpoint)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert _health_seconds(endpoint) < 10 * MOMENT


def test_files_may_nest_as_they_like(endpoint: Endpoint, tmp_path: Path) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": endpoint.region})
    s3.put_object(Bucket="files", Key="deep.json", Body=DEEP.encode(), ContentType="application/json")
    assert s3.get_object(Bucket="files", Key="deep.json")["Body"].read() == DEEP.encode()


def test_a_pattern_of_a_models_schema_has_a_deadline() -> None:
    started = time.monotonic()
    assert _occurs("^(a+)+$", "a" * 60 + "!") is False
    assert time.monotonic() - started < 10 * MOMENT
    assert [_occurs("^a+$", "aaa"), _occurs("b", "abc"), _occurs("(", "a")] == [True, True, None]
