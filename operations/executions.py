"""Stops what runs: the schedule, the workflows, what Glue and Personalize do for them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from config import layout
from operations.pages import each
from operations.place import ENDPOINT, Place, Refused, absent, say

WORKFLOWS = ("forget", "pipeline", "prepare", "train", "recommend", "load", "clean-up")
JOBS = ("extract-aurora", "build-datasets", "postprocess-recommendations")
PATIENCE_SECONDS = 1800.0
_RUNNING = ("STARTING", "RUNNING", "STOPPING", "WAITING")
_GIVEN = (
    "Name GroupName ScheduleExpression ScheduleExpressionTimezone StartDate EndDate Description KmsKeyArn Target"
    " FlexibleTimeWindow ActionAfterCompletion"
).split()


def stop(place: Place) -> None:
    """The schedule first, so that nothing starts; then the runs, the outer before those that it started."""
    for schedule in place.names.schedules:
        _stop_schedule(place, schedule)
    for workflow in WORKFLOWS:
        for arn in _running(place, workflow):
            say(f"  stopping the execution {arn.rpartition(':')[2]} of {place.names.workflow(workflow)}")
            place.client("stepfunctions").stop_execution(
                executionArn=arn, error="Destroyed", cause="The environment is being destroyed"
            )
    for job in JOBS:
        _stop_runs(place, place.names.job(job))
    wait(lambda: not any(_busy(place)), what="runs to end")


def start_pipeline(place: Place, given: Mapping[str, Any], *, train: bool = False) -> str:
    """The execution's ARN. `train`: although the schedule of trainings made none due.

    Raises Refused where no pipeline is deployed, or where each run trains.
    """
    try:
        if train:
            _make_training_due(place)
        started = place.client("stepfunctions").start_execution(
            stateMachineArn=place.names.workflow_arn("pipeline"), input=json.dumps(given)
        )
    except ClientError as error:
        if absent(error):
            name = place.settings.environment
            raise Refused(f"No pipeline of {name} is deployed: `make deploy ENV={name}`") from error
        raise
    return str(started["executionArn"])


def _make_training_due(place: Place) -> None:
    """Makes a training due as the schedule does: what fails before it trained is tried again by the next run."""
    if place.settings.schedule.training is None:
        raise Refused("TRAIN=1, but schedule.training is null, so each run trains: leave TRAIN out")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    place.client("dynamodb").put_item(
        TableName=place.names.control_table,
        Item={layout.PK: {"S": layout.TRAINING_DUE}, "since": {"S": now}},
    )


def _stop_schedule(place: Place, name: str) -> None:
    scheduler = place.client("scheduler")
    try:
        found = scheduler.get_schedule(Name=name)
    except ClientError as error:
        if absent(error):
            return
        raise
    if found.get("State") != "DISABLED":
        say(f"  stopping the schedule {name}")
        kept = {key: found[key] for key in _GIVEN if found.get(key) is not None}
        scheduler.update_schedule(**kept, State="DISABLED")


def _running(place: Place, workflow: str) -> list[str]:
    arn = place.names.workflow_arn(workflow)
    found = each(
        place, "stepfunctions", "list_executions", "executions", stateMachineArn=arn, statusFilter="RUNNING"
    )
    return [execution["executionArn"] for execution in found]


def _stop_runs(place: Place, job: str) -> None:
    runs = [run["Id"] for run in _runs(place, job)]
    if runs:
        say(f"  stopping {len(runs)} run(s) of {job}")
        place.client("glue").batch_stop_job_run(JobName=job, JobRunIds=runs)


def _runs(place: Place, job: str) -> Iterator[dict[str, Any]]:
    for run in each(place, "glue", "get_job_runs", "JobRuns", JobName=job):
        if run["JobRunState"] in _RUNNING:
            yield run


def _busy(place: Place) -> Iterator[str]:
    for workflow in WORKFLOWS:
        yield from _running(place, workflow)
    for job in JOBS:
        yield from (run["Id"] for run in _runs(place, place.names.job(job)))


def poll_seconds() -> float:
    """Seconds between two looks at AWS; another endpoint's jobs end sooner."""
    return 0.2 if os.environ.get(ENDPOINT) else 5.0


def wait(done: Callable[[], bool], *, what: str, patience: float = PATIENCE_SECONDS) -> None:
    """Raises Refused, with what to do, when `done()` is not true in time."""
    deadline = time.monotonic() + patience
    first = True
    while not done():
        if time.monotonic() > deadline:
            raise Refused(f"Still waiting for {what} after {patience / 60:.0f} minutes: repeat the command")
        if first:
            say(f"  waiting for {what}")
        first = False
        time.sleep(poll_seconds())
