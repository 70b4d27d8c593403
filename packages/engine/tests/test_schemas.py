"""Every rule of Personalize's Avro schemas has a schema that breaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osusume_engine.schemas import SchemaError, check_replacement, parse_schema

USER = {"name": "USER_ID", "type": "string"}
ITEM = {"name": "ITEM_ID", "type": "string"}
TIME = {"name": "TIMESTAMP", "type": "long"}
GENRE = {"name": "GENRE", "type": ["null", "string"], "categorical": True}
EVENT = {"name": "EVENT_TYPE", "type": "string"}


def text(name: str, *fields: dict[str, Any], **more: Any) -> str:
    document = {"type": "record", "name": name, "namespace": "com.amazonaws.personalize.schema"}
    return json.dumps(document | {"fields": fields, "version": "1.0"} | more)


GOOD = {
    "plain interactions": text("Interactions", USER, ITEM, TIME),
    "all reserved keywords": text(
        "Interactions",
        USER,
        ITEM,
        TIME,
        EVENT,
        {"name": "EVENT_VALUE", "type": ["float", "null"]},
        {"name": "IMPRESSION", "type": "string"},
        {"name": "RECOMMENDATION_ID", "type": ["null", "string"]},
    ),
    "items with a textual field": text("Items", ITEM, {"name": "TITLE", "type": "string", "textual": True}),
    "an item name": text(
        "Items", ITEM, {"name": "TITLE", "type": "string", "textual": True, "itemName": True}
    ),
    "actions": text("Actions", {"name": "ACTION_ID", "type": "string"}, {"name": "VALUE", "type": "long"}),
    "action interactions": text(
        "ActionInteractions", USER, {"name": "ACTION_ID", "type": "string"}, EVENT, TIME
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_schema_of_the_guide_is_accepted(case: str) -> None:
    assert parse_schema(GOOD[case]).fields


BAD = {
    "not JSON": ("{", "not valid JSON"),
    "not a record": (text("Items", ITEM, GENRE, type="array"), "must be 'record'"),
    "no version": (text("Items", ITEM, GENRE, version="2.0"), "version"),
    "unknown name": (text("Products", ITEM, GENRE), "'Products' must be one of"),
    "no fields": (text("Items"), "no fields"),
    "missing required": (text("Interactions", USER, ITEM), "[TIMESTAMP]"),
    "wrong required type": (text("Interactions", USER, ITEM, {**TIME, "type": "string"}), "type long"),
    "null required": (
        text("Interactions", {**USER, "type": ["null", "string"]}, ITEM, TIME),
        "can't be null",
    ),
    "categorical reserved string": (
        text("Interactions", USER, ITEM, TIME, {**EVENT, "categorical": True}),
        "EVENT_TYPE can't be categorical",
    ),
    "no metadata": (text("Items", ITEM), "at least one metadata field"),
    "nested type": (text("Items", ITEM, {"name": "X", "type": {"type": "array"}}), "complex types"),
    "unknown type": (text("Items", ITEM, {"name": "X", "type": "bytes"}), "'bytes'"),
    "two types": (text("Items", ITEM, {"name": "X", "type": ["int", "string"]}), "complex types"),
    "bad name": (text("Items", ITEM, {"name": "A-B", "type": "int"}), "'A-B'"),
    "same name": (
        text("Items", ITEM, {"name": "A_1", "type": "int"}, {"name": "A1", "type": "int"}),
        "unique",
    ),
    "textual outside items": (
        text("Users", USER, {"name": "BIO", "type": "string", "textual": True}),
        "only Items",
    ),
    "categorical number": (
        text("Items", ITEM, {"name": "X", "type": "int", "categorical": True}),
        "need string",
    ),
    "both kinds of text": (
        text("Items", ITEM, {"name": "X", "type": "string", "categorical": True, "textual": True}),
        "both",
    ),
    "too many columns": (
        text("Interactions", USER, ITEM, TIME, *({"name": f"C{n}X", "type": "int"} for n in range(6))),
        "at most 5",
    ),
    "attribute not a boolean": (text("Items", ITEM, {**GENRE, "categorical": "true"}), "true or false"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_schema_that_breaks_a_rule_is_refused_by_name(case: str) -> None:
    schema, reason = BAD[case]
    with pytest.raises(SchemaError) as caught:
        parse_schema(schema)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("domain", "schema", "missing"),
    [
        ("ECOMMERCE", text("Items", ITEM, GENRE), "[PRICE, CATEGORY_L1]"),
        ("ECOMMERCE", text("Interactions", USER, ITEM, TIME), "[EVENT_TYPE]"),
        ("VIDEO_ON_DEMAND", text("Items", ITEM, GENRE), "[CREATION_TIMESTAMP, GENRES]"),
    ],
)
def test_a_domain_requires_fields_of_its_own(domain: str, schema: str, missing: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_schema(schema, domain=domain)
    assert missing in str(caught.value)
    if "Items" in schema or domain is None:
        assert parse_schema(schema).dataset_type == "ITEMS"


def test_a_replacement_keeps_every_field_and_adds_nullable_ones() -> None:
    old = parse_schema(text("Items", ITEM, GENRE))
    check_replacement(old, parse_schema(text("Items", ITEM, GENRE, {"name": "P", "type": ["null", "int"]})))
    for new in (
        text("Items", ITEM, {"name": "OTHER", "type": "int"}),
        text("Items", ITEM, GENRE, {"name": "P", "type": "int"}),
        text("Users", USER, GENRE),
    ):
        with pytest.raises(SchemaError):
            check_replacement(old, parse_schema(new))
