from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Environment:
    warehouse_workgroup: str
    warehouse_database: str
    warehouse_columns: dict[str, dict[str, str]]
    warehouse_variables: dict[str, Any]
    dbt_schema: str = "marts"
