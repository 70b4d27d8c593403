"""Which solutions a run trains where training has a schedule of its own: the others recommend with what serves.

The schedule writes an item of the control table, and the next run trains and removes it. So a training is never lost to
a run that holds the lock, nor to one that failed before it trained.
"""

from __future__ import annotations

from config import layout
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import States, jsonata

KEY = {layout.PK: {"S": layout.TRAINING_DUE}}


def start(settings: Settings, *, otherwise: str) -> str:
    return "ReadDue" if settings.schedule.training else otherwise


def states(settings: Settings, *, next_state: str) -> States:
    """Assigns `due`, the time since when a training is; empty where none is."""
    if not settings.schedule.training:
        return {}
    since = "$lookup($states.result.Item, 'since').S"
    return {
        "ReadDue": asl.task(
            asl.GET_ITEM,
            {"TableName": settings.names.control_table, "Key": KEY, "ConsistentRead": True},
            Assign={"due": jsonata(f"$exists({since}) ? {since} : ''")},
            Next=next_state,
        )
    }


def choosing(settings: Settings, *, serving: asl.State, train: str, kept: str) -> States:
    """States from `IsDue`, with `trained`: whether the solution as it is configured has a version.

    `serving` gives the `version` that serves, if there is one.
    """
    if not settings.schedule.training:
        return {}
    return {
        "IsDue": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$due = '' and $trained"), "Next": "ReadServing"}],
            "Default": train,
        },
        "ReadServing": {**serving, "Next": "Serves"},
        "Serves": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$exists($states.input.version)"), "Next": kept}],
            "Default": train,
        },
    }


def done(settings: Settings, *, next_state: str) -> States:
    """Removes what made the training due; what became due meanwhile stays."""
    if not settings.schedule.training:
        return {}
    return {
        "WasDue": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$due = ''"), "Next": next_state}],
            "Default": "ForgetDue",
        },
        "ForgetDue": asl.task(
            asl.DELETE_ITEM,
            {
                "TableName": settings.names.control_table,
                "Key": KEY,
                "ConditionExpression": "since = :since",
                "ExpressionAttributeValues": {":since": {"S": jsonata("$due")}},
            },
            Catch=[{"ErrorEquals": asl.CONDITION_FAILED, "Next": next_state}],
            Next=next_state,
        ),
    }


def end(settings: Settings, *, otherwise: str) -> str:
    return "WasDue" if settings.schedule.training else otherwise


def statements(settings: Settings) -> list[Statement]:
    if not settings.schedule.training:
        return []
    return [allow("dynamodb:DeleteItem", settings.names.table_arn(settings.names.control_table))]
