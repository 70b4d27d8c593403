from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    warehouse_workgroup: str
    warehouse_database: str
    warehouse_columns: dict[str, dict[str, str]]
    dbt_schema: str = "marts"
