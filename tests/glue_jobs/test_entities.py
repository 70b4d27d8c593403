from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.spark

FIELDS = [
    {"name": "ITEM_ID", "column": "sku"},
    {"name": "CREATION_TIMESTAMP", "column": "created", "type": "long"},
    {"name": "BRAND", "column": "brand", "categorical": True, "nullable": True},
    {"name": "PRICE", "column": "price", "type": "float", "nullable": True},
]
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = "sku string, created timestamp, brand string, price string, unused int"


def judged(spark: Any, *rows: Any) -> Any:
    from glue_jobs.transforms import entities

    return entities.judged(spark.createDataFrame(list(rows), SCHEMA), fields=FIELDS, key="ITEM_ID")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("i", CREATED, "b", "1.5", 1), None),
        (("i", CREATED, None, None, 1), None),
        ((None, CREATED, "b", "1.5", 1), "missing_item_id"),
        (("\n", CREATED, "b", "1.5", 1), "missing_item_id"),
        (("i", None, "b", "1.5", 1), "missing_creation_timestamp"),
        (("i", CREATED, "b", "cheap", 1), "unparsable_price"),
        (("i", CREATED, "b", "NaN", 1), "unparsable_price"),
        (("i" * 257, CREATED, "b", "1.5", 1), "item_id_too_long"),
        (("i", CREATED, "b" * 1000, "1.5", 1), None),
        (("i", CREATED, "b" * 1001, "1.5", 1), "brand_too_long"),
        (("i", CREATED, "|".join(["b" * 1000, "c" * 999]), "1.5", 1), None),
        (("i", CREATED, "|".join(["b", "c" * 1001]), "1.5", 1), "brand_too_long"),
        (("i", CREATED, "b", "1e300", 1), "unparsable_price"),
        (("i", datetime(1, 1, 2, tzinfo=UTC), "b", "1", 1), "creation_timestamp_out_of_bounds"),
        (("i", datetime(1969, 12, 31, tzinfo=UTC), "b", "1", 1), "creation_timestamp_out_of_bounds"),
        (("i", datetime(1970, 1, 1, tzinfo=UTC), "b", "1", 1), None),
        (("i", datetime(2100, 1, 1, tzinfo=UTC), "b", "1", 1), None),
        (("i", datetime(9999, 12, 31, tzinfo=UTC), "b", "1", 1), "creation_timestamp_out_of_bounds"),
    ],
)
def test_each_fault_has_its_reason(spark: Any, row: Any, reason: str | None) -> None:
    assert judged(spark, row).first()["reason"] == reason


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (("i", CREATED, "b" * 1001, "1.5", 1), "b" * 500),
        (("i", CREATED, "b", "cheap", 1), "cheap"),
        (("i", datetime(1, 1, 2, tzinfo=UTC), "b", "1", 1), "0001-01-02 00:00:00"),
        ((None, CREATED, "b", "1.5", 1), None),
        (("j" * 257, CREATED, "b", "1.5", 1), "j" * 257),
    ],
)
def test_a_quarantined_row_says_what_was_wrong(spark: Any, row: Any, wrong: Any) -> None:
    assert judged(spark, row).first()["wrong_value"] == wrong


def test_an_unstructured_text_may_be_longer_than_a_category(spark: Any) -> None:
    from glue_jobs.transforms import entities

    fields = [{"name": "ITEM_ID", "column": "id"}, {"name": "STORY", "column": "story", "textual": True}]
    rows = [("a", "x" * 20_000), ("b", "x" * 20_001), ("c", "鮨" * 7_000), ("d", "鮨" + "x" * 7_000)]
    frame = spark.createDataFrame(rows, "id string, story string")
    found = entities.judged(frame, fields=fields, key="ITEM_ID").collect()
    assert [row["reason"] for row in found] == [None, "story_too_long", None, "story_too_long"]


def test_the_schemas_fields_come_out_in_order_typed_and_once_a_key(spark: Any) -> None:
    from glue_jobs.transforms import entities

    rows = judged(
        spark,
        ("i", CREATED, "b\nc", "1.5", 1),
        ("i", CREATED, "b\nc", "1.5", 2),
        (None, CREATED, "b", "1", 1),
    )
    kept = entities.kept(rows, fields=FIELDS, key="ITEM_ID")
    assert kept.dtypes == [
        ("ITEM_ID", "string"),
        ("CREATION_TIMESTAMP", "bigint"),
        ("BRAND", "string"),
        ("PRICE", "float"),
    ]
    assert [tuple(row) for row in kept.collect()] == [("i", int(CREATED.timestamp()), "b c", 1.5)]


def test_an_integer_time_column_is_taken_as_it_is(spark: Any) -> None:
    from glue_jobs.transforms import entities

    table = spark.createDataFrame(
        [("i", 1700000000, "b", "1", 1)], SCHEMA.replace("created timestamp", "created bigint")
    )
    row = entities.judged(table, fields=FIELDS, key="ITEM_ID").first()
    assert (row["CREATION_TIMESTAMP"], row["reason"]) == (1700000000, None)


def test_warehouse_columns_are_the_fields_in_lower_case(spark: Any) -> None:
    from glue_jobs.transforms import entities

    kept = entities.kept(judged(spark, ("i", CREATED, "b", "1.5", 1)), fields=FIELDS, key="ITEM_ID")
    frame = entities.warehouse_rows(kept, run_id="R")
    assert frame.columns == ["run_id", "item_id", "creation_timestamp", "brand", "price"]
    assert frame.first()["run_id"] == "R"


def test_a_text_of_the_warehouse_fits_into_its_widest_column_in_bytes(spark: Any) -> None:
    from glue_jobs.transforms import entities

    kept = spark.createDataFrame(
        [("i", "🛒" * 20000, 1), ("j", None, 2)], "ITEM_ID string, TEXT string, N int"
    )
    rows = entities.warehouse_rows(kept, run_id="R").collect()
    assert len(rows[0]["text"].encode()) == 65532
    assert (rows[1]["text"], rows[1]["n"]) == (None, 2)
