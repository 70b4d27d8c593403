from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`impressions_queue_url`: where what is shown is put; none: nowhere.

    `experiments_*`: AppConfig's ids of the experiments' document; none: the packaged one holds.
    `cors_origins`: origins whose pages may read the answers, with spaces between.
    """

    recommendations_table: str
    user_state_table: str
    powertools_metrics_namespace: str
    read_timeout_ms: int = 150
    answer_within_ms: int = 250
    impressions_queue_url: str = ""
    experiments_application: str = ""
    experiments_environment: str = ""
    experiments_profile: str = ""
    experiments_poll_seconds: int = 45
    cors_origins: str = ""
