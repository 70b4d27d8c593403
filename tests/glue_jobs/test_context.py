"""Contextual fields: out of orders and events, judged as fields of users and items are, and named freely."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.glue_jobs import test_build_datasets as whole

pytestmark = pytest.mark.spark

NOW = int(datetime(2026, 11, 24, 3, tzinfo=UTC).timestamp())
COLUMNS = {"USER_ID": "who", "ITEM_ID": "what", "TIMESTAMP": "at"}
# SOURCE and REASON are columns of ours too, in lower case, and Spark's names have no case.
SOURCE = {"name": "SOURCE", "column": "shop", "attribute": "Channel", "categorical": True}
HOUR = {"name": "HOUR", "column": "hour", "type": "int", "nullable": True}
REASON = {"name": "REASON", "attribute": "why", "nullable": True}
SCORE = {"name": "SCORE", "attribute": "score", "type": "double", "nullable": True}
MEMBER = {"name": "MEMBER", "attribute": "member", "type": "boolean", "nullable": True}
LOGGED = [{**SOURCE, "column": "shop"}, REASON, SCORE, MEMBER]


def event(context: dict[str, str] | None, value: str | None = None, at: int = NOW) -> tuple[Any, ...]:
    origin = (None, "the key", "20261124T030000Z", None, None, None, "the file", None)
    return ("e", "click", "u", "i", str(at * 1000), "s", None, value, None, False, *origin, context)


def judged(spark: Any, *events: Any, fields: Any = LOGGED) -> Any:
    from glue_jobs.columns import EVENTS_WITH_CONTEXT
    from glue_jobs.transforms import interactions

    frame = spark.createDataFrame(list(events), EVENTS_WITH_CONTEXT)
    candidates = interactions.from_events(frame, fields=fields)
    return interactions.judged([candidates], types=["click"], latest=NOW, fields=fields)


FAULTS: list[tuple[dict[str, str] | None, str | None, str | None]] = [
    ({"Channel": "app", "score": "1.5", "member": "true"}, None, None),
    ({"Channel": "app", "score": " ", "member": "x"}, "unparsable_score", " "),
    ({"Channel": "app", "score": "many"}, "unparsable_score", "many"),
    ({"Channel": "app", "score": "NaN"}, "unparsable_score", "NaN"),
    ({"Channel": "app", "member": "perhaps"}, "unparsable_member", "perhaps"),
    ({"why": "sale"}, "missing_source", None),
    ({"Channel": " \n"}, "missing_source", " \n"),
    (None, "missing_source", None),
    ({"Channel": "a" * 1001}, "source_too_long", "a" * 500),
    ({"Channel": "|".join(["a" * 1000] * 2)}, None, None),
    ({"Channel": "app", "why": "w" * 1001}, "reason_too_long", "w" * 500),
]


def test_each_fault_has_its_reason_and_the_text_that_is_wrong(spark: Any) -> None:
    """The same as of users and items; each row of FAULTS at a second of its own."""
    rows = judged(spark, *(event(given, at=NOW - n) for n, (given, _, _) in enumerate(FAULTS))).collect()
    found = {NOW - row["TIMESTAMP"]: (row["reason"], row["wrong_value"]) for row in rows}
    assert [found[n] for n in range(len(FAULTS))] == [(reason, text) for _, reason, text in FAULTS]


def test_a_fault_of_the_event_itself_comes_first(spark: Any) -> None:
    row = judged(spark, event({}, value="much")).first()
    assert (row["reason"], row["wrong_value"]) == ("unparsable_event_value", "much")


def test_orders_and_events_fill_one_field_and_what_a_source_lacks_is_empty(spark: Any) -> None:
    from glue_jobs.columns import EVENTS_WITH_CONTEXT
    from glue_jobs.transforms import interactions

    fields, at = [SOURCE, HOUR, REASON], datetime.fromtimestamp(NOW, UTC)
    schema = "who string, what string, at timestamp, shop string, hour bigint"
    orders = spark.createDataFrame([("u1", "i1", at, "Ginza", 9)], schema)
    events = spark.createDataFrame([event({"Channel": "app\nweb", "why": "sale"})], EVENTS_WITH_CONTEXT)
    unaware = interactions.from_orders(
        spark.createDataFrame([("u3", "i3", at)], "who string, what string, at timestamp"),
        columns=COLUMNS, types=["purchase"],
    )  # fmt: skip
    rows = interactions.judged(
        [
            interactions.from_orders(orders, columns=COLUMNS, types=["purchase"], fields=fields),
            interactions.from_events(events, fields=fields),
            unaware,
        ],
        types=["purchase", "click"],
        latest=NOW,
        fields=fields,
    )
    kept = interactions.kept(rows, fields=fields)
    assert kept.columns[5:] == ["SOURCE", "HOUR", "REASON"]
    assert dict(kept.dtypes)["HOUR"] == "int"
    assert sorted(tuple(row) for row in kept.select("USER_ID", "SOURCE", "HOUR", "REASON").collect()) == [
        ("u", "app web", None, "sale"),
        ("u1", "Ginza", 9, None),
    ]
    [lacks] = rows.where("USER_ID = 'u3'").collect()
    assert lacks["reason"] == "missing_source"


def test_a_repeated_event_has_the_context_of_one_of_its_rows(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    rows = judged(
        spark,
        event({"Channel": "app", "why": "z"}, value="9"),
        event({"Channel": "web", "why": "a"}, value="1"),
    )
    [row] = interactions.kept(rows, fields=LOGGED).collect()
    assert (row["EVENT_VALUE"], row["SOURCE"], row["REASON"]) == (9.0, "web", "a")


def test_scalars_of_the_log_are_texts_and_nothing_else_is(spark: Any, tmp_path: Path) -> None:
    from glue_jobs.transforms import application_log, log_attributes

    given = {
        "device.kind": {"S": "phone"}, "score": {"N": "1.5"}, "member": {"BOOL": True},
        "list": {"L": [{"S": "a"}]}, "count": {"SS": ["a"]}, "none": {"NULL": True},
    }  # fmt: skip
    types = dict.fromkeys(("device.kind", "score", "member", "list", "none", "absent"), "string")
    types |= {"count": "int"}
    file = tmp_path / "lines.json"
    file.write_text(json.dumps({"NewImage": {"user_id": {"S": "u"}, **given}}))
    names, keys = {"USER_ID": "user_id"}, ["user_id"]
    schema = log_attributes.schema(names, keys=keys, ttl=None, context=types)
    lines = log_attributes.canonical(
        spark.read.schema(schema).json(f"file://{file}"),
        attributes=names, timestamp_format="milliseconds", keys=keys, context=types,
    )  # fmt: skip
    [row] = application_log.events(lines, run_id="R", keys=keys).collect()
    assert row["_context"] == {
        "device.kind": "phone", "score": "1.5", "member": "true", "list": None, "none": None, "absent": None,
        "count": '["a"]',
    }  # fmt: skip


@pytest.fixture
def world(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> whole.World:
    from glue_jobs import session

    monkeypatch.setattr(session, "SCHEME", f"file://{tmp_path}/")
    return whole.World(spark, tmp_path)


def test_a_run_writes_the_fields_of_each_source_and_counts_empty_ones(world: whole.World) -> None:
    interactions = whole.DATASETS["interactions"]
    device = {"name": "DEVICE", "attribute": "device", "categorical": True, "nullable": True}
    paid = {"name": "PAID", "column": "sales_value", "type": "float", "nullable": True}
    world.extract()
    world.export(whole.event("e1"), whole.event("e2", user="u5") | {"device": {"S": "phone"}})
    report = world.build(datasets={"interactions": {**interactions, "fields": [device, paid]}})
    header, *rows = world.csv("interactions")
    assert header == ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "DEVICE", "PAID"]
    assert sorted((row[0], *row[5:]) for row in rows) == [
        ("guest", "", "1"),
        ("u1", "", "2.5"),
        ("u2", "", ""),
        ("u5", "phone", ""),
    ]
    shares = {name: one["value"] for name, one in report["quality"]["figures"].items()}
    assert shares["null_share.interactions.click.DEVICE"] == 0.5
    assert shares["null_share.interactions.purchase.DEVICE"] == 1
    assert shares["null_share.interactions.purchase.PAID"] == 0


def test_events_that_were_kept_before_there_was_a_field_have_none(spark: Any, tmp_path: Path) -> None:
    from glue_jobs.columns import EVENTS, EVENTS_WITH_CONTEXT

    place = f"file://{tmp_path}/events"
    spark.createDataFrame([event(None)[:-1]], EVENTS).write.parquet(place)
    [row] = spark.read.schema(EVENTS_WITH_CONTEXT).parquet(place).collect()
    assert (row["user_id"], row["_context"]) == ("u", None)
