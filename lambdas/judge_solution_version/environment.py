from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    control_table: str
    results_bucket: str
    recipes: dict[str, str]
    metrics: dict[str, str]
    min_against_serving: float
    powertools_metrics_namespace: str
