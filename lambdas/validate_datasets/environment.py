from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    datasets_bucket: str
    max_quarantined_share: float
    min_rows_against_previous: float
    powertools_metrics_namespace: str
