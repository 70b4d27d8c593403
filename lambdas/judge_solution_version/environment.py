from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Environment:
    control_table: str
    datasets_bucket: str
    results_bucket: str
    topic_arn: str
    recipes: dict[str, str]
    rules: dict[str, dict[str, Any]]
    powertools_metrics_namespace: str
    training_hour_usd: float
    popularity_solution: str = ""
