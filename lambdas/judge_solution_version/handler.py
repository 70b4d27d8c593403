"""Reads a trained version's offline metrics, records them, and says whether it may serve."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from lambdas.judge_solution_version import training
from lambdas.judge_solution_version.environment import Environment
from lambdas.judge_solution_version.gate import Case, Rules, judge
from lambdas.judge_solution_version.past import Past
from lambdas.shared import alerts, environment, events, times
from lambdas.shared.clients import client
from lambdas.shared.telemetry import count, logger

REASON_CHARACTERS = 1000


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = run(
        event,
        personalize=client("personalize"),
        dynamodb=client("dynamodb"),
        s3=client("s3"),
        sns=client("sns"),
        settings=settings(),
    )
    logger().info("judged", extra={**event, **answer})
    return answer


def run(
    event: dict[str, Any], *, personalize: Any, dynamodb: Any, s3: Any, sns: Any, settings: Environment
) -> dict[str, Any]:
    solution, arn = events.text(event, "solution"), events.text(event, "solution_version_arn")
    run_id = events.text(event, "run_id")
    if solution not in settings.recipes:
        raise events.InvalidEvent(f"solution is {solution!r}: pass one of {', '.join(settings.recipes)}")
    past = Past(dynamodb, table=settings.control_table)
    metrics = personalize.get_solution_metrics(solutionVersionArn=arn)["metrics"]
    users = tested_of(s3, bucket=settings.datasets_bucket, run_id=run_id)
    case = case_of(solution, arn=arn, metrics=metrics, past=past, users=users, settings=settings)
    verdict = judge(case, Rules(**settings.rules[solution]))
    if verdict.promote:
        past.remember(solution, case)
    else:
        tell(sns, topic=settings.topic_arn, solution=solution, arn=arn, reason=verdict.reason)
    trained = training.described(personalize, arn=arn, hour_usd=settings.training_hour_usd)
    common = {
        "run_id": run_id,
        "solution": solution,
        "recipe": settings.recipes[solution],
        "solution_version_arn": arn,
        "promoted": verdict.promote,
        "reason": verdict.reason[:REASON_CHARACTERS],
        "created_at": times.started_at(run_id).strftime("%Y-%m-%d %H:%M:%S"),
        **trained.as_columns(),
    }
    rows = [common | {"metric": name, "value": value} for name, value in sorted(metrics.items())]
    write_rows(s3, bucket=settings.results_bucket, run_id=run_id, solution=solution, rows=rows)
    figures = metrics | trained.figures() | {"promoted": int(verdict.promote)}
    count(figures, namespace=settings.powertools_metrics_namespace, dimensions={"Solution": solution})
    return {
        "promote": verdict.promote,
        "reason": verdict.reason,
        "metrics": metrics,
        "previous": case.previous,
    }


def case_of(
    solution: str,
    *,
    arn: str,
    metrics: dict[str, float],
    past: Past,
    users: int | None,
    settings: Environment,
) -> Case:
    """What the version is judged by: its metrics, and what served and was promoted before it."""
    return Case(
        arn=arn,
        metrics=metrics,
        serving=past.serving(solution),
        history=past.history(solution, without=arn),
        popularity=past.popularity(settings.popularity_solution, judged=solution),
        users=users,
    )


def tested_of(s3: Any, *, bucket: str, run_id: str) -> int | None:
    """Users with two interactions or more; a tenth of them is tested. None where the run's report is gone."""
    try:
        body = s3.get_object(Bucket=bucket, Key=f"runs/{run_id}/report.json")["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    users: int | None = json.loads(body).get("users_with_two_interactions")
    return users


def tell(sns: Any, *, topic: str, solution: str, arn: str, reason: str) -> None:
    """A night without a mail changes nothing of what serves, so one that can't be sent ends no run."""
    environment = alerts.prefix_of(topic).partition("-")[2]  # no name of an app has a hyphen
    promote = f"make promote ENV={environment} ON=aws SOLUTION={solution} VERSION={arn.rpartition('/')[2]}"
    try:
        alerts.tell(
            sns,
            topic,
            subject=f"a version of {solution} was turned down",
            message=f"Solution: {solution}\nSolution version: {arn}\nWhy: {reason}\n"
            f"To let it serve all the same: {promote}\n",
        )
    except ClientError as error:
        logger().warning("not told", extra={"error": str(error)})


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
