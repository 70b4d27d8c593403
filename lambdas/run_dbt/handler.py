"""Builds and tests the marts after a load."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lambdas.run_dbt import build, profile, renewal
from lambdas.run_dbt.environment import Environment
from lambdas.shared import environment, events
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger

WORK = Path("/tmp/dbt")


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return run(events.text(event, "run_id"))


def run(run_id: str) -> dict[str, Any]:
    """Builds the marts, by the function or by a build of CodeBuild. Raises DbtBuildFailed, WarehouseHasNoAddress."""
    serverless = client("redshift-serverless")
    variables = profile.variables(settings(), redshift_serverless=serverless)

    def password() -> str:
        return str(profile.credentials(settings(), redshift_serverless=serverless)["dbPassword"])

    with renewal.renewed(password):
        answer = build.build(project=build.PROJECT, work=WORK, variables=variables)
    logger().info("built", extra={"run_id": run_id, **answer})
    return answer
