"""Glue jobs that end otherwise than well: what runs once more, and what is said at once."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from stacks.workflows import jobs
from tests.stacks.test_workflows import PLAN, preparation, run, sent

ROOT = Path(__file__).parents[2]
DIED = [
    "Command failed with exit code 10",
    "An error occurred while calling o96.parquet. Job aborted due to stage failure: ExecutorLostFailure (executor 3 "
    "exited caused by one of the running tasks) Reason: Container released on a *lost* node",
    "Error Category: UNCLASSIFIED_ERROR; An error occurred while calling o71.load. The connection attempt failed.",
    "The Spark worker was killed before the script ended. Log: /tmp/jr_1.log",
]
SAID = [
    "SourceRefused: public.orders has no column ordered_at",
    "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 61; NothingToBuild: no order and no event",
]


def glue(*ends: tuple[str, str]) -> dict[tuple[str, str], Any]:
    """Runs of a job in turn, each with its state and its message; the last one for all that follow."""
    started: list[dict[str, Any]] = []

    def start(parameters: dict[str, Any]) -> dict[str, Any]:
        started.append(parameters)
        return {"JobRunId": f"jr_{len(started)}"}

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        state, message = ends[min(int(parameters["RunId"].removeprefix("jr_")), len(ends)) - 1]
        return {"JobRun": {"Id": parameters["RunId"], "JobRunState": state, "ErrorMessage": message}}

    return {("glue", "StartJobRun"): start, ("glue", "GetJobRun"): describe}


@pytest.mark.parametrize("message", DIED)
def test_a_job_that_died_runs_once_more_with_the_same_arguments(message: str) -> None:
    result, cloud = run("prepare", PLAN, preparation() | glue(("FAILED", message), ("SUCCEEDED", "")))
    assert result.status == "SUCCEEDED", result.cause
    extracted, again, built = sent(cloud, "StartJobRun")
    assert extracted == again and built["JobName"] != again["JobName"]


@pytest.mark.parametrize("message", DIED)
def test_one_that_dies_again_ends_the_run_with_its_own_words(message: str) -> None:
    result, cloud = run("prepare", PLAN, preparation() | glue(("FAILED", message)))
    assert (result.status, len(sent(cloud, "StartJobRun"))) == ("FAILED", 2)
    assert message[:40] in (result.cause or "")


@pytest.mark.parametrize(
    "end",
    [
        *(("FAILED", message) for message in SAID),
        ("STOPPED", "Job run was stopped by BatchStopJobRun"),
        ("TIMEOUT", "Job timed out after 120 minutes"),
    ],
)
def test_what_a_job_refuses_or_somebody_stops_is_said_at_once(end: tuple[str, str]) -> None:
    result, cloud = run("prepare", PLAN, preparation() | glue(end))
    assert (result.status, len(sent(cloud, "StartJobRun"))) == ("FAILED", 1)
    assert end[1][:40] in (result.cause or "")


def test_refusals_are_the_exceptions_of_the_jobs() -> None:
    found = {name for file in (ROOT / "glue_jobs").glob("*.py") for name in _exceptions(file)}
    assert found == set(jobs.REFUSALS)


def _exceptions(file: Path) -> list[str]:
    classes = [one for one in ast.parse(file.read_text()).body if isinstance(one, ast.ClassDef)]
    return [one.name for one in classes if any(ast.unparse(base).endswith("Error") for base in one.bases)]
