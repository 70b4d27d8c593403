"""Random fault plans for the pipeline. The same seed is the same plan."""

from __future__ import annotations

from random import Random
from typing import Any

from osusume_endpoint.faults.plan import Disk, Kill, Plan, Rule

# What the workflows, functions, jobs and services of a run call.
CALLS: dict[str, tuple[str, ...]] = {
    "dynamodb": (
        "GetItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "DescribeContinuousBackups",
        "ExportTableToPointInTime",
        "DescribeExport",
    ),
    "glue": ("StartJobRun", "GetJobRun"),
    "lambda": ("Invoke",),
    "personalize": (
        "CreateDatasetImportJob",
        "DescribeDatasetImportJob",
        "DescribeSolution",
        "CreateSolutionVersion",
        "DescribeSolutionVersion",
        "GetSolutionMetrics",
        "CreateBatchInferenceJob",
        "DescribeBatchInferenceJob",
    ),
    "redshift-data": ("BatchExecuteStatement", "DescribeStatement", "GetStatementResult"),
    "s3": ("GetObject", "ListObjectsV2", "PutObject"),
    "secretsmanager": ("GetSecretValue",),
    "sns": ("Publish",),
    "stepfunctions": ("StartExecution", "DescribeExecution"),
}
KINDS = {
    "throttle": 6,
    "internal_error": 3,
    "unavailable": 2,
    "reset": 3,
    "timeout": 1,
    "expired_credentials": 1,
}
# By its own call: a moment in a function's or a job's life that is the same on every machine.
DIES_ON = {
    "lambda:plan_run": "dynamodb:GetItem",
    "lambda:grant_reader": "rds-data:ExecuteStatement",
    "lambda:validate_datasets": "s3:GetObject",
    "lambda:judge_solution_version": "s3:PutObject",
    "lambda:publish_recommendations": "dynamodb:BatchWriteItem",
    "lambda:load_warehouse": "redshift-data:BatchExecuteStatement",
    "lambda:run_dbt": "",  # at once
    "glue:extract-aurora": "s3:PutObject",
    "glue:build-datasets": "s3:PutObject",
    "glue:postprocess-recommendations": "s3:PutObject",
}
POSTGRES_DIES_ON = ("glue:extract-aurora", "lambda:load_warehouse", "lambda:run_dbt")
BUCKETS = ("*-raw-*", "*-datasets-*", "*-results-*")


def random_plan(seed: int) -> Plan:
    """One to four rules, often a killed process, now and then a full disk."""
    draw = Random(seed)
    rules = tuple(_rule(draw) for _ in range(draw.randint(1, 4)))
    kills = (_kill(draw),) if draw.random() < 0.4 else ()
    disks = (_disk(draw),) if draw.random() < 0.15 else ()
    return Plan(seed=seed, rules=rules, kills=kills, disks=disks)


def _rule(draw: Random) -> Rule:
    service = draw.choice(list(CALLS))
    operation = draw.choice(CALLS[service])
    kind: Any = draw.choices(list(KINDS), weights=list(KINDS.values()))[0]
    fields: dict[str, Any] = {"after": draw.choice((0, 0, 1, 2, 5))}
    if draw.random() < 0.2:
        fields["probability"] = draw.choice((0.1, 0.3))
    else:
        # Mostly what retries get past; now and then an outage.
        fields["count"] = draw.choice((1, 1, 2, 3, 3, 40))
    if kind == "timeout":
        fields["seconds"] = 2.0
    if kind in ("timeout", "reset"):
        fields["performed"] = draw.random() < 0.5
    return Rule(service=service, operation=operation, kind=kind, **fields)


def _kill(draw: Random) -> Kill:
    target = draw.choice((*DIES_ON, "postgres", "postgres"))
    if target == "postgres":
        return Kill(target=target, when=draw.choice(POSTGRES_DIES_ON))
    at = draw.choice((1, 1, 2, 3)) if target.startswith("glue") else 1
    return Kill(target=target, when=DIES_ON[target], at=at, count=draw.choice((1, 1, 1, 5)))


def _disk(draw: Random) -> Disk:
    return Disk(
        bucket=draw.choice(BUCKETS),
        full_after=draw.choice((0, 10_000, 100_000)),
        count=draw.choice((1, 3, None)),
    )
