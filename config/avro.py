"""Personalize's Avro schemas from the configured fields.

A dataset is created by a template, with the fields that it has then, and the template keeps that schema: it is
create-only. Fields that are `added` are in another schema, which the workflow `train` makes and gives the dataset.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from config.digests import digest
from config.names import Names
from config.settings import DatasetField, Datasets, InteractionField

Field = dict[str, Any]

INTERACTIONS: tuple[Field, ...] = (
    {"name": "USER_ID", "type": "string"},
    {"name": "ITEM_ID", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "EVENT_VALUE", "type": ["null", "float"]},
)
_IMPRESSION: Field = {"name": "IMPRESSION", "type": ["null", "string"]}
_RECOMMENDATION_ID: Field = {"name": "RECOMMENDATION_ID", "type": ["null", "string"]}
ACTION_INTERACTIONS: tuple[Field, ...] = (
    {"name": "USER_ID", "type": "string"},
    {"name": "ACTION_ID", "type": "string"},
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
)
# Developer guide, "Replacing a dataset's schema to add new columns": these two only.
REPLACEABLE = ("users", "items")


@dataclass(frozen=True)
class DatasetSchema:
    """`created` are the fields of the template's schema, `added` those that came later."""

    dataset: str
    created: tuple[Field, ...]
    added: tuple[Field, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        return (*self.created, *self.added)

    @property
    def created_avro(self) -> str:
        return _avro(self.dataset, self.created)

    @property
    def avro(self) -> str:
        return _avro(self.dataset, self.fields)

    def name(self, names: Names) -> str:
        """The name of the schema with all fields; the template's own where nothing was added."""
        return names.schema(self.dataset, digest(self.fields) if self.added else None)


def schemas(datasets: Datasets) -> dict[str, DatasetSchema]:
    """The configured schemas by the dataset's lower-case name."""
    configured = {name: datasets.fields(name) for name in REPLACEABLE if datasets.configured(name)}
    return {
        "interactions": DatasetSchema("interactions", interactions_fields(datasets)),
        **{dataset: _configured(dataset, fields) for dataset, fields in configured.items()},
    }


def interactions_fields(datasets: Datasets) -> tuple[Field, ...]:
    given = datasets.interactions
    more = ((given.impressions, _IMPRESSION), (given.recommendation_ids, _RECOMMENDATION_ID))
    return (*INTERACTIONS, *(field for wanted, field in more if wanted), *map(_context, given.fields))


def action_schemas(datasets: Datasets) -> dict[str, DatasetSchema]:
    """The same of actions and their interactions, which no template makes."""
    found: dict[str, DatasetSchema] = {}
    if datasets.actions is not None:
        found["actions"] = _configured("actions", datasets.actions.fields)
    if datasets.action_interactions is not None:
        found["action_interactions"] = DatasetSchema("action_interactions", ACTION_INTERACTIONS)
    return found


def _configured(dataset: str, fields: Iterable[DatasetField]) -> DatasetSchema:
    created, added = list[Field](), list[Field]()
    for field in fields:
        (added if field.added else created).append(_field(field))
    return DatasetSchema(dataset, tuple(created), tuple(added))


def _avro(dataset: str, fields: Iterable[Field]) -> str:
    record = {
        "type": "record",
        "name": dataset.title().replace("_", ""),
        "namespace": "com.amazonaws.personalize.schema",
        "fields": list(fields),
        "version": "1.0",
    }
    return json.dumps(record)


def _context(field: InteractionField) -> Field:
    avro: Field = {"name": field.name, "type": ["null", field.type] if field.nullable else field.type}
    return avro | ({"categorical": True} if field.categorical else {})


def _field(field: DatasetField) -> Field:
    avro: Field = {"name": field.name, "type": ["null", field.type] if field.nullable else field.type}
    if field.categorical:
        avro["categorical"] = True
    if field.textual:
        avro["textual"] = True
    if field.item_name:
        avro["itemName"] = True
    return avro
