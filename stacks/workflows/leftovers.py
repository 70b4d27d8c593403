"""Campaigns and filters that nothing configures any more go, after readers have the names of those that do.

What is ours has a name of ours: prefix, name in the configuration, digest. Others' are none of it.
"""

from __future__ import annotations

from typing import Any, Literal

from config.digests import LENGTH
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import States, jsonata, sdk

Kind = Literal["Campaign", "Filter"]
# The next run tries again, and each attempt is of an execution's history, which batch jobs need.
RETRY_SOON = asl.retrying(asl.BUSY, interval=60, attempts=5, longest=300)
MOST_LISTED = 100  # of a page; a dataset group has 5 campaigns and 30 filters


def removal(
    settings: Settings,
    *,
    kind: Kind,
    asked: dict[str, Any],
    listed: str,
    kept: str,
    next_state: str,
    removable: str = "",
) -> States:
    """States from `List<kind>s` to `next_state`. What remains is tried again by the next run.

    `asked` are the list's arguments, `listed` what is read of each (JSONata); `kept` names those that stay, and
    `removable` says which others may go now.
    """
    caught = [{"ErrorEquals": ["States.ALL"], "Next": next_state}]
    return {
        f"List{kind}s": asl.task(
            sdk("personalize", f"list{kind}s"),
            {**asked, "MaxResults": MOST_LISTED},
            Output=jsonata(f"[$states.result.{kind}s.{listed}]"),
            Catch=caught,
            Next=f"Remove{kind}s",
        ),
        f"Remove{kind}s": asl.inline_map(
            jsonata("$states.input"),
            _each(settings, kind=kind, kept=kept, removable=removable),
            start=f"{kind}Listed",
            Catch=caught,
            Next=next_state,
        ),
    }


def _each(settings: Settings, *, kind: Kind, kept: str, removable: str) -> States:
    prefix = f"{settings.names.prefix}-"
    ours = f"/^{prefix}[a-z][a-z0-9-]+-[0-9a-f]{{{LENGTH}}}$/"
    unwanted = f"$match($states.input.name, {ours}) and $not($states.input.name in {kept}){removable}"
    beginning = asl.literal(settings.names.personalize_arn(f"{kind.lower()}/{prefix}"))
    arn = f"{beginning} & $substringAfter($states.input.name, {asl.literal(prefix)})"
    return {
        f"{kind}Listed": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata(f"$boolean({unwanted})"), "Next": f"Remove{kind}"}],
            "Default": f"{kind}Done",
        },
        f"Remove{kind}": asl.task(
            sdk("personalize", f"delete{kind}"),
            {f"{kind}Arn": jsonata(arn)},
            Retry=[RETRY_SOON],
            Catch=[{"ErrorEquals": asl.NOT_FOUND, "Next": f"{kind}Done"}],
            Next=f"{kind}Done",
        ),
        f"{kind}Done": {"Type": "Succeed"},
    }


def statements(settings: Settings, *, kind: Kind) -> list[Statement]:
    return [
        allow(f"personalize:Delete{kind}", _ours(settings, kind)),
        # IAM knows no resource of the action.
        allow(f"personalize:List{kind}s", "*"),
    ]


def _ours(settings: Settings, kind: Kind) -> str:
    return settings.names.personalize_arn(f"{kind.lower()}/{settings.names.prefix}-*")
