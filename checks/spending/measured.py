"""What the last successful run measured: rows of its record, on AWS also the time that Glue and Personalize billed.

The laptop's hours are the laptop's, so of an endpoint only rows are taken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from checks.spending.shop import Measured
from checks.spending.use import JOBS
from config import layout
from operations.place import Place, absent, reached

ENDPOINT = "endpoint"


class NothingMeasured(RuntimeError):
    """No run has succeeded there, so assumptions are all that there is."""


def read(environment: str, where: str) -> Measured:
    """Raises NothingMeasured, Refused and ConfigError."""
    if where == ENDPOINT:
        _point_at_endpoint()
    place = reached(environment)
    record = _last_run(place)
    rows = json.loads(record["rows"]["S"])
    known = Measured(
        source=f"run {record[layout.PK]['S'].partition('#')[2]} on {where}",
        interactions=rows.get("interactions"),
        users=rows.get("users"),
        items=rows.get("items"),
        transitions=_transitions(place, record["execution"]["S"]),
    )
    return known if where == ENDPOINT else _with_hours(known, place, record)


def _point_at_endpoint() -> None:
    """Raises NothingMeasured when no endpoint runs."""
    from osusume_endpoint import state

    home = state.home()
    current = state.load(home)
    if current is None:
        raise NothingMeasured(f"No endpoint runs in {home}: `make demo` or `make up` first, or MEASURED=aws")
    from local import cli

    os.environ.update(cli.environment_variables(cli.endpoint_of(current, home), current))


def _last_run(place: Place) -> Mapping[str, Any]:
    table = place.names.control_table
    client = place.client("dynamodb")
    try:
        pointer = client.get_item(TableName=table, Key={layout.PK: {"S": layout.WATERMARK}}).get("Item")
    except ClientError as error:
        if not absent(error):
            raise
        pointer = None
    if pointer is None:
        name = place.settings.environment
        raise NothingMeasured(
            f"No run of {name} has succeeded there: `make run ENV={name}`, or leave MEASURED out"
        )
    key = {layout.PK: {"S": layout.RUN.of(run_id=pointer["run_id"]["S"])}}
    record: Mapping[str, Any] = client.get_item(TableName=table, Key=key)["Item"]
    return record


def _with_hours(known: Measured, place: Place, record: Mapping[str, Any]) -> Measured:
    return replace(
        known,
        dpu_hours=sum(_job_hours(place)) or None,
        training_hours=dict(_trainings(place, record)),
    )


def _job_hours(place: Place) -> Iterator[float]:
    """The hours of each job's newest run that succeeded; `DPUSeconds` is there for jobs that scale, else their capacity."""
    client = place.client("glue")
    for job in JOBS:
        runs = client.get_job_runs(JobName=place.names.job(job), MaxResults=20)["JobRuns"]
        done = [run for run in runs if run["JobRunState"] == "SUCCEEDED"]
        for run in done[:1]:
            yield run.get("DPUSeconds", run["ExecutionTime"] * run.get("MaxCapacity", 0)) / 3600


def _trainings(place: Place, record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    client = place.client("personalize")
    for solution, arn in json.loads(record["versions"]["S"]).items():
        version = client.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
        if "trainingHours" in version:
            yield solution, float(version["trainingHours"])


def _transitions(place: Place, execution: str) -> float | None:
    """States entered by the run and by what it started, as Step Functions bills them."""
    client = place.client("stepfunctions")
    total = 0
    for arn in [execution, *_started(client, execution)]:
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        total += sum(event["type"].endswith("StateEntered") for page in pages for event in page["events"])
    return float(total) or None


def _started(client: Any, execution: str) -> Iterator[str]:
    for page in client.get_paginator("get_execution_history").paginate(executionArn=execution):
        for event in page["events"]:
            output = event.get("taskSubmittedEventDetails", {}).get("output")
            if output and "ExecutionArn" in output:
                yield json.loads(output)["ExecutionArn"]
