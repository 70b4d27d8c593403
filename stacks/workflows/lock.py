"""The environment's lock: one workflow at a time changes what runs share. `$me` is the execution's ARN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config import layout
from config.settings import Settings
from stacks.workflows import asl
from stacks.workflows.asl import State, jsonata

FREE = f"attribute_not_exists({layout.PK}) OR {layout.EXPIRES} < :now OR #owner = :me"
NOW: Mapping[str, Any] = {":now": {"N": jsonata("$string($floor($millis() / 1000))")}}


def put(
    settings: Settings, condition: str, values: Mapping[str, Any], *, hours: int, refused: str, Next: str
) -> State:
    """Takes the lock for so many hours where the condition holds; else goes to the state `refused`."""
    lock = {
        layout.PK: {"S": layout.LOCK},
        "owner": {"S": jsonata("$me")},
        layout.EXPIRES: {"N": jsonata(f"$string($floor($millis() / 1000) + {hours * 3600})")},
    }
    return asl.task(
        asl.PUT_ITEM,
        {
            "TableName": settings.names.control_table,
            "Item": lock,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {**values, ":me": {"S": jsonata("$me")}},
        },
        Catch=[{"ErrorEquals": asl.CONDITION_FAILED, "Next": refused}],
        Next=Next,
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
