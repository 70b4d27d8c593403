"""Reads a trained version's offline metrics, records them, and says whether it may serve."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from lambdas.judge_solution_version.environment import Environment
from lambdas.judge_solution_version.gate import Serving, judge
from lambdas.shared import environment, events, times
from lambdas.shared.clients import client
from lambdas.shared.telemetry import count, logger


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = run(
        event,
        personalize=client("personalize"),
        dynamodb=client("dynamodb"),
        s3=client("s3"),
        settings=settings(),
    )
    logger().info("judged", extra={**event, **answer})
    return answer


def run(
    event: dict[str, Any], *, personalize: Any, dynamodb: Any, s3: Any, settings: Environment
) -> dict[str, Any]:
    solution, arn = events.text(event, "solution"), events.text(event, "solution_version_arn")
    run_id = events.text(event, "run_id")
    if solution not in settings.recipes:
        raise events.InvalidEvent(f"solution is {solution!r}: pass one of {', '.join(settings.recipes)}")
    metrics = personalize.get_solution_metrics(solutionVersionArn=arn)["metrics"]
    verdict = judge(
        arn=arn,
        metrics=metrics,
        serving=read_serving(dynamodb, table=settings.control_table, solution=solution),
        metric=settings.metrics[solution],
        min_against_serving=settings.min_against_serving,
    )
    common = {
        "run_id": run_id,
        "solution": solution,
        "recipe": settings.recipes[solution],
        "solution_version_arn": arn,
        "promoted": verdict.promote,
        "created_at": times.started_at(run_id).strftime("%Y-%m-%d %H:%M:%S"),
    }
    rows = [common | {"metric": name, "value": value} for name, value in sorted(metrics.items())]
    write_rows(s3, bucket=settings.results_bucket, run_id=run_id, solution=solution, rows=rows)
    figures = metrics | {"promoted": int(verdict.promote)}
    count(figures, namespace=settings.powertools_metrics_namespace, dimensions={"Solution": solution})
    return {"promote": verdict.promote, "reason": verdict.reason, "metrics": metrics}


def read_serving(dynamodb: Any, *, table: str, solution: str) -> Serving | None:
    key = {"pk": {"S": f"serving#{solution}"}}
    item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    if item is None:
        return None
    return Serving(item["solution_version_arn"]["S"], json.loads(item["metrics"]["S"]))


def write_rows(
    s3: Any, *, bucket: str, run_id: str, solution: str, rows: Iterable[Mapping[str, Any]]
) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    s3.put_object(
        Bucket=bucket,
        Key=f"runs/{run_id}/warehouse/solution_version_metrics/{solution}.json.gz",
        Body=gzip.compress(lines.encode(), mtime=0),
        ContentType="application/gzip",
    )
