"""The variables that the dbt project reads: warehouse/profiles.yml, warehouse/macros."""

from __future__ import annotations

import json
from typing import Any

from lambdas.run_dbt.environment import Environment

PASSWORD_SECONDS = 3600  # the longest that Redshift Serverless gives


def variables(settings: Environment, *, redshift_serverless: Any) -> dict[str, str]:
    """Where the workgroup is, and a password of an hour for the database user `IAMR:<the function's role>`."""
    workgroup = redshift_serverless.get_workgroup(workgroupName=settings.warehouse_workgroup)["workgroup"]
    credentials = redshift_serverless.get_credentials(
        workgroupName=settings.warehouse_workgroup,
        dbName=settings.warehouse_database,
        durationSeconds=PASSWORD_SECONDS,
    )
    return {
        "DBT_HOST": workgroup["endpoint"]["address"],
        "DBT_PORT": str(workgroup["endpoint"]["port"]),
        "DBT_USER": credentials["dbUser"],
        "DBT_PASSWORD": credentials["dbPassword"],
        "DBT_DATABASE": settings.warehouse_database,
        "DBT_SCHEMA": settings.dbt_schema,
        "WAREHOUSE_COLUMNS": json.dumps(settings.warehouse_columns),
    }
