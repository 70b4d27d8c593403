"""Filters follow the configuration: an expression is a filter's for ever, so another one is another filter.

The new one stands beside the old one until readers have its name; then the old one goes.
"""

from __future__ import annotations

from typing import Any

from config import layout
from config.digests import digest
from config.settings import Settings
from config.solution import Solution
from stacks.parts.access import Statement, allow
from stacks.workflows import asl, leftovers
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 1


def name(settings: Settings, filter_name: str) -> str:
    """The name with a digest of its expression, and of the dataset group, for which it is."""
    content = {"expression": settings.filters[filter_name], "generation": settings.names.generation}
    return settings.names.of(f"{filter_name}-{digest(content)}")


def arn(settings: Settings, filter_name: str) -> str:
    return settings.names.personalize_arn(f"filter/{name(settings, filter_name)}")


def argument(settings: Settings, solution: Solution) -> dict[str, Any]:
    """FilterArn of a batch job, where the solution has a filter."""
    return {} if solution.filter is None else {"FilterArn": arn(settings, solution.filter)}


def states(settings: Settings, *, next_state: str) -> States:
    """`KeepFilters`, where filters are configured."""
    if not settings.filters:
        return {}
    items = [_item(settings, filter_name) for filter_name in settings.filters]
    return {"KeepFilters": asl.inline_map(items, _filter_states(settings), start="Filter", Next=next_state)}


def start(settings: Settings, *, otherwise: str) -> str:
    return "KeepFilters" if settings.filters else otherwise


def _item(settings: Settings, filter_name: str) -> dict[str, str]:
    return {
        "list": filter_name,
        "name": name(settings, filter_name),
        "arn": arn(settings, filter_name),
        "expression": settings.filters[filter_name],
    }


def _filter_states(settings: Settings) -> States:
    describe = asl.describe("Filter", "$filter.arn")
    describe["Catch"] = [{"ErrorEquals": asl.NOT_FOUND, "Next": "CreateFilter"}]
    return {
        "Filter": {
            "Type": "Pass",
            "Assign": {"filter": jsonata("$states.input"), **asl.deadline("Filter", hours=HOURS)},
            "Next": "DescribeFilter",
        },
        "CreateFilter": asl.task(
            sdk("personalize", "createFilter"),
            {
                "Name": jsonata("$filter.name"),
                "DatasetGroupArn": settings.names.dataset_group_arn,
                "FilterExpression": jsonata("$filter.expression"),
            },
            Retry=[asl.RETRY_BUSY],
            Catch=[{"ErrorEquals": asl.EXISTS, "Next": "DescribeFilter"}],
            Next="DescribeFilter",
        ),
        **asl.polling(
            "Filter",
            describe=describe,
            done="Creation of filter ",
            of="$filter.name",
            failed=asl.CREATE_FAILED,
            next_state="NameFilter",
            seconds=60,  # each poll is of an execution's history, which as many filters as are taken share
        ),
        "NameFilter": _name(settings),
        "FilterKept": {"Type": "Succeed"},
    }


def _name(settings: Settings) -> State:
    """Readers who ask a campaign find the filter under its name in the configuration."""
    return asl.task(
        asl.PUT_ITEM,
        {
            "TableName": settings.names.recommendations_table,
            "Item": {
                layout.PK: {"S": jsonata(asl.joined(layout.FILTER, filter="$filter.list"))},
                layout.SK: {"S": layout.FILTER_SK},
                "filter_arn": {"S": jsonata("$filter.arn")},
            },
        },
        Next="FilterKept",
    )


def removal(settings: Settings, *, next_state: str) -> States:
    return leftovers.removal(
        settings,
        kind="Filter",
        asked={"DatasetGroupArn": settings.names.dataset_group_arn},
        listed="{'name': Name}",
        kept=asl.data([name(settings, filter_name) for filter_name in settings.filters]),
        next_state=next_state,
    )


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    ours = names.personalize_arn(f"filter/{names.prefix}-*")
    removing = leftovers.statements(settings, kind="Filter")
    if not settings.filters:
        return removing
    return [
        allow("personalize:CreateFilter", ours, names.dataset_group_arn),
        allow("personalize:DescribeFilter", ours),
        allow("dynamodb:PutItem", names.table_arn(names.recommendations_table)),
        *removing,
    ]
