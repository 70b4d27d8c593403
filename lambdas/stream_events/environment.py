from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Environment:
    """`log_attributes`: the configuration's names of the log's attributes, by Personalize's; null: not kept.

    `interactions` says what is sent beside user, item, type, time and value: {impressions, recommendation_ids, fields}.
    """

    control_table: str
    raw_bucket: str
    dataset_group: str
    streamed: list[Any]
    log_attributes: dict[str, Any]
    timestamp_format: str
    interactions: dict[str, Any]
    powertools_metrics_namespace: str
    tracking_id: str = ""
    """None: no event about an item is streamed."""
