from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Environment:
    """`log_attributes`: the configuration's names of the log's attributes, by Personalize's; null: not kept.

    `cors_origins`: origins whose pages may send events, with spaces between.
    """

    application_log_table: str
    user_state_table: str
    raw_bucket: str
    log_attributes: dict[str, Any]
    timestamp_format: str
    powertools_metrics_namespace: str
    experiments_application: str = ""
    experiments_environment: str = ""
    experiments_profile: str = ""
    experiments_poll_seconds: int = 45
    cors_origins: str = ""
