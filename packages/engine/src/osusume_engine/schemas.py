"""Avro schemas of datasets and the rules the developer guide sets for them.

Rules: "Creating schema JSON files for Amazon Personalize schemas", "Custom datasets and schemas" and the
pages of the two domains; quotas on metadata fields from "Amazon Personalize endpoints and quotas".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

TYPES = frozenset({"float", "double", "int", "long", "string", "boolean"})
NUMERIC = frozenset({"float", "double", "int", "long"})
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ATTRIBUTES = ("categorical", "textual", "itemName")

INTERACTIONS, ITEMS, USERS = "INTERACTIONS", "ITEMS", "USERS"
ACTIONS, ACTION_INTERACTIONS = "ACTIONS", "ACTION_INTERACTIONS"
DATASET_TYPES = (INTERACTIONS, ITEMS, USERS, ACTIONS, ACTION_INTERACTIONS)
_RECORD_NAMES = {
    "interactions": INTERACTIONS,
    "items": ITEMS,
    "users": USERS,
    "actions": ACTIONS,
    "actioninteractions": ACTION_INTERACTIONS,
}
# Only these two may gain fields later (UpdateDataset).
REPLACEABLE = frozenset({ITEMS, USERS})
MAX_METADATA = {INTERACTIONS: 5, ITEMS: 100, USERS: 25, ACTIONS: 10, ACTION_INTERACTIONS: 0}


class SchemaError(ValueError):
    """A schema that Amazon Personalize refuses; the message names the field and the cure."""


@dataclass(frozen=True)
class Rule:
    """What a required or reserved field must look like."""

    type: str
    nullable: bool = False
    categorical: bool = False
    textual: bool = False


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    nullable: bool = False
    categorical: bool = False
    textual: bool = False
    item_name: bool = False


@dataclass(frozen=True)
class Schema:
    dataset_type: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def field_ignoring_case(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name.lower() == name.lower()), None)

    @property
    def categorical(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields if field.categorical)

    @property
    def textual(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields if field.textual)


_STRING, _LONG = Rule("string"), Rule("long")
_CATEGORY = Rule("string", categorical=True, nullable=True)
_NULLABLE_STRING, _NULLABLE_LONG = Rule("string", nullable=True), Rule("long", nullable=True)
_NULLABLE_FLOAT = Rule("float", nullable=True)

_REQUIRED: Mapping[str, Mapping[str, Rule]] = {
    INTERACTIONS: {"USER_ID": _STRING, "ITEM_ID": _STRING, "TIMESTAMP": _LONG},
    ITEMS: {"ITEM_ID": _STRING},
    USERS: {"USER_ID": _STRING},
    ACTIONS: {"ACTION_ID": _STRING},
    ACTION_INTERACTIONS: {
        "USER_ID": _STRING,
        "ACTION_ID": _STRING,
        "EVENT_TYPE": _STRING,
        "TIMESTAMP": _LONG,
    },
}
_RESERVED: Mapping[str, Mapping[str, Rule]] = {
    INTERACTIONS: {
        "EVENT_TYPE": _NULLABLE_STRING,
        "EVENT_VALUE": _NULLABLE_FLOAT,
        "IMPRESSION": _NULLABLE_STRING,
        "RECOMMENDATION_ID": _NULLABLE_STRING,
        "EVENT_ATTRIBUTION_SOURCE": _NULLABLE_STRING,
    },
    ITEMS: {"CREATION_TIMESTAMP": _NULLABLE_LONG},
    USERS: {},
    ACTIONS: {
        "CREATION_TIMESTAMP": _NULLABLE_LONG,
        "VALUE": _NULLABLE_LONG,
        "TYPE": Rule("string", nullable=True, categorical=True),
        "EXPIRATION_TIMESTAMP": _NULLABLE_LONG,
        "REPEAT_FREQUENCY": _NULLABLE_LONG,
    },
    ACTION_INTERACTIONS: {"IMPRESSION": _NULLABLE_STRING, "RECOMMENDATION_ID": _NULLABLE_STRING},
}
_DOMAIN_REQUIRED: Mapping[tuple[str, str], Mapping[str, Rule]] = {
    ("ECOMMERCE", INTERACTIONS): {"EVENT_TYPE": _STRING},
    ("ECOMMERCE", ITEMS): {"PRICE": _NULLABLE_FLOAT, "CATEGORY_L1": _CATEGORY},
    ("VIDEO_ON_DEMAND", INTERACTIONS): {"EVENT_TYPE": _STRING},
    ("VIDEO_ON_DEMAND", ITEMS): {"CREATION_TIMESTAMP": _NULLABLE_LONG, "GENRES": _CATEGORY},
}
_TEXT = Rule("string", nullable=True, textual=True)
_DOMAIN_RESERVED: Mapping[tuple[str, str], Mapping[str, Rule]] = {
    ("ECOMMERCE", ITEMS): {
        "CATEGORY_L2": _CATEGORY,
        "CATEGORY_L3": _CATEGORY,
        "PRODUCT_DESCRIPTION": _TEXT,
        "AGE_GROUP": _CATEGORY,
        "ADULT": _CATEGORY,
        "GENDER": _CATEGORY,
    },
    ("VIDEO_ON_DEMAND", USERS): {"SUBSCRIPTION_MODEL": _CATEGORY},
    ("VIDEO_ON_DEMAND", ITEMS): {
        "PRICE": _NULLABLE_FLOAT,
        "DURATION": _NULLABLE_FLOAT,
        "GENRE_L2": _CATEGORY,
        "GENRE_L3": _CATEGORY,
        "AVERAGE_RATING": _NULLABLE_FLOAT,
        "PRODUCT_DESCRIPTION": _TEXT,
        "CONTENT_OWNER": _CATEGORY,
        "CONTENT_CLASSIFICATION": _CATEGORY,
    },
}


def parse_schema(text: str, *, domain: str | None = None) -> Schema:
    """The schema that `text` describes; SchemaError when Personalize would refuse it."""
    document = _document(text)
    dataset_type = _dataset_type(document)
    fields = tuple(_field(entry, dataset_type) for entry in _entries(document))
    schema = Schema(dataset_type=dataset_type, fields=fields)
    _check_unique(schema)
    _check_rules(schema, domain)
    _check_metadata(schema)
    return schema


def check_replacement(old: Schema, new: Schema) -> None:
    """UpdateDataset: Items and Users may gain nullable fields, nothing else may change."""
    if old.dataset_type not in REPLACEABLE:
        raise SchemaError(f"The schema of a {old.dataset_type} dataset can't be replaced")
    if new.dataset_type != old.dataset_type:
        raise SchemaError(f"The schema is for {new.dataset_type}, the dataset is of type {old.dataset_type}")
    for field in old.fields:
        if new.field(field.name) != field:
            raise SchemaError(f"Field {field.name} of the existing schema must be kept as it is")
    for field in new.fields:
        if old.field(field.name) is None and not field.nullable:
            raise SchemaError(f'New field {field.name} must have type ["null", "{field.type}"]')


def _document(text: str) -> Mapping[str, object]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise SchemaError(f"Schema is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise SchemaError("Schema must be a JSON object of Avro type record")
    if document.get("type") != "record":
        raise SchemaError(f"Schema type must be 'record', not {document.get('type')!r}")
    if document.get("version") != "1.0":
        raise SchemaError(f"Schema version must be '1.0', not {document.get('version')!r}")
    return document


def _dataset_type(document: Mapping[str, object]) -> str:
    name = str(document.get("name", ""))
    known = _RECORD_NAMES.get(name.lower().replace("_", ""))
    if known is None:
        raise SchemaError(
            f"Schema name {name!r} must be one of Interactions, Items, Users, Actions, ActionInteractions"
        )
    return known


def _entries(document: Mapping[str, object]) -> list[object]:
    entries = document.get("fields")
    if not isinstance(entries, list) or not entries:
        raise SchemaError("Schema has no fields")
    return entries


def _field(entry: object, dataset_type: str) -> Field:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise SchemaError(f"Field {entry!r} must be an object with a name and a type")
    name = entry["name"]
    if not _FIELD_NAME.fullmatch(name) or len(name) > 150:
        raise SchemaError(f"Field name {name!r} must be at most 150 letters, digits and underscores")
    for attribute in _ATTRIBUTES:
        if not isinstance(entry.get(attribute, False), bool):
            raise SchemaError(f"Attribute {attribute} of field {name} must be true or false")
    avro_type, nullable = _type(name, entry.get("type"))
    field = Field(
        name=name,
        type=avro_type,
        nullable=nullable,
        categorical=entry.get("categorical", False),
        textual=entry.get("textual", False),
        item_name=entry.get("itemName", False),
    )
    _check_attributes(field, dataset_type)
    return field


def _type(name: str, given: object) -> tuple[str, bool]:
    """(type, nullable) of a plain type or of a union with null."""
    options = given if isinstance(given, list) else [given]
    names = [option for option in options if isinstance(option, str) and option != "null"]
    nulls = [option for option in options if option == "null"]
    if len(names) + len(nulls) != len(options) or len(names) != 1 or len(nulls) > 1:
        raise SchemaError(f"Field {name} has type {given!r}: nested and complex types are not supported")
    if names[0] not in TYPES:
        raise SchemaError(f"Field {name} has type {names[0]!r}: use one of {', '.join(sorted(TYPES))}")
    return names[0], bool(nulls)


def _check_attributes(field: Field, dataset_type: str) -> None:
    if (field.categorical or field.textual or field.item_name) and field.type != "string":
        raise SchemaError(
            f"Field {field.name} is {field.type}: categorical, textual and itemName need string"
        )
    if field.categorical and field.textual:
        raise SchemaError(f"Field {field.name} can't be both categorical and textual")
    if field.textual and dataset_type != ITEMS:
        raise SchemaError(f"Field {field.name} is textual: only Items schemas support textual fields")
    if field.item_name and dataset_type != ITEMS:
        raise SchemaError(f"Field {field.name} has itemName: only Items schemas support it")


def _check_unique(schema: Schema) -> None:
    seen: dict[str, str] = {}
    for name in schema.names:
        # GENRES_FIELD_1 and GENRESFIELD1 are the same name to the service.
        key = name.replace("_", "").upper()
        if key in seen:
            raise SchemaError(f"Field names {seen[key]} and {name} must be unique alphanumeric names")
        seen[key] = name
    if sum(field.item_name for field in schema.fields) > 1:
        raise SchemaError("Only one field can have itemName")


def _rules(dataset_type: str, domain: str | None) -> tuple[Mapping[str, Rule], Mapping[str, Rule]]:
    key = (domain or "", dataset_type)
    required = {**_REQUIRED[dataset_type], **_DOMAIN_REQUIRED.get(key, {})}
    reserved = {**_RESERVED[dataset_type], **_DOMAIN_RESERVED.get(key, {})}
    return required, {name: rule for name, rule in reserved.items() if name not in required}


def _check_rules(schema: Schema, domain: str | None) -> None:
    required, reserved = _rules(schema.dataset_type, domain)
    missing = [name for name in required if schema.field(name) is None]
    if missing:
        raise SchemaError(f"Schema is missing the following required fields: [{', '.join(missing)}]")
    for name, rule in {**required, **reserved}.items():
        field = schema.field(name)
        if field is not None:
            _check_rule(field, rule)


def _check_rule(field: Field, rule: Rule) -> None:
    if field.type != rule.type:
        raise SchemaError(f"Field {field.name} must have type {rule.type}, not {field.type}")
    if field.nullable and not rule.nullable:
        raise SchemaError(f"Field {field.name} can't be null: remove 'null' from its type")
    if field.categorical != rule.categorical:
        need = "must have categorical set to true" if rule.categorical else "can't be categorical"
        raise SchemaError(f"Reserved field {field.name} {need}")
    if rule.textual and not field.textual:
        raise SchemaError(f"Reserved field {field.name} must have textual set to true")


def metadata_fields(schema: Schema) -> tuple[Field, ...]:
    """The fields that are neither identifiers nor reserved keywords of interactions."""
    reserved = _RESERVED[schema.dataset_type] if schema.dataset_type == INTERACTIONS else {}
    names = {*_REQUIRED[schema.dataset_type], *reserved}
    return tuple(field for field in schema.fields if field.name not in names)


def _check_metadata(schema: Schema) -> None:
    metadata = metadata_fields(schema)
    if schema.dataset_type in (ITEMS, USERS, ACTIONS) and not metadata:
        raise SchemaError(f"A {schema.dataset_type} schema needs at least one metadata field")
    limit = MAX_METADATA[schema.dataset_type]
    if schema.dataset_type != ACTION_INTERACTIONS and len(metadata) > limit:
        raise SchemaError(
            f"A {schema.dataset_type} schema has {len(metadata)} metadata fields: at most {limit}"
        )
