from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.credentials import Credentials

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.signed import RequestRefused, send
from osusume_endpoint.testing.running import allow, caller, error_of, eventually, make_role, name, session_of

SCHEDULER = "scheduler.amazonaws.com"


def make_queue(cloud: Endpoint) -> tuple[str, str]:
    """(URL, ARN)."""
    queue = name("queue")
    url = cloud.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
    return url, f"arn:aws:sqs:{cloud.region}:{cloud.account}:{queue}"


def received(cloud: Endpoint, url: str) -> dict[str, Any]:
    sqs = cloud.client("sqs")
    return eventually(  # type: ignore[no-any-return]
        lambda: sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [None])[0]
    )


def schedule(cloud: Endpoint, target: dict[str, Any], *, expression: str = "rate(1 day)", **more: Any) -> str:
    identity = name("schedule")
    cloud.client("scheduler").create_schedule(
        Name=identity,
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
        **more,
    )
    return identity


def sender(cloud: Endpoint, arn: str, **condition: Any) -> str:
    return make_role(
        cloud, allow("sqs:SendMessage", resource=arn), service=SCHEDULER, condition=condition or None
    )


def operator(cloud: Endpoint) -> Any:
    return session_of(cloud, make_role(cloud, allow("osusume:FireSchedule")))


def fire(cloud: Endpoint, identity: str) -> dict[str, Any]:
    try:
        return dict(json.loads(fired(cloud, identity, credentials=operator(cloud))))
    except RequestRefused as refused:  # 502: what the target answered
        _, code, body = str(refused).partition(": 502 ")
        assert code, refused
        return dict(json.loads(body))


def fired(cloud: Endpoint, identity: str, *, credentials: Any) -> bytes:
    query = urlencode({"name": identity, "group": "default"})
    return send(
        "POST",
        f"{cloud.url}/_osusume/scheduler/fire?{query}",
        service="scheduler",
        region=cloud.region,
        credentials=Credentials(*credentials),
        body=b"",
        seconds=120,
    )


def test_a_due_schedule_fires_by_itself_with_context_attributes_filled_in(cloud: Endpoint) -> None:
    url, arn = make_queue(cloud)
    body = json.dumps({"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"})
    identity = schedule(
        cloud,
        {"Arn": arn, "RoleArn": sender(cloud, arn), "Input": body},
        expression="at(2020-01-01T00:00:00)",
    )
    # An at() in the past never fires; the same schedule, moved to a moment from now, does.
    from datetime import UTC, datetime, timedelta

    soon = datetime.now(UTC) + timedelta(seconds=3)
    cloud.client("scheduler").update_schedule(
        Name=identity,
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": sender(cloud, arn), "Input": body},
    )
    message = json.loads(received(cloud, url)["Body"])
    assert message["at"] == f"{soon:%Y-%m-%dT%H:%M:%SZ}"
    assert message["by"].endswith(f":schedule/default/{identity}")


def test_firing_by_hand_sends_the_real_input_with_the_role(cloud: Endpoint) -> None:
    url, arn = make_queue(cloud)
    identity = schedule(cloud, {"Arn": arn, "RoleArn": sender(cloud, arn), "Input": '{"full": true}'})
    assert fire(cloud, identity)["delivered"] is True
    assert json.loads(received(cloud, url)["Body"]) == {"full": True}


def test_a_universal_target_calls_the_api(cloud: Endpoint) -> None:
    url, arn = make_queue(cloud)
    role = sender(cloud, arn)
    target = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    parameters = json.dumps({"QueueUrl": url, "MessageBody": "universal"})
    identity = schedule(cloud, {"Arn": target, "RoleArn": role, "Input": parameters})
    assert fire(cloud, identity)["delivered"] is True
    assert received(cloud, url)["Body"] == "universal"


def test_a_role_without_the_permission_ends_in_the_dead_letter_queue(cloud: Endpoint) -> None:
    _, arn = make_queue(cloud)
    dead_url, dead_arn = make_queue(cloud)
    identity = schedule(
        cloud,
        {
            "Arn": arn,
            "RoleArn": sender(cloud, dead_arn),
            "Input": "lost",
            "DeadLetterConfig": {"Arn": dead_arn},
        },
    )
    outcome = fire(cloud, identity)
    assert (outcome["delivered"], outcome["attempts"]) == (False, 1)
    assert "sqs:SendMessage" in outcome["message"] or "sqs:sendmessage" in outcome["message"]
    message = received(cloud, dead_url)
    assert message["Body"] == "lost"
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == arn
    assert "AccessDenied" in message["MessageAttributes"]["ERROR_CODE"]["StringValue"]


def test_the_confused_deputy_condition_names_the_schedule_group(cloud: Endpoint) -> None:
    _, arn = make_queue(cloud)
    group = f"arn:aws:scheduler:{cloud.region}:{cloud.account}:schedule-group/default"
    right = sender(cloud, arn, StringEquals={"aws:SourceArn": group, "aws:SourceAccount": cloud.account})
    assert fire(cloud, schedule(cloud, {"Arn": arn, "RoleArn": right, "Input": "x"}))["delivered"] is True
    wrong = sender(cloud, arn, StringEquals={"aws:SourceArn": f"{group}-other"})
    assert error_of(lambda: schedule(cloud, {"Arn": arn, "RoleArn": wrong}))[0] == "ValidationException"


def test_creating_with_a_role_for_another_service_is_refused(cloud: Endpoint) -> None:
    _, arn = make_queue(cloud)
    role = make_role(cloud, service="lambda.amazonaws.com")
    code, message = error_of(lambda: schedule(cloud, {"Arn": arn, "RoleArn": role}))
    assert code == "ValidationException"
    assert (
        message == "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    )


def test_a_schedule_that_could_never_fire_is_refused(cloud: Endpoint) -> None:
    _, arn = make_queue(cloud)
    target = {"Arn": arn, "RoleArn": sender(cloud, arn)}
    for wrong in ({"expression": "cron(1 2 3)"}, {"ScheduleExpressionTimezone": "Mars/Olympus"}):
        assert error_of(lambda: schedule(cloud, target, **wrong))[0] == "ValidationException"  # noqa: B023


def test_firing_by_hand_needs_the_operators_permission(cloud: Endpoint) -> None:
    _, arn = make_queue(cloud)
    identity = schedule(cloud, {"Arn": arn, "RoleArn": sender(cloud, arn)})
    nobody = session_of(cloud, make_role(cloud, allow("scheduler:*")))
    with pytest.raises(RuntimeError, match="403"):
        fired(cloud, identity, credentials=nobody)
    assert caller(cloud, allow("scheduler:GetSchedule"))("scheduler").get_schedule(Name=identity)
