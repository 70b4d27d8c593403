"""Raw data into datasets without Spark, where there is little of it: the job build-datasets on DuckDB."""

from __future__ import annotations

from functools import cache
from typing import Any

from lambdas.build_datasets import engine
from lambdas.build_datasets.environment import Environment
from lambdas.shared import environment, events
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger

OF_RUN = ("run_id", "run_mode", "export_prefix", "previous_run_id", "accept", "streamed")


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{built, megabytes}: not built is what is too large, and etl.engine leaves to Spark."""
    engine.on_path()
    given = engine.arguments({name: events.text(event, name) for name in OF_RUN})
    s3 = client("s3")
    found = engine.size(given, s3=s3)
    answer = {"built": engine.check(found, settings()), "megabytes": round(found, 3)}
    if answer["built"]:
        engine.build(given, s3=s3, memory=settings().function_memory)
    logger().info("datasets", extra={"run_id": given["run_id"], **answer})
    return answer
