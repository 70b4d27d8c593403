"""Solutions that Personalize trains by itself: a run takes the newest version that is ACTIVE, and judges each once.

Developer guide, "Configuring automatic training": the first version begins within an hour after the solution is
ACTIVE; later ones come at the solution's rate, where data were imported since.
"""

from __future__ import annotations

from config import layout
from config.settings import Settings
from stacks.workflows import asl, solutions
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 12
_TURNED_DOWN = {layout.PK: {"S": jsonata(asl.joined(layout.TURNED_DOWN, solution="$solution.name"))}}
# A version of before that is ACTIVE is followed while a newer one is made, or has failed.
_NEWEST = """(
  $versions := [$states.result.SolutionVersions^(>CreationDateTime)];
  $active := $versions[Status = 'ACTIVE'][0];
  $newest := $versions[0].SolutionVersionArn;
  $failed := $versions[0][Status in ['CREATE FAILED', 'CREATE STOPPED']];
  $exists($active) ? {'status': 'ACTIVE', 'version': $active.SolutionVersionArn}
  : $exists($failed) ? {'status': 'CREATE FAILED', 'version': $newest, 'reason': $failed.FailureReason}
  : {'status': 'CREATE PENDING', 'version': $newest}
)"""


def configured(settings: Settings) -> bool:
    return any(one.trains_every_days is not None for one in settings.solutions)


def states(settings: Settings, *, otherwise: str, judge: str, keep: str) -> States:
    """States from `Training` on: to `judge` with a `version` not judged yet, or `keep`; other solutions to `otherwise`.

    Variables: `solution`. No state where nothing is trained so.
    """
    if not configured(settings):
        return {}
    return {
        "Training": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata("$solution.automatic"),
                    "Assign": asl.deadline("Automatic", hours=HOURS),
                    "Next": "DescribeAutomatic",
                }
            ],
            "Default": otherwise,
        },
        **asl.polling(
            "Automatic",
            describe=_newest(),
            done="Personalize's own training of ",
            of="$solution.solution",
            failed=["CREATE FAILED"],
            next_state="ReadFollowed",
        ),
        **_judged_states(settings.names.control_table, judge=judge, keep=keep),
        "NoteTurnedDown": _note_turned_down(settings.names.control_table, Next=keep),
    }


def _judged_states(table: str, *, judge: str, keep: str) -> States:
    """States from `ReadFollowed` on, with the newest `version` as input."""
    known = "$states.input.version in [$serving, $states.input.turned_down]"
    return {
        "ReadFollowed": asl.task(
            asl.GET_ITEM,
            {"TableName": table, "Key": solutions.SERVING_KEY, "ConsistentRead": True},
            Assign={
                "serving": jsonata(_arn_or_none()),
                "why": "it was turned down by an earlier run, and Personalize has trained no other since",
            },
            Output=jsonata("$states.input"),
            Next="ReadTurnedDown",
        ),
        "ReadTurnedDown": asl.task(
            asl.GET_ITEM,
            {"TableName": table, "Key": _TURNED_DOWN, "ConsistentRead": True},
            Output=jsonata(f"{{'version': $states.input.version, 'turned_down': {_arn_or_none()}}}"),
            Assign={"version": jsonata("$states.input.version")},
            Next="JudgedBefore",
        ),
        "JudgedBefore": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata(known), "Next": keep}],
            "Default": judge,
        },
    }


def _note_turned_down(table: str, *, Next: str) -> State:
    item = {
        **_TURNED_DOWN,
        "solution_version_arn": {"S": jsonata("$version")},
        "run_id": {"S": jsonata("$run_id")},
    }
    return asl.task(asl.PUT_ITEM, {"TableName": table, "Item": item}, Next=Next)


def _newest() -> State:
    return asl.task(
        sdk("personalize", "listSolutionVersions"),
        {"SolutionArn": jsonata("$solution.arn"), "MaxResults": 100},
        Output=jsonata(_NEWEST),
    )


def _arn_or_none() -> str:
    arn = "$states.result.Item.solution_version_arn.S"
    return f"$exists({arn}) ? {arn} : ''"
