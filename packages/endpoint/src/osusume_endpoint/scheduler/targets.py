"""What a schedule calls: templated targets and universal ones, with the schedule's own role."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from osusume_endpoint import wire
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.errors import NotEmulated

Target = dict[str, Any]
Client = Callable[[str], Any]

UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
# Universal targets use the SDK's names of services, where boto3 has others.
SDK_NAMES = {
    "sfn": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "redshiftdata": "redshift-data",
    "redshiftserverless": "redshift-serverless",
    "personalizeruntime": "personalize-runtime",
    "personalizeevents": "personalize-events",
    "rdsdata": "rds-data",
}


def invoke(target: Target, payload: str, *, endpoint: Endpoint, credentials: Credentials) -> dict[str, Any]:
    """Calls the target. Raises ClientError as the target answered it, or NotEmulated."""

    def client(service: str) -> Any:
        return endpoint.client(service, credentials)

    arn = target["Arn"]
    if arn.startswith(UNIVERSAL):
        return _universal(arn.removeprefix(UNIVERSAL), payload, client)
    templated = TEMPLATED.get(arn.split(":")[2])
    if templated is None:
        raise NotEmulated(service="scheduler", operation=f"target {arn}")
    return templated(target, payload, client)


def _universal(named: str, payload: str, client: Client) -> dict[str, Any]:
    sdk_name, _, action = named.partition(":")
    service = SDK_NAMES.get(sdk_name, sdk_name)
    operation = action[:1].upper() + action[1:]
    model = wire.service_model(service)
    if operation not in model.operation_names:
        raise ClientError({"Error": {"Code": "ValidationException", "Message": f"No API {named}"}}, operation)
    members = {n.lower(): n for n in getattr(model.operation_model(operation).input_shape, "members", {})}
    given = json.loads(payload or "{}")
    unknown = sorted(k for k in given if k.lower() not in members)
    if unknown:
        message = f"{operation} has no parameter {', '.join(unknown)}"
        raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)
    parameters = {members[k.lower()]: v for k, v in given.items()}
    from botocore import xform_name

    return dict(getattr(client(service), xform_name(operation))(**parameters))


def _state_machine(target: Target, payload: str, client: Client) -> dict[str, Any]:
    return dict(client("stepfunctions").start_execution(stateMachineArn=target["Arn"], input=payload or "{}"))


def _function(target: Target, payload: str, client: Client) -> dict[str, Any]:
    return dict(
        client("lambda").invoke(FunctionName=target["Arn"], InvocationType="Event", Payload=payload.encode())
    )


def _queue(target: Target, payload: str, client: Client) -> dict[str, Any]:
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    options = {"MessageGroupId": group} if group else {}
    sqs = client("sqs")
    return dict(sqs.send_message(QueueUrl=queue_url(sqs, target["Arn"]), MessageBody=payload, **options))


def queue_url(sqs: Any, arn: str) -> str:
    account, name = arn.split(":")[4:6]
    return f"{sqs.meta.endpoint_url}/{account}/{name}"


def _topic(target: Target, payload: str, client: Client) -> dict[str, Any]:
    return dict(client("sns").publish(TopicArn=target["Arn"], Message=payload))


def _bus(target: Target, payload: str, client: Client) -> dict[str, Any]:
    described = target.get("EventBridgeParameters") or {}
    entry = {
        "EventBusName": target["Arn"],
        "Source": described.get("Source", "aws.scheduler"),
        "DetailType": described.get("DetailType", "Scheduled Event"),
        "Detail": payload or "{}",
    }
    return dict(client("events").put_events(Entries=[entry]))


TEMPLATED: dict[str, Callable[[Target, str, Client], dict[str, Any]]] = {
    "states": _state_machine,
    "lambda": _function,
    "sqs": _queue,
    "sns": _topic,
    "events": _bus,
}
