"""States that run a Glue job, and run it once more where it died."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stacks.workflows import asl
from stacks.workflows.asl import States, jsonata

# Exceptions by which the jobs of glue_jobs refuse what they are given: another run of the job would say the same.
REFUSALS = (
    "BatchOutputEmpty",
    "NothingToBuild",
    "PreviousRunUnknown",
    "SolutionVersionMissing",
    "SourceRefused",
)


def states(state: str, job: str, arguments: Mapping[str, str], **fields: Any) -> States:
    """`state` runs the job; one that died runs once more, as `<state>Again`. `<state>Failed` has the run's error.

    `.sync` fails a task with States.TaskFailed whatever became of the run, and a Retry can't read its cause, which
    is the description of the run: https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html.
    Glue's own MaxRetries would start a run that the task doesn't follow. `arguments` must not read the state's input.
    """
    run = asl.run_job(job, arguments, **fields)
    return {
        state: {**run, "Catch": _caught(f"{state}Died")},
        f"{state}Died": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata(_died()), "Next": f"{state}Again"}],
            "Default": f"{state}Failed",
        },
        f"{state}Again": {**run, "Catch": _caught(f"{state}Failed")},
        f"{state}Failed": {
            "Type": "Fail",
            "Error": jsonata("$states.input.Error"),
            "Cause": jsonata("$states.input.Cause"),
        },
    }


def _caught(state: str) -> list[dict[str, Any]]:
    return [{"ErrorEquals": ["States.TaskFailed"], "Next": state}]


def _died() -> str:
    """Stopped and timed-out runs didn't die, nor did one that never started, of which there is no description."""
    ended = r'$contains($states.input.Cause, /"JobRunState" *: *"FAILED"/)'
    refused = f"$contains($states.input.Cause, /({'|'.join(REFUSALS)}): /)"
    return f"{ended} and $not({refused})"
