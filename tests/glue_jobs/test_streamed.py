"""An event is the same to Personalize by the stream as by an import: the function and the Spark job, item by item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glue_jobs.columns import (
    CONTEXT,
    MAX_CATEGORY_LENGTH,
    MAX_ID_LENGTH,
    MAX_IMPRESSION_ITEMS,
    MAX_IMPRESSION_LENGTH,
)
from lambdas.stream_events import records, values

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
    "device": [{"S": "phone|tv"}, {"S": " "}, {"N": "7"}, {"BOOL": True}, {"S": "x" * 1001}],
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
    event = found.event
    context = json.loads(event.get("properties", "{}"))
    return (
        event["eventId"],
        found.user,
        event["itemId"],
        event["sentAt"],
        event.get("eventValue"),
        "|".join(event.get("impression", [])) or None,
        event.get("recommendationId"),
        *(context.get(name) for name in ("device", "age", "share", "signedIn")),
    )


def test_every_item_comes_to_the_same_by_both_ways(spark: Any, tmp_path: Path) -> None:
    from pyspark.sql import functions as F

    from glue_jobs.transforms import application_log, interactions, log_attributes

    keys = ["user_id", "event_key"]
    context = {one["attribute"]: one.get("type", "string") for one in FIELDS}
    items = [image(number, changes) for number, changes in enumerate(CHANGES)]
    file = tmp_path / "lines.json"
    file.write_text("\n".join(json.dumps({"Item": item}) for item in items))
    schema = log_attributes.schema(NAMES, keys=keys, ttl=None, context=context)
    lines = log_attributes.canonical(
        spark.read.schema(schema).json(f"file://{file}"),
        attributes=NAMES,
        timestamp_format="milliseconds",
        keys=keys,
        context=context,
    )
    events = application_log.events(lines, run_id="R", keys=keys)
    candidates = interactions.from_events(events, fields=FIELDS)
    rows = interactions.judged([candidates], types=["click"], latest=LATEST, fields=FIELDS)
    collected = rows.withColumn("hashed", F.sha2("source_key", 256)).collect()
    found = {row["source_key"]: row.asDict(recursive=True) for row in collected}
    assert len(found) == len(CHANGES)
    by_import = {json.loads(key)["event_key"]["S"]: _imported(row) for key, row in found.items()}
    differing = [
        (item, by_import[item["event_key"]["S"]], by_stream(item))
        for item in items
        if by_import[item["event_key"]["S"]] != by_stream(item)
    ]
    assert differing == []


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
        *(context[name] for name in ("DEVICE", "AGE", "SHARE", "SIGNED_IN")),
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
