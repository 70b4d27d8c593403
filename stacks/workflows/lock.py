"""The lock of an environment, which whoever changes its data takes: an item of the control table."""

from __future__ import annotations

from typing import Any

from config import layout
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata

# Whose executions may own it.
OWNERS = ("pipeline", "forget", "clean-up")


def states(settings: Settings, *, hours: int, acquired: str, refused: str) -> States:
    """Entered at `AcquireLock`, with the execution's ARN in `me`; goes on at `acquired`, or at `refused`.

    A lock whose owner runs no longer is taken over, however that run ended: nobody has to release it.
    """
    table = settings.names.control_table
    return {
        # A retry of the same execution finds its own lock.
        "AcquireLock": _put_lock(
            table,
            f"attribute_not_exists({layout.PK}) OR {layout.EXPIRES} < :now OR #owner = :me",
            {":now": {"N": jsonata("$string($floor($millis() / 1000))")}},
            hours=hours,
            acquired=acquired,
            refused="ReadLock",
        ),
        "ReadLock": asl.task(
            asl.GET_ITEM,
            {"TableName": table, "Key": {layout.PK: {"S": layout.LOCK}}, "ConsistentRead": True},
            Assign={
                "owner": jsonata(
                    "$exists($states.result.Item.owner.S) ? $states.result.Item.owner.S : 'released'"
                )
            },
            Next="DescribeOwner",
        ),
        **_owner_states(refused),
        # Of several runs that see the same dead owner, one gets the lock.
        "TakeOverLock": _put_lock(
            table,
            f"attribute_not_exists({layout.PK}) OR #owner = :dead OR #owner = :me",
            {":dead": {"S": jsonata("$owner")}},
            hours=hours,
            acquired=acquired,
            refused=refused,
        ),
    }


def _owner_states(refused: str) -> States:
    """Whether the execution that owns the lock still runs."""
    running = jsonata("$states.input.status in ['RUNNING', 'PENDING_REDRIVE']")
    return {
        "DescribeOwner": asl.task(
            asl.sdk("sfn", "describeExecution"),
            {"ExecutionArn": jsonata("$owner")},
            Output=jsonata("{'status': $states.result.Status}"),
            # Executions are forgotten 90 days after their end; what is no ARN never ran.
            Catch=[{"ErrorEquals": asl.NO_EXECUTION, "Next": "TakeOverLock"}],
            Next="OwnerStatus",
        ),
        "OwnerStatus": {
            "Type": "Choice",
            "Choices": [{"Condition": running, "Next": refused}],
            "Default": "TakeOverLock",
        },
    }


def _put_lock(
    table: str, condition: str, values: dict[str, dict[str, str]], *, hours: int, acquired: str, refused: str
) -> State:
    lock = {
        layout.PK: {"S": layout.LOCK},
        "owner": {"S": jsonata("$me")},
        layout.EXPIRES: {"N": jsonata(f"$string($floor($millis() / 1000) + {hours * 3600})")},
    }
    return asl.task(
        asl.PUT_ITEM,
        {
            "TableName": table,
            "Item": lock,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {**values, ":me": {"S": jsonata("$me")}},
        },
        Catch=[{"ErrorEquals": asl.CONDITION_FAILED, "Next": refused}],
        Next=acquired,
    )


def release(settings: Settings, *, Next: str, caught: str) -> State:
    return asl.task(
        asl.DELETE_ITEM,
        {
            "TableName": settings.names.control_table,
            "Key": {layout.PK: {"S": layout.LOCK}},
            "ConditionExpression": "#owner = :me",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {":me": {"S": jsonata("$me")}},
        },
        # Until it expires every run is refused, so this tries longer than others.
        Retry=[asl.retrying(asl.TRANSIENT["dynamodb"], attempts=20, longest=300)],
        # Whatever is wrong with the lock, it expires by itself.
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": caught}],
        Next=Next,
    )


def statements(settings: Settings, *more: str) -> list[Statement]:
    """`more` are actions on the control table that a workflow needs beside those of the lock."""
    names = settings.names
    actions = ["dynamodb:GetItem", "dynamodb:PutItem", *more, "dynamodb:DeleteItem"]
    return [
        # Whether the owner of a lock still runs.
        allow("states:DescribeExecution", *(f"{names.execution_arn(owner)}:*" for owner in OWNERS)),
        allow(actions, names.table_arn(names.control_table)),
    ]


def already_running(settings: Settings) -> dict[str, Any]:
    cause = (
        "Another run holds the lock and is still running: wait for its end or stop it. The item "
        f"{layout.PK}={layout.LOCK} of table {settings.names.control_table} names it; a lock of a run that "
        "ended is taken over."
    )
    return {"Type": "Fail", "Error": "AlreadyRunning", "Cause": cause}
