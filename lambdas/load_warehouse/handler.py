"""Moves a run's load into the warehouse on by one step; the workflow calls until it has ended.

Steps: look at what is there; make and widen what is missing, outside of transactions, and look again; load, in one
transaction. One function starts and describes statements: the Data API shows a statement to nobody but the IAM
role that started it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from lambdas.load_warehouse import script
from lambdas.load_warehouse.environment import Environment
from lambdas.load_warehouse.steps import Steps
from lambdas.shared import environment, events, times
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    clients = {
        "redshift_data": client("redshift-data"),
        "secrets": client("secretsmanager"),
        "dynamodb": client("dynamodb"),
    }
    answer = run(event, **clients, settings=settings())
    logger().info("load", extra={"run_id": event["run_id"], **answer})
    return answer


def run(
    event: dict[str, Any], *, redshift_data: Any, secrets: Any, dynamodb: Any, settings: Environment
) -> dict[str, Any]:
    """{statement: {id, step}, status, reason?} for {run_id, entered} or {run_id, entered, deadline, statement}.

    `entered` is the moment at which the workflow entered the state: a retried call starts nothing twice.
    `deadline` is the epoch millisecond after which the statement is cancelled.
    """
    run_id, entered = events.text(event, "run_id"), events.text(event, "entered")
    times.started_at(run_id)
    steps = Steps(
        redshift_data=redshift_data,
        secrets=secrets,
        dynamodb=dynamodb,
        settings=settings,
        folder=script.FOLDER,
        run_id=run_id,
        token=f"{run_id}-{entered}",
    )
    statement = event.get("statement")
    return steps.after(statement, deadline=event["deadline"]) if statement else steps.inspect()
