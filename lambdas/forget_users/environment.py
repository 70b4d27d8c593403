from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`user_columns` are the application's names of the user: {users, orders, log}, each where it is there.

    `other_lists` are the solutions whose lists are not of users: an item may have the id of a user.
    """

    control_table: str
    recommendations_table: str
    user_state_table: str
    raw_bucket: str
    datasets_bucket: str
    results_bucket: str
    key_arn: str
    log_retention_days: int
    user_columns: dict[str, str]
    user_lists: list[str]
    other_lists: list[str]
    # Without the log, or without a warehouse, there is nothing of them to remove.
    application_log_table: str = ""
    warehouse_workgroup: str = ""
    warehouse_database: str = ""
    warehouse_secret_arn: str = ""
