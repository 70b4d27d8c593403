"""Submits a run's load into the warehouse as one transaction. The workflow waits for the statement."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lambdas.load_warehouse import script
from lambdas.load_warehouse.environment import Environment
from lambdas.shared import environment, events, times
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = run(event, redshift_data=client("redshift-data"), settings=settings(), folder=script.FOLDER)
    logger().info("submitted", extra={**event, **answer})
    return answer


def run(event: dict[str, Any], *, redshift_data: Any, settings: Environment, folder: Path) -> dict[str, Any]:
    run_id = events.text(event, "run_id")
    times.started_at(run_id)
    quoted = {
        "results_bucket": settings.results_bucket,
        "run_id": run_id,
        "copy_role_arn": settings.copy_role_arn,
        "database": settings.warehouse_database,
    }
    values = {name: script.quoted_value(name, value) for name, value in quoted.items()}
    # The administrator owns what is loaded; without a secret the Data API connects as this function's role.
    as_whom = {"SecretArn": settings.warehouse_secret_arn} if settings.warehouse_secret_arn else {}
    answer = redshift_data.batch_execute_statement(
        **as_whom,
        WorkgroupName=settings.warehouse_workgroup,
        Database=settings.warehouse_database,
        Sqls=script.statements(
            folder=folder, values=values | script.column_values(settings.warehouse_columns)
        ),
        StatementName=f"load-{run_id}",
    )
    return {"statement_id": answer["Id"]}
