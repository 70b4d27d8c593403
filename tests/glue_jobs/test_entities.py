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
    ],
)
def test_each_fault_has_its_reason(spark: Any, row: Any, reason: str | None) -> None:
    assert judged(spark, row).first()["reason"] == reason


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
