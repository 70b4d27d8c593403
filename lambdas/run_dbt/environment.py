from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """The five OSUSUME_LOCAL_ variables are set by the laptop runtime alone, and win."""

    warehouse_workgroup: str
    warehouse_database: str
    warehouse_host: str
    warehouse_port: int
    warehouse_columns: dict[str, dict[str, str]]
    dbt_adapter: str = "redshift"
    dbt_schema: str = "marts"
    osusume_local_warehouse_host: str = ""
    osusume_local_warehouse_port: int = 5432
    osusume_local_warehouse_database: str = ""
    osusume_local_warehouse_user: str = ""
    osusume_local_warehouse_password: str = ""
