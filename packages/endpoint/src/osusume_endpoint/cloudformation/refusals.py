"""What CloudFormation refuses and ministack does: names that are taken, buckets that hold something, protection,
policies and roles that others attached something to.

Sources: CloudFormation user guide, "Troubleshooting CloudFormation" and "Name type"; DynamoDB developer guide,
"Using deletion protection"; IAM API reference, DeletePolicy and DeleteRole; the handlers' contract ("create handlers
MUST return AlreadyExists").
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint.replacements import Table

Properties = dict[str, Any]
RESOURCE_HANDLERS = Table("ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS")
# What is not here refuses by itself: its handler calls the service's API, or ministack looks already.
# Type -> (property of the name, module of ministack, its store, what the store's key is made of: name or ARN).
_STORES: Mapping[str, tuple[str, str, str, str]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch", "_alarms", "{name}"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", "cloudwatch", "_dashboards", "{name}"),
    "AWS::DynamoDB::GlobalTable": ("TableName", "dynamodb", "_tables", "{name}"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb", "_tables", "{name}"),
    "AWS::IAM::Role": ("RoleName", "iam", "_roles", "{name}"),
    "AWS::Lambda::Function": ("FunctionName", "lambda_svc", "_functions", "{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "cloudwatch_logs", "_log_groups", "{name}"),
    "AWS::SNS::Topic": ("TopicName", "sns", "_topics", "arn:aws:sns:{region}:{account}:{name}"),
    "AWS::SQS::Queue": ("QueueName", "sqs", "_queue_name_to_url", "{name}"),
    "AWS::Scheduler::Schedule": ("Name", "scheduler", "_schedules", "{group}/{name}"),
    "AWS::SecretsManager::Secret": ("Name", "secretsmanager", "_secrets", "{name}"),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        "stepfunctions",
        "_state_machines",
        "arn:aws:states:{region}:{account}:stateMachine:{name}",
    ),
}


class Refused(ValueError):
    """Fails the resource; the text is the reason in the stack's events."""


def install() -> None:
    from ministack.services.cloudformation import provisioners

    for kind in _STORES:
        handler = provisioners._RESOURCE_HANDLERS.get(kind)
        if handler:
            RESOURCE_HANDLERS.put(kind, {**handler, "create": _if_free(kind, handler["create"])})
    for kind, check in (
        ("AWS::S3::Bucket", _check_empty),
        ("AWS::DynamoDB::Table", _check_table),
        ("AWS::DynamoDB::GlobalTable", _check_table),
        ("AWS::IAM::ManagedPolicy", _check_policy),
        ("AWS::IAM::Role", _check_role),
    ):
        handler = provisioners._RESOURCE_HANDLERS[kind]  # with the look at its name, where that is above
        RESOURCE_HANDLERS.put(kind, {**handler, "delete": _after(check, handler["delete"])})


def _if_free(kind: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    def create(logical_id: str, properties: Properties, *more: Any) -> Any:
        if is_taken(kind, properties):
            name = properties[_STORES[kind][0]]
            raise Refused(f"Resource of type '{kind}' with identifier '{name}' already exists.")
        return inner(logical_id, properties, *more)

    return create


def is_taken(kind: str, properties: Mapping[str, Any]) -> bool:
    """Whether the name that the template gives is another's; one that is made up never is."""
    from ministack.core.responses import get_account_id, get_region

    member, module, store, key = _STORES[kind]
    name = properties.get(member)
    if not name:
        return False
    group = properties.get("GroupName") or "default"
    wanted = key.format(name=name, group=group, region=get_region(), account=get_account_id())
    return wanted in getattr(importlib.import_module(f"ministack.services.{module}"), store)


def _after(check: Callable[[str, Properties], None], inner: Callable[..., Any]) -> Callable[..., Any]:
    def delete(physical_id: str, properties: Properties, *more: Any) -> Any:
        check(physical_id, properties)
        return inner(physical_id, properties, *more)

    return delete


def _check_empty(bucket: str, properties: Properties) -> None:
    """Versions and delete markers count."""
    from ministack.services import s3

    held = s3._buckets.get(bucket) or {}
    if held.get("objects") or s3._bucket_has_versions(bucket):
        raise Refused(
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket. "
            f"(Service: S3, Status Code: 409, Bucket: {bucket})"
        )


def _check_table(name: str, properties: Properties) -> None:
    from ministack.services import dynamodb

    table = dynamodb._tables.get(name) or {}
    if str(table.get("DeletionProtectionEnabled")).lower() == "true":
        raise Refused(
            f"Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection "
            f"first. (Service: DynamoDb, Status Code: 400, Table: {name})"
        )


def _check_policy(arn: str, properties: Properties) -> None:
    """What the template attaches it to is let go before."""
    from ministack.services import iam

    for member, entities in (("Roles", iam._roles), ("Users", iam._users), ("Groups", iam._groups)):
        own = properties.get(member) or ()
        if any(arn in held.get("AttachedPolicies", ()) for name, held in entities.items() if name not in own):
            raise Refused(
                "Cannot delete a policy attached to entities. "
                f"(Service: Iam, Status Code: 409, Error Code: DeleteConflict, Policy: {arn})"
            )


def _check_role(name: str, properties: Properties) -> None:
    """What the template says of its policies goes with it; what another call attached stays in the way."""
    from ministack.services import iam

    role = iam._roles.get(name) or {}
    inline = {policy["PolicyName"] for policy in properties.get("Policies") or ()}
    for held, own, kind in (
        (role.get("AttachedPolicies"), properties.get("ManagedPolicyArns"), "must detach all policies first"),
        (role.get("InlinePolicies"), inline, "must delete policies first"),
    ):
        if set(held or ()) - set(own or ()):
            raise Refused(
                f"Cannot delete entity, {kind}. "
                f"(Service: Iam, Status Code: 409, Error Code: DeleteConflict, Role: {name})"
            )
