"""The moment from which a type reaches Personalize by the stream, as plan_run noted it in the control table."""

from __future__ import annotations

from typing import Any

STREAMING = "streaming#{dataset_group}"  # a copy of config/layout.py's, which a test compares


def key(dataset_group: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": STREAMING.format(dataset_group=dataset_group)}}


def opened(dynamodb: Any, *, table: str, dataset_group: str) -> dict[str, int]:
    """Epoch seconds by event type; empty before the first run after the deployment."""
    answer = dynamodb.get_item(TableName=table, Key=key(dataset_group), ConsistentRead=True)
    item = answer.get("Item", {})
    return {kind: int(at["N"]) for kind, at in item.get("opened", {}).get("M", {}).items()}
