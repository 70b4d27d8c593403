"""Batch segment jobs' output, in the developer guide's form: "Batch segment job output format examples"."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.spark

QUERIES = {"comedy": 'ITEMS.genres = "Comedy"', "horror": 'ITEMS.genres = "Horror"'}


def found(spark: Any, *lines: dict[str, Any]) -> Any:
    from glue_jobs.columns import BATCH_SEGMENTS
    from glue_jobs.transforms import segments

    texts = spark.sparkContext.parallelize([json.dumps(line) for line in lines])
    output = spark.read.schema(BATCH_SEGMENTS).json(texts)
    return segments.segments(output, solution="fans", queries=QUERIES)


def by_item(item: str, users: list[str]) -> dict[str, Any]:
    return {"input": {"itemId": item}, "output": {"recommendedUsers": users}}


def test_a_segment_has_the_name_of_its_item_or_of_its_query(spark: Any) -> None:
    rows = found(
        spark,
        by_item("105", ["106", "107"]),
        {"itemAttributes": QUERIES["comedy"], "output": {"recommendedUsers": ["25"]}},
        {"itemAttributes": 'ITEMS.genres = "Other"', "output": {"recommendedUsers": ["1"]}},
        {"itemAttributes": QUERIES["horror"], "output": None, "error": "why"},
        by_item("106", []),
    ).collect()
    assert {row["key"]: row["users"] for row in rows} == {"105": ["106", "107"], "comedy": ["25"]}


def test_a_long_segment_lies_in_pages_that_say_how_many_there_are(spark: Any) -> None:
    from glue_jobs.transforms import segments

    users = [f"u{number}" for number in range(2 * segments.PAGE + 1)]
    lines = segments.publish_lines(found(spark, by_item("a", users))).collect()
    pages = sorted((json.loads(row["value"]) for row in lines), key=lambda page: page["page"])
    assert [(page["list"], page["key"], page["page"], page["pages"]) for page in pages] == [
        ("fans", "a", number, 3) for number in (1, 2, 3)
    ]
    assert [user for page in pages for user in page["items"]] == users
    assert [len(page["items"]) for page in pages] == [segments.PAGE, segments.PAGE, 1]


def test_the_warehouse_gets_a_row_for_each_member(spark: Any) -> None:
    from glue_jobs.transforms import segments

    rows = segments.warehouse_segments(segments.ranked(found(spark, by_item("a", ["x", "y"]))), run_id="r")
    assert [tuple(row) for row in rows.orderBy("rank").collect()] == [
        ("r", "fans", "a", 1, "x"),
        ("r", "fans", "a", 2, "y"),
    ]
