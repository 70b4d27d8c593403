from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    recommendations_table: str
    user_state_table: str
    powertools_metrics_namespace: str
    read_timeout_ms: int = 150
    answer_within_ms: int = 250
