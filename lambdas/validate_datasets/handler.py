"""Stops a run whose data would break or shrink what is being served."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from lambdas.shared import environment, events, stored, times
from lambdas.shared.clients import client
from lambdas.shared.telemetry import count, logger
from lambdas.validate_datasets import quality
from lambdas.validate_datasets.environment import Environment


class ReportMissing(RuntimeError):
    """The run has no report.json, so build-datasets did not finish."""


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = run(event, s3=client("s3"), settings=settings())
    logger().info("validated", extra=answer)
    return answer


def run(event: dict[str, Any], *, s3: Any, settings: Environment) -> dict[str, Any]:
    """{passed, rows by dataset, parts of batch input by the folders that have any}. Raises DataQualityFailed."""
    run_id = events.text(event, "run_id")
    times.started_at(run_id)
    report = read_report(s3, bucket=settings.datasets_bucket, run_id=run_id)
    measure(report, namespace=settings.powertools_metrics_namespace)
    thresholds = quality.Thresholds(settings.max_quarantined_share, settings.min_rows_against_previous)
    jobs = quality.Jobs(settings.batch_records, settings.batch_jobs, settings.max_batch_jobs)
    interactions = f"runs/{run_id}/interactions/"
    imported = stored.size(s3, bucket=settings.datasets_bucket, prefix=interactions)
    rows = quality.check(report, thresholds, jobs, imported=imported)
    return {"passed": True, "rows": rows, "parts": quality.parts(report)}


def read_report(s3: Any, *, bucket: str, run_id: str) -> dict[str, Any]:
    key = f"runs/{run_id}/report.json"
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        raise ReportMissing(
            f"s3://{bucket}/{key} is missing: build-datasets writes it last, run it again"
        ) from None
    report: dict[str, Any] = json.loads(body)
    return report


def measure(report: dict[str, Any], *, namespace: str) -> None:
    for name, counts in report["datasets"].items():
        values = {
            "RowsKept": counts["kept"],
            "QuarantinedShare": quality.quarantined_share(counts),
            "NewlyQuarantined": sum(counts.get("newly_quarantined", {}).values()),
        }
        count(values, namespace=namespace, dimensions={"Dataset": name})
