"""`clean-up`: removes what serves no more, under the environment's lock. Output {deleted, in_use, kept}, or skipped."""

from __future__ import annotations

from typing import Any

from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl, lock
from stacks.workflows.asl import States, jsonata

HOURS = 1
LOCK_HOURS = 2


def definition(settings: Settings) -> dict[str, Any]:
    states: States = {
        "Start": {
            "Type": "Pass",
            "Assign": {"me": jsonata("$states.context.Execution.Id")},
            "Next": "AcquireLock",
        },
        **lock.states(settings, hours=LOCK_HOURS, acquired="CleanUp", refused="Skipped"),
        # A run is at work. What it leaves is found the next time.
        "Skipped": {"Type": "Succeed", "Output": {"skipped": "a run holds the lock"}},
        "CleanUp": asl.invoke(
            settings.names.function_arn("clean_up"),
            {},
            Assign={"cleaned": jsonata("$states.result.Payload")},
            Next="ReleaseLock",
        ),
        "ReleaseLock": lock.release(settings, Next="Done", caught="Done"),
        "Done": {"Type": "Succeed", "Output": jsonata("$cleaned")},
    }
    return asl.workflow(
        "clean-up",
        comment="What serves no more",
        start="Start",
        states=states,
        hours=HOURS,
        unwatched=("ReleaseLock",),
        failing=_failure_path(settings),
    )


def _failure_path(settings: Settings) -> asl.FailurePath:
    reported = asl.reported_by("clean-up")
    states = {
        "ReleaseLockAfterFailure": lock.release(settings, Next=reported.entry, caught=reported.entry),
        **reported.states,
    }
    return asl.FailurePath("ReleaseLockAfterFailure", states)


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    return [
        allow("lambda:InvokeFunction", names.function_arn("clean_up")),
        *lock.statements(settings),
    ]
