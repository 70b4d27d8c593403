"""Solution versions that whoever starts a run names: this once lists are made with them, and nothing is trained."""

from __future__ import annotations

from typing import Any

from config import layout
from config.recipes import RECIPES
from config.settings import Settings
from config.solution import Solution
from stacks.parts.access import Statement, allow
from stacks.workflows import asl, solutions
from stacks.workflows.asl import State, States, jsonata
from stacks.workflows.pins import described


def states(settings: Settings, *, next_state: str) -> States:
    """States from `Named`, with `named` {solution: version}. Assigns `versions` of every solution, where one is named.

    Of the others it is the pinned one, or the one that serves.
    """
    known = asl.data([one.name for one in settings.solutions])
    unknown = f"$keys($named)[$not($ in {known})]"
    return {
        "Named": {
            "Type": "Choice",
            "Choices": [
                {"Condition": jsonata(f"$count({unknown}) > 0"), "Next": "UnknownSolution"},
                {"Condition": jsonata("$count($keys($named)) > 0"), "Next": "NameVersions"},
            ],
            "Default": next_state,
        },
        "UnknownSolution": {
            "Type": "Fail",
            "Error": "UnknownSolution",
            "Cause": jsonata(
                f"'versions names ' & $join([{unknown}], ', ') & ', which is not configured: name one of '"
                f" & $join({known}, ', ')"
            ),
        },
        "NameVersions": asl.inline_map(
            [_item(settings, one) for one in settings.solutions],
            _choosing_states(settings),
            start="Version",
            Assign={"versions": jsonata("$merge([$states.result.{name: version}])")},
            Next=next_state,
        ),
    }


def check(settings: Settings, **fields: Any) -> State:
    """A Map that refuses a version in `versions` which can't recommend for its solution.

    Of more names than there are solutions one is unknown, and is refused: no more need to be looked at.
    """
    most = len(settings.solutions)
    return asl.inline_map(
        jsonata(
            f"[$each($versions, function($version, $name) {{{{'name': $name, 'version': $version}}}})[[0..{most}]]]"
        ),
        {
            "Version": {
                "Type": "Pass",
                "Assign": {"chosen": jsonata("$states.input")},
                "Next": "DescribeVersion",
            },
            **_describing_states(settings),
        },
        start="Version",
        **fields,
    )


def _item(settings: Settings, solution: Solution) -> dict[str, Any]:
    """What is not pinned has a version that there is not, which nothing asks for."""
    pin = solution.version or f"{solutions.arn(settings, solution)}/none"
    return {"name": solution.name, "pinned": solution.version is not None, "version": pin}


def _choosing_states(settings: Settings) -> States:
    named = "$lookup($named, $states.input.name)"
    return {
        "Version": {
            "Type": "Pass",
            "Assign": {
                "chosen": {
                    "name": jsonata("$states.input.name"),
                    "version": jsonata(f"$exists({named}) ? {named} : $states.input.version"),
                    "is_said": jsonata(f"$exists({named}) or $states.input.pinned"),
                }
            },
            "Next": "IsNamed",
        },
        "IsNamed": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$chosen.is_said"), "Next": "DescribeVersion"}],
            "Default": "ReadServing",
        },
        **_serving_states(settings),
        **_describing_states(settings),
    }


def _serving_states(settings: Settings) -> States:
    """The version that serves the solution, from `ReadServing` to `Chosen`."""
    table = settings.names.control_table
    serving = "$lookup($states.result.Item, 'solution_version_arn').S"
    return {
        "ReadServing": asl.task(
            asl.GET_ITEM,
            {
                "TableName": table,
                "Key": {layout.PK: {"S": jsonata(asl.joined(layout.SERVING, solution="$chosen.name"))}},
                "ConsistentRead": True,
            },
            Output=jsonata(f"{{'name': $chosen.name, 'version': $exists({serving}) ? {serving} : ''}}"),
            Next="Serves",
        ),
        "Serves": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$states.input.version != ''"), "Next": "Chosen"}],
            "Default": "NothingServes",
        },
        "NothingServes": {
            "Type": "Fail",
            "Error": "NothingServes",
            "Cause": jsonata(
                "'No version of ' & $chosen.name & ' serves yet, and versions names none: name one, or start without"
                " versions'"
            ),
        },
    }


def _describing_states(settings: Settings) -> States:
    return {
        "DescribeVersion": described("$chosen.version", next_state="VersionStatus"),
        "VersionStatus": {
            "Type": "Choice",
            "Choices": [
                {"Condition": jsonata(_usable(settings)), "Output": jsonata("$chosen"), "Next": "Chosen"}
            ],
            "Default": "VersionUnusable",
        },
        "VersionUnusable": {
            "Type": "Fail",
            "Error": "VersionUnusable",
            "Cause": jsonata(
                "$chosen.version & ' is to recommend for solution ' & $chosen.name & ', but is ' & $states.input.status"
                " & ', of recipe ' & $states.input.recipe & ': name an ACTIVE version of a solution '"
                f" & {asl.literal(settings.names.prefix + '-')}"
                " & $chosen.name & '-<digest>, of a recipe that makes such lists'"
            ),
        },
        "Chosen": {"Type": "Succeed"},
    }


def _usable(settings: Settings) -> str:
    """Solutions are named `<prefix>-<solution>-<digest>`; recipes of one line make the same lists."""
    lines = {
        one.name: [other.arn for other in RECIPES.values() if other.line == RECIPES[one.recipe].line]
        for one in settings.solutions
    }
    beginning = f"{asl.literal(f':solution/{settings.names.prefix}-')} & $chosen.name & '-'"
    digest = f"$split($substringAfter($chosen.version, {beginning}), '/')[0]"
    return (
        f"$states.input.status = 'ACTIVE' and $contains($chosen.version, {beginning})"
        f" and $not($contains({digest}, '-')) and $states.input.recipe in $lookup({asl.data(lines)}, $chosen.name)"
    )


def statements(settings: Settings) -> list[Statement]:
    return [allow("personalize:DescribeSolutionVersion", settings.names.solution_arns)]
