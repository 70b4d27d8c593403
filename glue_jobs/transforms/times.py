"""Epoch seconds out of what applications store, and why there are none."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, TimestampNTZType, TimestampType

from glue_jobs.transforms.text import try_cast

# These are Java's expressions, whose $ stands before a final line break too; \z is the end.
# Epoch seconds have at most 11 digits until the year 5138, milliseconds at least 12 since September 1973.
_SECONDS = r"^[0-9]{1,11}\z"
_MILLISECONDS = r"^[0-9]{12,15}\z"


def order_seconds(frame: DataFrame, column: str) -> Column:
    """Epoch seconds of a timestamp or date column, or of text that holds either; null where it is neither."""
    if isinstance(frame.schema[column].dataType, DateType | TimestampType | TimestampNTZType):
        return F.col(column).cast("timestamp").cast("long")
    text = F.col(column).cast("string")
    return F.when(text.rlike(_SECONDS), try_cast(column, "bigint")).when(
        ~text.rlike(r"^[0-9]+\z"), try_cast(column, "timestamp").cast("long")
    )


def order_time_reason(frame: DataFrame, column: str) -> Column:
    text = F.col(column).cast("string")
    return F.when(text.rlike(_MILLISECONDS), F.lit("timestamp_in_milliseconds")).when(
        order_seconds(frame, column).isNull(), F.lit("unparsable_timestamp")
    )


def event_seconds(column: str) -> Column:
    """The application log stores epoch milliseconds."""
    milliseconds = F.when(F.col(column).rlike(_MILLISECONDS), try_cast(column, "bigint"))
    return F.floor(milliseconds / 1000).cast("long")


def event_time_reason(column: str) -> Column:
    return F.when(F.col(column).rlike(_SECONDS), F.lit("timestamp_in_seconds")).when(
        event_seconds(column).isNull(), F.lit("unparsable_timestamp")
    )
