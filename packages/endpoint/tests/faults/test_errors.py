"""Every kind of fault, as boto3 shows it to its caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectionError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.retries.standard import ExponentialBackoff

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.faults.client import Faults
from osusume_endpoint.signed import RequestRefused
from osusume_endpoint.testing.running import allow, caller, name

Client = Callable[..., Any]
Act = Callable[[Any], Any]

CALLS: dict[str, tuple[str, str, Act]] = {
    # label: (service, operation, call)
    "json": ("secretsmanager", "ListSecrets", lambda c: c.list_secrets()),
    "s3": ("s3", "ListBuckets", lambda c: c.list_buckets()),
    "query": ("sts", "GetCallerIdentity", lambda c: c.get_caller_identity()),
    "rest-json": ("lambda", "ListFunctions", lambda c: c.list_functions()),
    "cbor": ("cloudwatch", "ListMetrics", lambda c: c.list_metrics()),
    "sns": ("sns", "ListTopics", lambda c: c.list_topics()),
    "sqs": ("sqs", "ListQueues", lambda c: c.list_queues()),
    "dynamodb": ("dynamodb", "ListTables", lambda c: c.list_tables()),
    "glue": ("glue", "GetJobs", lambda c: c.get_jobs()),
    "states": ("stepfunctions", "ListStateMachines", lambda c: c.list_state_machines()),
    "kms": ("kms", "ListKeys", lambda c: c.list_keys()),
}

# Of the API references: what each service answers.
EXPECTED = [
    ("json", "throttle", "ThrottlingException", 400),
    ("json", "internal_error", "InternalServiceError", 500),
    ("json", "unavailable", "ServiceUnavailable", 503),
    ("json", "expired_credentials", "ExpiredTokenException", 400),
    ("json", "access_denied", "AccessDeniedException", 403),
    ("s3", "throttle", "SlowDown", 503),
    ("s3", "internal_error", "InternalError", 500),
    ("s3", "unavailable", "ServiceUnavailable", 503),
    ("s3", "expired_credentials", "ExpiredToken", 400),
    ("s3", "access_denied", "AccessDenied", 403),
    ("query", "throttle", "Throttling", 400),
    ("query", "internal_error", "InternalFailure", 500),
    ("query", "unavailable", "ServiceUnavailable", 503),
    ("query", "expired_credentials", "ExpiredToken", 403),
    ("query", "access_denied", "AccessDenied", 403),
    ("rest-json", "throttle", "TooManyRequestsException", 429),
    ("rest-json", "internal_error", "ServiceException", 500),
    ("rest-json", "expired_credentials", "ExpiredTokenException", 403),
    ("cbor", "throttle", "Throttling", 400),
    ("cbor", "expired_credentials", "ExpiredToken", 403),
    ("sns", "throttle", "Throttling", 400),
    ("sns", "internal_error", "InternalError", 500),
    ("sqs", "throttle", "RequestThrottled", 400),
    ("dynamodb", "throttle", "ThrottlingException", 400),
    ("dynamodb", "internal_error", "InternalServerError", 500),
    ("glue", "throttle", "ThrottlingException", 400),
    ("glue", "internal_error", "InternalServiceException", 500),
    ("states", "throttle", "ThrottlingException", 400),
    ("kms", "internal_error", "KMSInternalException", 500),
]


@pytest.mark.parametrize(("label", "kind", "code", "status"), EXPECTED)
def test_a_fault_is_the_error_that_the_service_answers(
    faults: Faults, client: Client, label: str, kind: str, code: str, status: int
) -> None:
    service, operation, call = CALLS[label]
    faults.use(f"rules: [{{service: {service}, operation: {operation}, kind: {kind}}}]")
    with pytest.raises(ClientError) as raised:
        call(client(service))
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert answer["Error"]["Message"]
    call(client(service))  # one fault by default: this call passes


@pytest.mark.parametrize("label", CALLS)
@pytest.mark.parametrize("kind", ["throttle", "internal_error", "unavailable", "reset"])
def test_retries_of_botocore_get_past_two_faults(
    faults: Faults, client: Client, monkeypatch: pytest.MonkeyPatch, label: str, kind: str
) -> None:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0.01)
    service, operation, call = CALLS[label]
    faults.use(f"rules: [{{service: {service}, operation: {operation}, kind: {kind}, count: 2}}]")
    assert call(client(service, attempts=3))["ResponseMetadata"]["RetryAttempts"] == 2


@pytest.mark.parametrize(
    ("billing", "code"),
    [
        ("PAY_PER_REQUEST", "ThrottlingException"),
        ("PROVISIONED", "ProvisionedThroughputExceededException"),
    ],
)
def test_a_table_is_throttled_as_its_capacity_mode_says(
    cloud: Endpoint, faults: Faults, client: Client, billing: str, code: str
) -> None:
    table = name("table")
    capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    cloud.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode=billing,
        **({"ProvisionedThroughput": capacity} if billing == "PROVISIONED" else {}),
    )
    faults.use("rules: [{service: dynamodb, operation: PutItem, kind: throttle}]")
    with pytest.raises(ClientError) as raised:
        client("dynamodb").put_item(TableName=table, Item={"pk": {"S": "1"}})
    assert raised.value.response["Error"]["Code"] == code
    assert cloud.client("dynamodb").scan(TableName=table)["Count"] == 0


def test_a_reset_breaks_the_connection_without_an_answer(faults: Faults, client: Client) -> None:
    faults.use("rules: [{service: sqs, kind: reset}]")
    with pytest.raises((ConnectionClosedError, HTTPClientError, EndpointConnectionError)) as raised:
        client("sqs").list_queues()
    assert isinstance(raised.value, ConnectionError | HTTPClientError)


def test_a_timeout_keeps_the_caller_waiting_for_its_own_limit(faults: Faults, client: Client) -> None:
    faults.use("rules: [{service: sqs, kind: timeout, seconds: 5}]")
    started = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        client("sqs", read_timeout=1).list_queues()
    assert 0.9 < time.monotonic() - started < 4


def test_a_timeout_that_nobody_limits_ends_with_its_seconds(faults: Faults, client: Client) -> None:
    faults.use("rules: [{service: sqs, kind: timeout, seconds: 0.5}]")
    started = time.monotonic()
    with pytest.raises(HTTPClientError):
        client("sqs").list_queues()
    assert 0.5 <= time.monotonic() - started < 4


@pytest.mark.parametrize(("performed", "queues"), [("true", 1), ("false", 0)])
def test_a_lost_answer_may_be_that_of_a_call_that_was_done(
    cloud: Endpoint, faults: Faults, client: Client, performed: str, queues: int
) -> None:
    queue = name("queue")
    faults.use(f"rules: [{{service: sqs, operation: CreateQueue, kind: reset, performed: {performed}}}]")
    with pytest.raises(HTTPClientError):
        client("sqs").create_queue(QueueName=queue)
    found = cloud.client("sqs").list_queues(QueueNamePrefix=queue).get("QueueUrls", [])
    assert len(found) == queues


def test_code_and_status_may_be_the_plan_s_own(faults: Faults, client: Client) -> None:
    faults.use("rules: [{service: sqs, kind: throttle, code: OverLimit, status: 403}]")
    with pytest.raises(ClientError) as raised:
        client("sqs").list_queues()
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("OverLimit", 403)


def test_a_rule_hits_only_the_role_that_it_names(cloud: Endpoint, faults: Faults, client: Client) -> None:
    clients = caller(cloud, allow("sqs:ListQueues"))
    role = clients("sts").get_caller_identity()["Arn"].split("/")[1]
    faults.use(f"rules: [{{service: sqs, role: '{role[:-3]}*', kind: throttle, count: 9}}]")
    client("sqs").list_queues()
    with pytest.raises(ClientError, match="RequestThrottled"):
        clients("sqs").list_queues()
    [fired] = faults.report()["fired"][:1]
    assert fired["what"] == "sqs:ListQueues" and f"/{role}/" in fired["caller"]


def test_the_administrator_is_spared_unless_named(cloud: Endpoint, faults: Faults) -> None:
    faults.use("rules: [{service: sqs, kind: throttle, count: 9}]")
    cloud.client("sqs").list_queues()
    faults.use("rules: [{service: sqs, role: root, kind: throttle, count: 9}]")
    with pytest.raises(ClientError, match="RequestThrottled"):
        cloud.client("sqs").list_queues()


def test_the_named_calls_fail_and_those_before_and_after_pass(faults: Faults, client: Client) -> None:
    faults.use("rules: [{service: sqs, operation: 'List*', kind: throttle, after: 2, count: 2}]")
    sqs, outcome = client("sqs"), []
    for _ in range(6):
        try:
            sqs.list_queues()
            outcome.append("passed")
        except ClientError:
            outcome.append("failed")
    assert outcome == ["passed", "passed", "failed", "failed", "passed", "passed"]


def test_only_who_may_inject_faults_sets_a_plan(cloud: Endpoint) -> None:
    plan = "rules: [{service: sqs, kind: throttle}]"
    refused = _route(cloud, allow("sqs:*"))
    with pytest.raises(RequestRefused, match="osusume:InjectFaults is not allowed"):
        refused.use(plan)
    allowed = _route(cloud, allow("osusume:InjectFaults"))
    assert allowed.use(plan)["plan"]["rules"][0]["service"] == "sqs"
    assert allowed.clear()["fired"] == []
    assert allowed.report()["plan"] is None


def test_a_wrong_plan_is_refused_and_the_one_before_stays(faults: Faults) -> None:
    faults.use("rules: [{service: sqs, kind: throttle}]")
    with pytest.raises(RequestRefused, match="did you mean 'ListQueues'"):
        faults.use("rules: [{service: sqs, operation: ListQueue, kind: throttle}]")
    assert faults.report()["plan"]["rules"] == [{"service": "sqs", "kind": "throttle"}]


def _route(cloud: Endpoint, *statements: Any) -> Faults:
    from osusume_endpoint.testing.running import make_role, session_of

    session = session_of(cloud, make_role(cloud, *statements))
    return Faults(url=cloud.url, region=cloud.region, credentials=session)
