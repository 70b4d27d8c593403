"""What Personalize gets is the same by the stream as by an import: the function and the Spark job, item by item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glue_jobs.columns import (
    CONTEXT,
    LATEST_SECOND,
    MAX_CATEGORY_LENGTH,
    MAX_ID_LENGTH,
    MAX_IMPRESSION_ITEMS,
    MAX_IMPRESSION_LENGTH,
    MAX_UNSTRUCTURED_LENGTH,
    MAX_UNSTRUCTURED_LENGTH_CJK,
)
from lambdas.stream_events import entities, records, values

pytestmark = pytest.mark.spark

AT = 1795489200
LATEST = AT + 3600
NAMES = {
    "USER_ID": "user_id",
    "ITEM_ID": "item_id",
    "EVENT_TYPE": "event_type",
    "TIMESTAMP": "timestamp",
    "EVENT_VALUE": "value",
    "IMPRESSION": "impression",
    "RECOMMENDATION_ID": "recommendation_id",
}
FIELDS = [
    {"name": "DEVICE", "attribute": "device", "categorical": True, "nullable": True},
    {"name": "AGE", "type": "int", "attribute": "age", "nullable": True},
    {"name": "SHARE", "type": "double", "attribute": "share", "nullable": True},
    {"name": "SIGNED_IN", "type": "boolean", "attribute": "signed_in", "nullable": True},
]
# Two differ on purpose and are not here: a set has no order, and what is too long for PutEvents an import may have.
_SEVERAL: dict[str, list[Any]] = {
    "user_id": [
        {"S": " u 1 "},
        {"S": "u\u2028v"},
        {"S": "\u3000"},
        {"N": "42"},
        {"S": "é" * 256},
        {"S": "u" * 257},
    ],
    "item_id": [
        *({"S": text} for text in ("", " \n ", "i|j", "😀")),
        *({"N": "7"}, {"BOOL": True}, {"L": []}, None),
    ],
    "event_type": [{"S": "view"}, {"S": " click"}, {"N": "1"}, None],
    "timestamp": [
        *({"S": text} for text in (f"{AT}000", "soon", f"{AT}000\n", "")),
        *(
            {"N": text}
            for text in (f"{AT}999", f"{AT}", "-1", f"{AT}000.5", f"{LATEST}999", f"{LATEST + 1}000")
        ),
        *({"BOOL": True}, {"NULL": True}, None),
    ],
    "value": [
        *(
            {"S": text}
            for text in ("2", " 3 ", "", "cheap", "NaN", "Infinity", "1e3", "0x10", "1_000", "\u0661", "1d")
        ),
        *({"N": "1.5"}, {"N": "1e18"}, {"N": "1e19"}, {"BOOL": True}, {"NULL": True}, {"L": []}),
    ],
    "impression": [
        {"L": [{"S": "a"}, {"N": "2"}, {"S": "c|d"}]},
        {"L": [{"S": f"i{n}"} for n in range(30)]},
        {"L": [{"S": "x" * 300}] * 4},
        *({"SS": ["a"]}, {"L": []}, {"S": "a"}),
    ],
    "recommendation_id": [{"S": "RID-1"}, {"S": "ours-1"}, {"N": "5"}],
    "device": [
        {"S": 'a "smart" \\ phone'},
        {"S": "phone|tv"},
        {"S": " "},
        {"N": "7"},
        {"BOOL": True},
        {"S": "x" * 1001},
    ],
    "age": [
        {"N": "7"},
        {"S": "7"},
        {"S": "7.0"},
        {"S": "seven"},
        {"N": "2147483648"},
        {"S": ""},
        {"BOOL": True},
    ],
    "share": [{"N": "0.25"}, {"S": "NaN"}, {"S": "1e400"}, {"S": ".5"}, {"S": "-1"}],
    "signed_in": [{"BOOL": True}, {"S": "false"}, {"S": "yes"}, {"S": "perhaps"}, {"N": "1"}],
}
CHANGES: list[dict[str, Any]] = [{}, *({name: one} for name, several in _SEVERAL.items() for one in several)]


def image(number: int, changes: dict[str, Any]) -> dict[str, Any]:
    given = {
        "user_id": {"S": f"u{number}"},
        "item_id": {"S": "i1"},
        "event_type": {"S": "click"},
        "timestamp": {"N": f"{AT}000"},
    }
    changed = {**given, **changes, "event_key": {"S": f"id#{number}"}}
    return {name: value for name, value in changed.items() if value is not None}


def by_stream(item: dict[str, Any]) -> Any:
    """(reason) or what is sent, by the columns of an import; None for what is no event to Personalize."""
    rules = records.Rules(
        configured=frozenset(["click"]),
        opened={"click": 0},
        attributes=NAMES,
        timestamp_format="milliseconds",
        interactions={"impressions": True, "recommendation_ids": True, "fields": FIELDS},
        latest=LATEST,
    )
    keys = {name: item[name] for name in ("event_key", "user_id")}
    change = {"Keys": keys, "NewImage": item, "SequenceNumber": "1"}
    found = records.understood({"eventName": "INSERT", "dynamodb": change}, rules)
    if isinstance(found, records.Refused):
        return found.reason
    if isinstance(found, str):
        return None
    event = found.member
    context = json.loads(event.get("properties", "{}"))
    return (
        event["eventId"],
        found.session[0],
        event["itemId"],
        event["sentAt"],
        event.get("eventValue"),
        "|".join(event.get("impression", [])) or None,
        event.get("recommendationId"),
        *(context.get(name) for name in ("device", "age", "share", "signedIn")),
    )


def read_by_spark(spark: Any, file: Path, items: list[dict[str, Any]], names: dict[str, str]) -> Any:
    """Rows of columns.EVENTS, of the lines of an export that has the items."""
    from glue_jobs.transforms import application_log, log_attributes

    keys = ["user_id", "event_key"]
    context = {one["attribute"]: one.get("type", "string") for one in FIELDS}
    file.write_text("\n".join(json.dumps({"Item": item}) for item in items))
    schema = log_attributes.schema(names, keys=keys, ttl=None, context=context)
    lines = log_attributes.canonical(
        spark.read.schema(schema).json(f"file://{file}"),
        attributes=names,
        timestamp_format="milliseconds",
        keys=keys,
        context=context,
    )
    return application_log.events(lines, run_id="R", keys=keys)


def differences(items: list[dict[str, Any]], by_import: dict[str, Any], by_stream: Any) -> list[Any]:
    assert len(by_import) == len(items)
    return [
        (item, by_import[item["event_key"]["S"]], by_stream(item))
        for item in items
        if by_import[item["event_key"]["S"]] != by_stream(item)
    ]


def test_every_item_comes_to_the_same_by_both_ways(spark: Any, tmp_path: Path) -> None:
    from pyspark.sql import functions as F

    from glue_jobs.transforms import interactions, text

    items = [image(number, changes) for number, changes in enumerate(CHANGES)]
    events = read_by_spark(spark, tmp_path / "lines.json", items, NAMES)
    candidates = interactions.from_events(events, fields=FIELDS)
    rows = interactions.judged([candidates], types=["click"], latest=LATEST, fields=FIELDS)
    hashed = F.sha2("source_key", 256).alias("hashed")
    device = text._widened(F.col(CONTEXT)["DEVICE"]).alias("DEVICE")
    collected = rows.select("*", hashed, device).collect()
    found = {row["source_key"]: row.asDict(recursive=True) for row in collected}
    by_import = {json.loads(key)["event_key"]["S"]: _imported(row) for key, row in found.items()}
    assert differences(items, by_import, by_stream) == []


ABOUT_ACTIONS = {**NAMES, "ACTION_ID": "action_id"}
MEANINGS = {"click": "Taken", "left": "Not Taken"}
_CONTEXTUAL = {one["attribute"] for one in FIELDS}
ACTION_CHANGES: list[dict[str, Any]] = [
    *(change for change in CHANGES if not change.keys() & _CONTEXTUAL),
    *({"action_id": change["item_id"]} for change in CHANGES if "item_id" in change),
    {"event_type": {"S": "left"}},
    {"action_id": {"S": "a" * 257}},
]


def action_by_stream(item: dict[str, Any]) -> Any:
    rules = records.Rules(
        configured=frozenset(MEANINGS),
        opened=dict.fromkeys(MEANINGS, 0),
        attributes=ABOUT_ACTIONS,
        timestamp_format="milliseconds",
        interactions={},
        latest=LATEST,
        meanings=MEANINGS,
    )
    change = {"Keys": {"event_key": item["event_key"]}, "NewImage": item, "SequenceNumber": "1"}
    found = records.understood({"eventName": "INSERT", "dynamodb": change}, rules)
    if isinstance(found, records.Refused):
        return found.reason
    if isinstance(found, str):
        return None
    return tuple(found.member[name] for name in ("userId", "actionId", "eventType", "timestamp"))


def test_every_event_about_an_action_comes_to_the_same_by_both_ways(spark: Any, tmp_path: Path) -> None:
    from glue_jobs.columns import ACTION_INTERACTIONS
    from glue_jobs.transforms import action_interactions

    items = [image(number, {"action_id": {"S": "a"}, **one}) for number, one in enumerate(ACTION_CHANGES)]
    events = read_by_spark(spark, tmp_path / "lines.json", items, ABOUT_ACTIONS)
    rows = action_interactions.judged(events, meanings=MEANINGS, latest=LATEST).collect()
    by_import = {
        json.loads(row["source_key"])["event_key"]["S"]: (
            (row["reason"] if row["reason"] != "unknown_event_type" else None)
            if row["reason"]
            else tuple(row[name] for name in ACTION_INTERACTIONS)
        )
        for row in rows
    }
    assert differences(items, by_import, action_by_stream) == []


ENTITY_FIELDS: list[dict[str, Any]] = [
    {"name": "ITEM_ID"},
    {"name": "CREATION_TIMESTAMP", "type": "long", "nullable": True},
    {"name": "CATEGORY", "categorical": True, "nullable": True},
    {"name": "MAKER"},
    {"name": "STORY", "textual": True, "nullable": True},
    {"name": "AGE", "type": "int", "nullable": True},
    {"name": "STOCK", "type": "long"},
    {"name": "PRICE", "type": "float", "nullable": True},
    {"name": "SHARE", "type": "double", "nullable": True},
    {"name": "READY", "type": "boolean", "nullable": True},
]
for _field in ENTITY_FIELDS:
    _field["column"] = _field["attribute"] = _field["name"].lower()
_NUMBERS = [
    "7",
    " 7 ",
    "7.0",
    "7.9",
    "-3",
    "+3",
    "",
    " ",
    "seven",
    "1e3",
    "1e19",
    "1e18",
    "NaN",
    "Infinity",
    "0x10",
]
_NUMBERS += ["2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1000000000000000001"]
_NUMBERS += ["1_000", "\u0661", "1d", ".5", "5.", "1e400", None]
_TEXTS = [
    "a|b",
    " ",
    "",
    "x" * 1000,
    "x" * 1001,
    "a|" + "x" * 1001,
    "a\u2028b",
    "\u3000",
    "é" * 256,
    "😀" * 257,
]
_TEXTS += ['27" \\ wide', "x" * 20_000, "x" * 20_001, "\u9b8a" * 7_000, "\u9b8a" + "x" * 7_000, None]
ENTITY_VALUES: dict[str, list[Any]] = {
    **dict.fromkeys(("item_id", "category", "maker", "story"), _TEXTS),
    **dict.fromkeys(("age", "stock", "price", "share"), _NUMBERS),
    "ready": ["true", "FALSE", " t ", "yes", "y", "n", "0", "1", "2", "perhaps", "", None],
    # A time before 1970 has one reason as milliseconds and another as a column; it is sent by neither.
    "creation_timestamp": [0, AT, 4_102_444_800, 4_102_444_801, 253_370_764_800, None],
}
ENTITY_GIVEN = {"item_id": "i", "creation_timestamp": AT, "maker": "m", "stock": "1"}
ENTITIES: list[dict[str, Any]] = [
    {**ENTITY_GIVEN, name: one} for name, several in ENTITY_VALUES.items() for one in several
]


def entity_by_stream(given: dict[str, Any]) -> Any:
    item = {name: {"S": value} for name, value in given.items() if isinstance(value, str)}
    at = given["creation_timestamp"]
    item |= {} if at is None else {"creation_timestamp": {"N": f"{1000 * at:014}"}}
    configured = {"key": "ITEM_ID", "fields": ENTITY_FIELDS}
    try:
        found = entities.member(item, configured, operation="put_items", form="milliseconds")
    except values.Wrong as why:
        return str(why)
    properties = json.loads(found.get("properties", "{}"))
    names = [values.camel(one["name"]) for one in ENTITY_FIELDS[1:]]
    assert set(properties) <= set(names)
    return (found["itemId"], *(properties.get(name) for name in names))


def test_every_item_of_the_shop_comes_to_the_same_by_both_ways(spark: Any) -> None:
    from glue_jobs.transforms import entities as by_spark
    from glue_jobs.transforms import text

    columns = [one["column"] for one in ENTITY_FIELDS]
    rows = [(str(number), *map(one.get, columns)) for number, one in enumerate(ENTITIES)]
    types = ["bigint" if name == "creation_timestamp" else "string" for name in columns]
    schema = ", ".join(
        ["number string", *(f"{name} {kind}" for name, kind in zip(columns, types, strict=True))]
    )
    table = spark.createDataFrame(rows, schema)
    numbered = [{"name": "NUMBER", "column": "number"}, *ENTITY_FIELDS]
    judged = text.read_alike(by_spark.judged(table, fields=numbered, key="ITEM_ID")).collect()
    differing = list[Any]()
    for row in judged:
        given = ENTITIES[int(row["NUMBER"])]
        known = row["reason"] or tuple(row[one["name"]] for one in ENTITY_FIELDS)
        sent = entity_by_stream(given)
        if known != sent and not _nearly(known, sent):
            differing.append((given, known, sent))
    assert differing == []
    assert len(judged) == len(ENTITIES)


def _nearly(one: Any, other: Any) -> bool:
    """A float has fewer digits in the Parquet file than in JSON; the import writes as many as there are."""
    if isinstance(one, str) or isinstance(other, str):
        return False
    return all(
        a == b or (isinstance(a, float) and b is not None and a == pytest.approx(b, rel=1e-6))
        for a, b in zip(one, other, strict=True)
    )


def _imported(row: dict[str, Any]) -> Any:
    if row["reason"] == "unknown_event_type":
        return None
    if row["reason"]:
        return row["reason"]
    context = row[CONTEXT]
    return (
        row["hashed"],
        row["USER_ID"],
        row["ITEM_ID"],
        row["TIMESTAMP"],
        row["EVENT_VALUE"],
        row["IMPRESSION"],
        row["RECOMMENDATION_ID"],
        row["DEVICE"],
        *(context[name] for name in ("AGE", "SHARE", "SIGNED_IN")),
    )


def test_the_functions_limits_are_the_jobs() -> None:
    from glue_jobs.build_datasets import CLOCK_SKEW
    from glue_jobs.transforms import text

    assert values.BREAKS.pattern.encode("unicode_escape").decode() == text._BREAKS.lower().replace(
        "\\u00", "\\x"
    )
    assert (text.LARGEST, CLOCK_SKEW.total_seconds()) == (values.LARGEST, records.CLOCK_SKEW)
    assert (records.MAX_ID_LENGTH, values.MAX_CATEGORY) == (MAX_ID_LENGTH, MAX_CATEGORY_LENGTH)
    assert (records.MAX_IMPRESSION_ITEMS, records.MAX_IMPRESSION_LENGTH) == (
        MAX_IMPRESSION_ITEMS,
        MAX_IMPRESSION_LENGTH,
    )
    assert (entities.MAX_ID_LENGTH, entities.LATEST_SECOND) == (MAX_ID_LENGTH, LATEST_SECOND)
    assert (entities.MAX_UNSTRUCTURED, entities.MAX_UNSTRUCTURED_CJK) == (
        MAX_UNSTRUCTURED_LENGTH,
        MAX_UNSTRUCTURED_LENGTH_CJK,
    )
