"""The variables that the dbt project reads: warehouse/profiles.yml, warehouse/macros."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lambdas.run_dbt.environment import Environment

PRICES = Path(__file__).with_name("prices.json")
PASSWORD_SECONDS = 3600  # the longest that Redshift Serverless gives


class WarehouseHasNoAddress(RuntimeError):
    """The workgroup is being made, changed or deleted."""


def variables(settings: Environment, *, redshift_serverless: Any) -> dict[str, str]:
    """The workgroup's address, and a password of an hour for the database user `IAMR:<the role that runs dbt>`.

    Raises WarehouseHasNoAddress.
    """
    name = settings.warehouse_workgroup
    endpoint = _endpoint(redshift_serverless.get_workgroup(workgroupName=name)["workgroup"])
    signing_in = credentials(settings, redshift_serverless=redshift_serverless)
    return {
        "DBT_HOST": str(endpoint["address"]),
        "DBT_PORT": str(endpoint["port"]),
        "DBT_USER": signing_in["dbUser"],
        "DBT_PASSWORD": signing_in["dbPassword"],
        "DBT_DATABASE": settings.warehouse_database,
        "DBT_SCHEMA": settings.dbt_schema,
        "WAREHOUSE_COLUMNS": json.dumps(settings.warehouse_columns),
        "WAREHOUSE_VARIABLES": json.dumps(_priced() | settings.warehouse_variables),
    }


def credentials(settings: Environment, *, redshift_serverless: Any) -> Any:
    """{dbUser, dbPassword}."""
    return redshift_serverless.get_credentials(
        workgroupName=settings.warehouse_workgroup,
        dbName=settings.warehouse_database,
        durationSeconds=PASSWORD_SECONDS,
    )


def _priced() -> dict[str, Any]:
    """The region's prices, which are packaged with the function; elsewhere the variables have them."""
    return {"prices": json.loads(PRICES.read_text())} if PRICES.exists() else {}


def _endpoint(workgroup: Any) -> Any:
    endpoint = workgroup.get("endpoint", {})
    if "address" not in endpoint or "port" not in endpoint:
        raise WarehouseHasNoAddress(
            f"workgroup {workgroup.get('workgroupName')} is {workgroup.get('status')} and has no address yet: "
            "run the pipeline again when it is AVAILABLE"
        )
    return endpoint
