"""The variables that the dbt project reads: warehouse/profiles.yml, warehouse/macros."""

from __future__ import annotations

import json
from typing import Any

from lambdas.run_dbt.environment import Environment

PASSWORD_SECONDS = 3600  # the longest that Redshift Serverless gives


def variables(settings: Environment, *, redshift_serverless: Any) -> dict[str, str]:
    """`redshift_serverless` makes the client; it isn't called on a laptop."""
    connection = (
        _local(settings) if settings.osusume_local_warehouse_host else _aws(settings, redshift_serverless)
    )
    return {
        **connection,
        "DBT_SCHEMA": settings.dbt_schema,
        "WAREHOUSE_COLUMNS": json.dumps(settings.warehouse_columns),
    }


def _aws(settings: Environment, redshift_serverless: Any) -> dict[str, str]:
    answer = redshift_serverless().get_credentials(
        workgroupName=settings.warehouse_workgroup,
        dbName=settings.warehouse_database,
        durationSeconds=PASSWORD_SECONDS,
    )
    return {
        "DBT_ADAPTER": settings.dbt_adapter,
        "DBT_HOST": settings.warehouse_host,
        "DBT_PORT": str(settings.warehouse_port),
        "DBT_USER": answer["dbUser"],
        "DBT_PASSWORD": answer["dbPassword"],
        "DBT_DATABASE": settings.warehouse_database,
    }


def _local(settings: Environment) -> dict[str, str]:
    return {
        "DBT_ADAPTER": "postgres",
        "DBT_HOST": settings.osusume_local_warehouse_host,
        "DBT_PORT": str(settings.osusume_local_warehouse_port),
        "DBT_USER": settings.osusume_local_warehouse_user,
        "DBT_PASSWORD": settings.osusume_local_warehouse_password,
        "DBT_DATABASE": settings.osusume_local_warehouse_database or settings.warehouse_database,
    }
