from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """A list that no solution makes has an empty name."""

    recommendations_table: str
    powertools_metrics_namespace: str
    personal_list: str = ""
    related_list: str = ""
    popular_list: str = ""
    read_timeout_ms: int = 150
    answer_within_ms: int = 250
