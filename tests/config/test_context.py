"""Contextual fields of interactions: refused with key, value and cure where Personalize or a source lacks them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from checks.rules import personalize
from config import avro, context, limits
from config.files import merged
from config.settings import Settings
from osusume_engine import imports, schemas
from osusume_engine.filters.expressions import FilterError, parse_filter
from osusume_engine.filters.rules import check_filter
from tests import example

DEVICE = {"name": "DEVICE", "attribute": "device", "categorical": True, "nullable": True}
STORE = {"name": "STORE", "column": "store", "attribute": "store", "type": "int"}
FOLDER = example.CONFIG.parent / "docs" / "examples"


def content(*fields: dict[str, Any], base: str | None = None, **interactions: Any) -> example.Content:
    told = yaml.safe_load((FOLDER / f"{base}.yaml").read_text()) if base else {}
    changes = {"datasets": {"interactions": {"fields": list(fields), **interactions}}}
    return merged(example.content(**told), changes)


def events(count: int) -> list[dict[str, str]]:
    bought = {"type": "purchase", "source": "orders"}
    return [bought, *({"type": f"type-{n}", "source": "application_log"} for n in range(count - 1))]


def numbered(count: int) -> list[dict[str, Any]]:
    return [{**DEVICE, "name": f"F{n}", "attribute": f"f{n}"} for n in range(count)]


REFUSED: list[tuple[str, example.Content, tuple[str, ...]]] = [
    *(
        (f"{name}, which Personalize has", content({**DEVICE, "name": name}), (name, "another name"))
        for name in sorted(context.RESERVED)
    ),
    ("a name twice", content(DEVICE, DEVICE), ("DEVICE is listed twice", "remove one")),
    ("a name in small letters", content({**DEVICE, "name": "device"}), ("pattern",)),
    ("a number that is a category", content({**STORE, "categorical": True}), ("STORE", "string, not 'int'")),
    ("a field of nowhere", content({"name": "DEVICE"}), ("DEVICE has no source", "`column`", "`attribute`")),
    ("a field that is added", content({**DEVICE, "added": True}), ("added",)),
    ("six fields", content(*numbered(6)), ("6 fields, at most 5", "remove")),
    ("four fields of five types", content(*numbered(4), events=events(5)), ("5 events and 4 fields", "may be 8")),
    ("nine types", content(events=events(9)), ("9 events and 0 fields", "remove 1")),
    (
        "a field that orders lack and that may not be empty",
        content({**DEVICE, "nullable": False}),
        ("datasets.interactions.fields: DEVICE has no column", "'purchase'", "nullable: true"),
    ),
    (
        "a field that the log lacks and that may not be empty",
        content({"name": "STORE", "column": "store"}),
        ("STORE has no attribute", "'click'", "nullable: true"),
    ),
    (
        "a column without a database",
        content({**STORE, "nullable": True}, base="log-only"),
        ("STORE has column 'store'", "no sources.aurora", "remove `column`"),
    ),
    (
        "an attribute without a log",
        content(DEVICE, base="database-only"),
        ("DEVICE has attribute 'device'", "sources.application_log is null", "remove `attribute`"),
    ),
    (
        "an attribute of a log of which no event counts",
        content(DEVICE, events=events(1)),
        ("no event of datasets.interactions.events has source 'application_log'", "remove `attribute`"),
    ),
    (
        "an attribute that is mapped already, in another case",
        content({**DEVICE, "attribute": "Session_ID"}),
        ("'Session_ID'", "sources.application_log.attributes.SESSION_ID", "another attribute"),
    ),
    (
        "one attribute for two fields",
        content(DEVICE, {**DEVICE, "name": "SCREEN"}),
        ("SCREEN has attribute 'device', as DEVICE has",),
    ),
    (
        "the mark of simulated events",
        content({**DEVICE, "attribute": "simulated"}),
        ("'simulated'", "another attribute"),
    ),
    (
        "how an answer of the API came about",
        content({**DEVICE, "attribute": "served_as"}),
        ("'served_as'", "another attribute"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "given", "told"), REFUSED, ids=[fault for fault, *_ in REFUSED])
def test_what_no_source_fills_or_personalize_refuses_is_refused_with_the_cure(
    fault: str, given: example.Content, told: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(given)
    assert [part for part in told if part not in str(refused.value)] == [], str(refused.value)


def test_as_many_as_personalize_takes_are_taken() -> None:
    assert len(Settings.model_validate(content(*numbered(5))).datasets.interactions.fields) == 5
    assert Settings.model_validate(content(*numbered(4), events=events(4)))
    assert Settings.model_validate(content(events=events(8)))


def test_limits_are_those_of_the_engine() -> None:
    assert schemas.MAX_METADATA["INTERACTIONS"] == limits.MAX_CONTEXT
    assert imports.MAX_EVENT_TYPES_AND_COLUMNS == limits.MAX_TYPES_AND_FIELDS
    assert {*schemas._REQUIRED["INTERACTIONS"], *schemas._RESERVED["INTERACTIONS"]} == context.RESERVED


def test_the_schema_has_them_behind_personalizes_own_and_the_engine_reads_it() -> None:
    settings = Settings.model_validate(content(DEVICE, STORE, impressions=True))
    schema = schemas.parse_schema(avro.schemas(settings.datasets)["interactions"].avro)
    assert schema.names[-3:] == ("IMPRESSION", "DEVICE", "STORE")
    assert schema.categorical == {"DEVICE"}
    device, store = (schema.field(name) for name in ("DEVICE", "STORE"))
    assert device is not None and (device.type, device.nullable) == ("string", True)
    assert store is not None and (store.type, store.nullable) == ("int", False)


def test_the_check_of_columns_counts_what_the_job_writes() -> None:
    told = Settings.model_validate(content(DEVICE, STORE)).datasets.model_dump(exclude_none=True)
    assert personalize._interactions(told)[-2:] == ["DEVICE", "STORE"]


def test_only_the_columns_that_fill_fields_are_extracted() -> None:
    interactions = Settings.model_validate(content(DEVICE, STORE)).datasets.interactions
    assert interactions.order_columns is not None
    own = interactions.order_columns.model_dump(exclude_none=True).values()
    assert interactions.columns == (*own, "store")


def test_a_solution_may_leave_one_out() -> None:
    personal = {
        "name": "personal",
        "recipe": "aws-user-personalization-v2",
        "for_each": "user",
        "results": 25,
        "candidates": 100,
        "excluded_fields": {"interactions": ["DEVICE"]},
    }
    given = content(DEVICE)
    others = [one for one in given["solutions"] if one["name"] != "personal"]
    made = Settings.model_validate({**given, "solutions": [personal, *others]})
    assert made.solutions[0].excluded_fields == {"interactions": ("DEVICE",)}


def test_a_filter_may_not_name_one_and_the_engine_agrees() -> None:
    """Developer guide, "Filter expressions": contextual metadata isn't filtered by."""
    expression = 'EXCLUDE ItemID WHERE Interactions.DEVICE IN ("phone")'
    given = content(DEVICE)
    schema = schemas.parse_schema(avro.schemas(Settings.model_validate(given).datasets)["interactions"].avro)
    with pytest.raises(ValidationError, match="filtered by EVENT_TYPE alone, not by DEVICE"):
        Settings.model_validate({**given, "filters": {"on-phones": expression}})
    with pytest.raises(FilterError, match="only be filtered by EVENT_TYPE"):
        check_filter(parse_filter(expression), {"INTERACTIONS": schema})


def test_the_example_sends_the_device_of_the_log() -> None:
    """The whole schema, as the template of docs/examples/people.yaml has it."""
    told = yaml.safe_load((FOLDER / "people.yaml").read_text())
    made = avro.schemas(Settings.model_validate(example.content(**told)).datasets)["interactions"]
    assert json.loads(made.created_avro)["fields"] == [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
        {"name": "EVENT_TYPE", "type": "string"},
        {"name": "EVENT_VALUE", "type": ["null", "float"]},
        {"name": "IMPRESSION", "type": ["null", "string"]},
        {"name": "RECOMMENDATION_ID", "type": ["null", "string"]},
        {"name": "DEVICE", "type": ["null", "string"], "categorical": True},
    ]
