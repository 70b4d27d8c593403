"""The environment's stacks in CloudFormation: which there are, what protects them, their end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from operations.executions import wait
from operations.pages import each
from operations.place import Place, absent, say

# A stack in one of these has never been whole.
NEVER = ("REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")


@dataclass(frozen=True)
class Stack:
    name: str
    part: str
    status: str
    protected: bool


def deployed(place: Place) -> list[Stack]:
    """The stacks in the order of their creation, which is that of what they need of each other."""
    prefix = f"{place.names.prefix}-"
    found = [
        stack
        for stack in each(place, "cloudformation", "describe_stacks", "Stacks")
        if stack["StackName"].startswith(prefix) and stack["StackStatus"] != "DELETE_COMPLETE"
    ]
    found.sort(key=lambda stack: stack["CreationTime"])
    return [_stack(stack, prefix) for stack in found]


def _stack(described: dict[str, Any], prefix: str) -> Stack:
    name = described["StackName"]
    return Stack(
        name=name,
        part=name.removeprefix(prefix),
        status=described["StackStatus"],
        protected=bool(described.get("EnableTerminationProtection")),
    )


def resources(place: Place, stack: Stack) -> Iterator[tuple[str, str]]:
    """(type, physical id) of what the stack holds."""
    for resource in each(
        place, "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack.name
    ):
        if resource["ResourceStatus"] != "DELETE_COMPLETE" and resource.get("PhysicalResourceId"):
            yield resource["ResourceType"], resource["PhysicalResourceId"]


def lift_protection(place: Place, stack: Stack, *, keeps: tuple[str, ...] = ()) -> None:
    """Lifts the protection of the stack and of what it holds, but for resources of the types that it `keeps`."""
    if stack.protected:
        place.client("cloudformation").update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=False
        )
    for kind, identifier in resources(place, stack):
        if kind in _LIFT and kind not in keeps:
            try:
                _LIFT[kind](place, identifier)
            except ClientError as error:
                if not absent(error):
                    raise


def _lift_of_table(place: Place, name: str) -> None:
    client = place.client("dynamodb")
    if client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        client.update_table(TableName=name, DeletionProtectionEnabled=False)


def _lift_of_cluster(place: Place, name: str) -> None:
    client = place.client("rds")
    [cluster] = client.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    if cluster.get("DeletionProtection"):
        client.modify_db_cluster(DBClusterIdentifier=name, DeletionProtection=False, ApplyImmediately=True)


_LIFT = {"AWS::DynamoDB::Table": _lift_of_table, "AWS::RDS::DBCluster": _lift_of_cluster}


def delete(place: Place, stack: Stack) -> list[str]:
    """Why it is still there; nothing when it is not."""
    client = place.client("cloudformation")
    say(f"  deleting the stack {stack.name}")
    client.delete_stack(StackName=stack.name)
    wait(lambda: not status(place, stack).endswith("_IN_PROGRESS"), what=f"{stack.name} to be deleted")
    if not status(place, stack):
        return []
    return [
        f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
        for event in _last_events(place, stack)
        if event["ResourceStatus"] == "DELETE_FAILED"
        and event["ResourceType"] != "AWS::CloudFormation::Stack"
    ]


def status(place: Place, stack: Stack) -> str:
    """Empty when there is no such stack."""
    try:
        [found] = place.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"]
    except ClientError as error:
        if absent(error):
            return ""
        raise
    return "" if found["StackStatus"] == "DELETE_COMPLETE" else str(found["StackStatus"])


def _last_events(place: Place, stack: Stack) -> Iterator[dict[str, Any]]:
    """The events of the last deletion: newest first, up to where it began."""
    for event in each(place, "cloudformation", "describe_stack_events", "StackEvents", StackName=stack.name):
        yield event
        own = event["ResourceType"] == "AWS::CloudFormation::Stack"
        if own and event["ResourceStatus"] == "DELETE_IN_PROGRESS":
            return
