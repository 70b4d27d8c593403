"""Items of DynamoDB whose attributes are texts, and numbers as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config import layout
from operations.place import Place


def read(place: Place, *, table: str, key: Mapping[str, str]) -> dict[str, str]:
    """Empty where there is none."""
    answer = place.client("dynamodb").get_item(
        TableName=table, Key={name: {"S": value} for name, value in key.items()}, ConsistentRead=True
    )
    return {name: _text(value) for name, value in answer.get("Item", {}).items()}


def item(place: Place, pk: str) -> dict[str, str]:
    """An item of the control table."""
    return read(place, table=place.names.control_table, key={layout.PK: pk})


def _text(value: Mapping[str, Any]) -> str:
    return str(next(iter(value.values())))
