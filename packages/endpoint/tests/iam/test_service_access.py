from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint import permissions
from osusume_endpoint.endpoint import AccessDenied, Endpoint
from osusume_endpoint.testing.running import eventually, make_function, name

PERSONALIZE = "personalize.amazonaws.com"


@pytest.fixture
def here(tmp_path: Any) -> Endpoint:
    return Endpoint(url="", port=0, region="eu-central-1", account="222222222222", home=tmp_path)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bucket policy in this process: returns a function that sets its statements."""
    from ministack.core.responses import AccountScopedDict
    from ministack.services import s3

    policies, buckets = AccountScopedDict(), AccountScopedDict()
    monkeypatch.setattr(s3, "_bucket_policies", policies)
    monkeypatch.setattr(s3, "_buckets", buckets)
    buckets["data"] = {}

    def write(*statements: dict[str, Any]) -> None:
        policies["data"] = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

    return write


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": PERSONALIZE},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::data/*",
        **changes,
    }


def read(here: Endpoint, source_arn: str | None = None) -> None:
    permissions.check_service_access(
        here, PERSONALIZE, "s3:GetObject", "arn:aws:s3:::data/x", source_arn=source_arn
    )


def test_a_bucket_policy_must_name_the_service_and_the_action(here: Endpoint, bucket: Any) -> None:
    bucket(statement())
    read(here)
    for other in (
        statement(Principal={"Service": "glue.amazonaws.com"}),
        statement(Action="s3:PutObject"),
        statement(Resource="arn:aws:s3:::other/*"),
    ):
        bucket(other)
        with pytest.raises(AccessDenied, match=f"{PERSONALIZE} is not authorized to perform: s3:GetObject"):
            read(here)


def test_confused_deputy_conditions_hold_for_services(here: Endpoint, bucket: Any) -> None:
    group = "arn:aws:personalize:eu-central-1:222222222222:*"
    conditions = {
        "StringEquals": {"aws:SourceAccount": here.account},
        "ArnLike": {"aws:SourceArn": group},
    }
    bucket(statement(Condition=conditions))
    read(here, "arn:aws:personalize:eu-central-1:222222222222:dataset/a")
    with pytest.raises(AccessDenied):
        read(here, "arn:aws:personalize:eu-central-1:333333333333:dataset/a")


def test_a_deny_for_everybody_reaches_services(here: Endpoint, bucket: Any) -> None:
    insecure = statement(
        Effect="Deny",
        Principal="*",
        Action="s3:*",
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
    bucket(statement(), insecure)
    read(here)  # services come over TLS
    bucket(statement(), {**insecure, "Condition": {}})
    with pytest.raises(AccessDenied, match="explicit deny"):
        read(here)


def test_a_topic_reaches_a_function_only_with_the_functions_permission(
    cloud: Endpoint, tmp_path: Path
) -> None:
    # A file and not a counter: the delivery may run in another process of the function than a later call.
    received = tmp_path / "received"
    code = (
        "def handler(event, context):\n"
        f"    open({str(received)!r}, 'a').write(event['Records'][0]['Sns']['Message'])\n"
    )
    function = make_function(cloud, code)
    sns = cloud.client("sns")
    topic = sns.create_topic(Name=name("topic"))["TopicArn"]
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:{function}"
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="refused ")
    time.sleep(0.5)  # deliveries are asynchronous: this one must be decided before the permission is there
    cloud.client("lambda").add_permission(
        FunctionName=function,
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sns.publish(TopicArn=topic, Message="let through")
    assert eventually(lambda: received.exists() and received.read_text()) == "let through"
