"""The application's events out of a DynamoDB export."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import EVENTS, MAX_ID_LENGTH
from glue_jobs.transforms.text import cut, fits, list_as_json, number, one_line, utc_text
from glue_jobs.transforms.times import event_seconds

_WRAPPER = {"timestamp": "N", "value": "N", "simulated": "BOOL"}


def events(lines: DataFrame) -> DataFrame:
    """Events of export lines (columns.EXPORT_LINE): `Item` of a full export, `NewImage` of an incremental.

    A deleted item has no NewImage and is left out.
    """
    images = lines.select(F.coalesce("Item", "NewImage").alias("image")).where(F.col("image").isNotNull())
    return images.select([_value(field.name) for field in EVENTS])


def _value(name: str) -> Column:
    if name == "impression":
        return F.transform("image.impression.L", lambda item: item["S"]).alias(name)
    return F.col(f"image.{name}.{_WRAPPER.get(name, 'S')}").alias(name)


def warehouse_events(events: DataFrame, *, run_id: str) -> DataFrame:
    """Rows of the warehouse's `events`: those that have an id, a type and a time, and no id that is too long.

    An id that were cut would be another's; other texts are cut at what the warehouse's columns hold.
    """
    rows = events.select(
        F.lit(run_id).alias("run_id"),
        one_line(F.col("event_id")).alias("event_id"),
        cut(one_line(F.col("event_type")), MAX_ID_LENGTH).alias("event_type"),
        one_line(F.col("user_id")).alias("user_id"),
        one_line(F.col("item_id")).alias("item_id"),
        utc_text(event_seconds("timestamp")).alias("occurred_at"),
        cut(one_line(F.col("session_id")), MAX_ID_LENGTH).alias("session_id"),
        cut(one_line(F.col("recommendation_id")), MAX_ID_LENGTH).alias("recommendation_id"),
        number("value").alias("value"),
        list_as_json(F.col("impression")).alias("impression"),
        F.coalesce("simulated", F.lit(False)).alias("simulated"),
    )
    rows = rows.where("event_id is not null and event_type is not null and occurred_at is not null")
    return rows.where(fits("event_id", "user_id", "item_id"))
