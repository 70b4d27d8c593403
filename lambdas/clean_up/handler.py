"""Deletes solutions that are configured no longer; their versions go with them, which can't be deleted singly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from lambdas.clean_up.environment import Environment
from lambdas.clean_up.superseded import Found, superseded
from lambdas.shared import environment
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger

_ARNS = ("solution_version_arn", "previous_solution_version_arn")
_IN_USE = ("ResourceInUseException", "LimitExceededException")


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = run(
        personalize=client("personalize"),
        dynamodb=client("dynamodb"),
        settings=settings(),
        now=datetime.now(UTC),
    )
    logger().info("cleaned up", extra=answer)
    return answer


def run(*, personalize: Any, dynamodb: Any, settings: Environment, now: datetime) -> dict[str, Any]:
    """{deleted, in_use, kept}: names of solutions. What is in use is tried again the next time."""
    found = [one for group in settings.dataset_groups for one in solutions(personalize, group)]
    going = superseded(
        found,
        prefix=settings.prefix,
        needed={*settings.solutions.values(), *needed(dynamodb, settings)},
        keep=settings.keep_superseded,
        before=now - timedelta(days=settings.superseded_after_days),
    )
    deleted = [one.name for one in going if delete(personalize, one.arn)]
    left = [one.name for one in found if one.name not in deleted]
    in_use = [one.name for one in going if one.name not in deleted]
    return {"deleted": deleted, "in_use": in_use, "kept": sorted(set(left) - set(in_use))}


def solutions(personalize: Any, group: str) -> Iterator[Found]:
    """The solutions of a dataset group; none where an earlier group is gone."""
    try:
        for one in pages(personalize, "list_solutions", "solutions", datasetGroupArn=group):
            yield Found(one["solutionArn"], one["name"], newest(personalize, one))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise


def newest(personalize: Any, solution: dict[str, Any]) -> datetime:
    """A version that is being trained counts from its start."""
    versions = pages(
        personalize, "list_solution_versions", "solutionVersions", solutionArn=solution["solutionArn"]
    )
    moments = [solution["creationDateTime"], *(version["creationDateTime"] for version in versions)]
    return max(moment.astimezone(UTC) for moment in moments)


def pages(personalize: Any, operation: str, member: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    for page in personalize.get_paginator(operation).paginate(**arguments):
        yield from page[member]


def needed(dynamodb: Any, settings: Environment) -> set[str]:
    """Solutions that are pinned, or behind what serves, what readers may go back to, and what may be promoted back."""
    names = {arn.split("/")[1] for arn in settings.pinned}
    for name in settings.solutions:
        serving = {"pk": {"S": f"serving#{name}"}}
        pointer = {"pk": {"S": f"pointer#{name}"}, "sk": {"S": "pointer"}}
        for table, key in ((settings.control_table, serving), (settings.recommendations_table, pointer)):
            item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
            names |= {item[arn]["S"].split("/")[1] for arn in _ARNS if "/" in item.get(arn, {}).get("S", "")}
    return names


def delete(personalize: Any, arn: str) -> bool:
    """Whether it goes; a campaign or a job of it may need it still."""
    try:
        personalize.delete_solution(solutionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _IN_USE:
            raise
        return False
    return True
