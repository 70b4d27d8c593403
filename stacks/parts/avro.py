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
    found = {"interactions": _schema("Interactions", INTERACTIONS)}
    for name in ("users", "items"):
        if datasets.configured(name):
            found[name] = _schema(name.capitalize(), map(_field, datasets.fields(name)))
    return found


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
