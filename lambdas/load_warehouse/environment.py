from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`dbt_user` is the database user of dbt's IAM role, `IAMR:<role's name>`; `reader_secret_arn` the dashboards'.

    Without a control table nothing is known of how long a run took.
    """

    results_bucket: str
    warehouse_workgroup: str
    warehouse_database: str
    copy_role_arn: str
    warehouse_columns: dict[str, dict[str, str]]
    dbt_user: str
    reader_secret_arn: str
    warehouse_secret_arn: str = ""
    control_table: str = ""
    history_days: int = 730
