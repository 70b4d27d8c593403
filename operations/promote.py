"""`make promote`: a solution version becomes the one that serves, whatever the quality gate says, in one write.

The next run makes lists with it where no newer version passes the gate, and compares newer ones with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from config import layout
from config.recipes import RECIPES
from operations import control
from operations.pages import each
from operations.place import Place, Refused, confirm_on_aws, say

PREVIOUS = "previous"  # VERSION= of the way back
_SHOWN = 5


@dataclass(frozen=True)
class Version:
    arn: str
    name: str
    status: str
    recipe: str


def promote(
    place: Place, *, solution: str, version: str, given: str = "", ask: Callable[[str], str] = input
) -> int:
    """`version` is an ARN, its last part, the version's name, a run's id, or `previous`. Raises Refused."""
    chosen = usable(place, solution=solution, version=version)
    serving = control.item(place, layout.SERVING.of(solution=solution))
    if serving.get("solution_version_arn") == chosen.arn:
        say(f"  {chosen.arn} serves already: nothing was done")
        return 0
    say(f"  {solution}: from {serving.get('solution_version_arn', 'none')} to {chosen.arn}")
    confirm_on_aws(place, what="Later versions are compared with it", given=given, ask=ask)
    _put(place, solution, chosen, serving)
    say(f"Promoted: the next run of {solution} begins with it. VERSION={PREVIOUS} goes back.")
    return 0


def usable(place: Place, *, solution: str, version: str) -> Version:
    """The version that is meant, which can serve. Raises Refused."""
    _check_solution(place, solution)
    serving = control.item(place, layout.SERVING.of(solution=solution))
    chosen = _chosen(place, solution, _wanted(serving, solution, version))
    _check(place, solution, chosen)
    return chosen


def _check_solution(place: Place, name: str) -> None:
    known = [solution.name for solution in place.settings.solutions]
    if name not in known:
        raise Refused(
            f"Nothing was done: the solution {name!r} is not configured: use SOLUTION= with {', '.join(known)}"
        )


def _wanted(serving: dict[str, str], solution: str, version: str) -> str:
    if version != PREVIOUS:
        return version
    if not serving.get("previous_solution_version_arn"):
        raise Refused(f"Nothing was done: no version served {solution} before this one: name one by VERSION=")
    return serving["previous_solution_version_arn"]


def _chosen(place: Place, solution: str, wanted: str) -> Version:
    found = sorted(_versions(place, solution), key=lambda version: version.name, reverse=True)
    fitting = [version for version in found if wanted and _is(version, wanted)]
    if len(fitting) != 1:
        newest = "; ".join(f"{version.arn} ({version.name})" for version in found[:_SHOWN])
        what = "several versions fit" if fitting else "no version is"
        raise Refused(
            f"Nothing was done: {what} VERSION={wanted!r} of {solution}: name one by its ARN: {newest or 'none exists'}"
        )
    return fitting[0]


def _is(version: Version, wanted: str) -> bool:
    return wanted in (version.arn, version.arn.rpartition("/")[2], version.name) or version.name.endswith(
        f"-{wanted}"
    )


def _versions(place: Place, solution: str) -> Iterator[Version]:
    """The versions of every configuration that the solution had, in every dataset group."""
    for arn in _solutions(place, solution):
        for summary in each(
            place, "personalize", "list_solution_versions", "solutionVersions", solutionArn=arn
        ):
            described = place.client("personalize").describe_solution_version(
                solutionVersionArn=summary["solutionVersionArn"]
            )["solutionVersion"]
            yield Version(
                arn=described["solutionVersionArn"],
                name=described.get("name", ""),
                status=described["status"],
                recipe=described.get("recipeArn", "").rpartition("/")[2],
            )


def _solutions(place: Place, solution: str) -> list[str]:
    """Named `<prefix>-<solution>-<digest>`: docs/adr/0026."""
    beginning = place.names.of(f"{solution}-")
    return [
        one["solutionArn"]
        for group in place.names.dataset_group_arns
        for one in each(
            place,
            "personalize",
            "list_solutions",
            "solutions",
            datasetGroupArn=group,
        )
        if one["name"].startswith(beginning) and "-" not in one["name"].removeprefix(beginning)
    ]


def _check(place: Place, solution: str, version: Version) -> None:
    recipe = next(one.recipe for one in place.settings.solutions if one.name == solution)
    if version.status != "ACTIVE":
        raise Refused(f"Nothing was done: {version.arn} is {version.status}: name a version that is ACTIVE")
    if version.recipe and RECIPES[recipe].line != RECIPES[version.recipe].line:
        raise Refused(
            f"Nothing was done: {version.arn} is of {version.recipe}, which makes no lists as {recipe} does: "
            "name a version of the configured recipe"
        )


def _put(place: Place, solution: str, version: Version, serving: dict[str, str]) -> None:
    """Raises Refused where the item is another by now: a run promoted meanwhile."""
    try:
        place.client("dynamodb").put_item(
            TableName=place.names.control_table, Item=_item(place, solution, version, serving), **_as(serving)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        raise Refused(
            f"Nothing was done: another version of {solution} was promoted meanwhile: look, and repeat the command"
        ) from error


def _item(place: Place, solution: str, version: Version, serving: dict[str, str]) -> dict[str, Any]:
    before = serving.get("solution_version_arn")
    texts = {
        layout.PK: layout.SERVING.of(solution=solution),
        "solution_version_arn": version.arn,
        "metrics": json.dumps(_metrics(place, version.arn)),
        "promoted_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **({"previous_solution_version_arn": before} if before else {}),
    }
    return {name: {"S": text} for name, text in texts.items()}


def _metrics(place: Place, arn: str) -> dict[str, float]:
    metrics: dict[str, float] = place.client("personalize").get_solution_metrics(solutionVersionArn=arn)[
        "metrics"
    ]
    return metrics


def _as(serving: dict[str, str]) -> dict[str, Any]:
    """The condition that the item is still as it was read."""
    if not serving:
        return {"ConditionExpression": f"attribute_not_exists({layout.PK})"}
    return {
        "ConditionExpression": "solution_version_arn = :before",
        "ExpressionAttributeValues": {":before": {"S": serving["solution_version_arn"]}},
    }
