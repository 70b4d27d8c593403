"""Personalize's Avro schemas from the configured fields."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from config.settings import DatasetField, Datasets

Field = dict[str, Any]

INTERACTIONS: tuple[Field, ...] = (
    {"name": "USER_ID", "type": "string"},
    {"name": "ITEM_ID", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "EVENT_VALUE", "type": ["null", "float"]},
)


def schemas(datasets: Datasets) -> dict[str, str]:
    """Avro JSON of each dataset, by its lower-case name."""
    return {
        "interactions": _schema("Interactions", INTERACTIONS),
        "users": _schema("Users", map(_field, datasets.users.fields)),
        "items": _schema("Items", map(_field, datasets.items.fields)),
    }


def _schema(name: str, fields: Iterable[Field]) -> str:
    record = {
        "type": "record",
        "name": name,
        "namespace": "com.amazonaws.personalize.schema",
        "fields": list(fields),
        "version": "1.0",
    }
    return json.dumps(record)


def _field(field: DatasetField) -> Field:
    avro: Field = {"name": field.name, "type": ["null", field.type] if field.nullable else field.type}
    if field.categorical:
        avro["categorical"] = True
    if field.textual:
        avro["textual"] = True
    return avro
