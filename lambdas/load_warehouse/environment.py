from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    results_bucket: str
    warehouse_workgroup: str
    warehouse_database: str
    copy_role_arn: str
    warehouse_columns: dict[str, dict[str, str]]
    warehouse_secret_arn: str = ""
