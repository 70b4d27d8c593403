from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`warehouse_secret_arn` is the database user's who loads: what is stored lies where the load puts its rows."""

    results_bucket: str
    warehouse_workgroup: str
    warehouse_database: str
    copy_role_arn: str
    warehouse_secret_arn: str
    history_days: int = 730
