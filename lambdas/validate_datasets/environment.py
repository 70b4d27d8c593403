from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`batch_jobs`: how many solutions have batch inference, by the folder of batch input that they read."""

    datasets_bucket: str
    max_quarantined_share: float
    min_rows_against_previous: float
    batch_records: int
    batch_jobs: dict[str, int]
    max_batch_jobs: int
    powertools_metrics_namespace: str
