"""The application's events out of DynamoDB exports, as the table's own semantics have it.

The newest image of a key counts. A removal deletes, unless time to live made it: then the item had expired, and what
it said stays true for as long as the configuration keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import CONTEXT, DELETED, EVENTS, EXPIRED, MAX_ID_LENGTH
from glue_jobs.transforms.text import cut, fits, list_as_json, number, one_line, try_cast, utc_text
from glue_jobs.transforms.times import event_seconds

_WRAPPER = {"timestamp": "N", "value": "N", "simulated": "BOOL"}
# As get_recommendations' impressions.py writes it; what is of another form says nothing of its answer. Of Java.
_SERVED_AS = (
    r"\A(personal|related|popular|trending|default);[01];[01];"
    r"([a-z_][a-z0-9_-]{0,39}=[0-9]{1,9}(,[a-z_][a-z0-9_-]{0,39}=[0-9]{1,9}){0,20})?\z"
)
_MICROS = 1_000_000
_DAY = 86_400


def events(lines: DataFrame, *, run_id: str, keys: Sequence[str], ttl: str | None = None) -> DataFrame:
    """Rows (columns.EVENTS) of lines of an export, by log_attributes.canonical; of a removed item the last image.

    CONTEXT beside them where the lines have it.
    """
    known = lines.select(
        F.coalesce("Item", "NewImage", "OldImage").alias("image"),
        F.col("Keys").alias("keys"),
        (F.col("Item").isNull() & F.col("NewImage").isNull()).alias("gone"),
        try_cast("Metadata.WriteTimestampMicros.N", "bigint").alias("written_at"),
        F.regexp_extract(F.input_file_name(), "AWSDynamoDB/.*", 0).alias("file"),
    ).where("image is not null or keys is not null")
    made = {
        "event_key": _key(keys),
        "run_id": F.lit(run_id),
        "expiry": try_cast(f"image.`{ttl}`.N", "bigint") if ttl else F.lit(None).cast("bigint"),
    }
    typed = known.select("*", *(column.alias(name) for name, column in made.items()))
    typed = typed.withColumn("removed", F.when(F.col("gone"), _removal(F.col("written_at") / _MICROS)))
    own = (*made, "written_at", "removed", "file")
    more = [F.col(f"image.{CONTEXT}")] if CONTEXT in known.select("image.*").columns else []
    return typed.select([F.col(f.name) if f.name in own else _value(f.name) for f in EVENTS] + more)


def without(events: DataFrame, types: Sequence[str]) -> DataFrame:
    """Events of no such type; of a removed item of which nobody says the type, the removal stays."""
    if not types:
        return events
    return events.where(~F.coalesce(F.col("event_type").isin(*types), F.lit(False)))


def _key(names: Sequence[str]) -> Column:
    """The same text for Keys of an incremental export and for the attributes of an item."""
    of_image = F.struct(*(F.col(f"image.`{name}`").alias(name) for name in sorted(names)))
    return F.to_json(F.coalesce(F.col("keys"), of_image))


def _removal(at: Column) -> Column:
    """Epoch seconds of the removal tell an expiry from a deletion."""
    return F.when(F.col("expiry") <= at, F.lit(EXPIRED)).otherwise(F.lit(DELETED))


def _value(name: str) -> Column:
    if name == "impression":
        return F.transform("image.impression.L", lambda item: item["S"]).alias(name)
    return F.col(f"image.{name}.{_WRAPPER.get(name, 'S')}").alias(name)


def newest(history: DataFrame, *, full_run: str, full_at: int) -> DataFrame:
    """One row per key of all exports (columns.EVENTS and `absent`), `removed` where the table has it no more.

    `full_run` is the newest full export, begun at `full_at` (epoch seconds): what is older and not in it is `absent`
    from it, so it was removed without a line that says so.
    """
    key = F.coalesce(
        "event_key", F.concat(F.lit("event "), F.col("event_id")), F.to_json(F.struct(*history.columns))
    )
    last = F.max_by(F.struct(*history.columns), F.struct(F.coalesce("run_id", F.lit("")), "written_at"))
    rows = history.groupBy(key.alias("_key")).agg(last.alias("row")).select("row.*")
    absent = F.col("removed").isNull() & (F.coalesce("run_id", F.lit("")) < full_run)
    rows = rows.withColumn("absent", absent)
    gone = F.when(F.col("absent"), _removal(F.lit(full_at)))
    return rows.withColumn("removed", F.coalesce("removed", gone))


def learned(rows: DataFrame, *, now: int, keep_expired_days: int) -> DataFrame:
    """What still counts of `newest`: what the table has, and what expired in it within so many days before `now`."""
    removed_at = F.when(~F.col("absent"), F.col("written_at") / _MICROS)
    expired_at = F.coalesce(removed_at, F.col("expiry"))
    recently = (F.col("removed") == EXPIRED) & (expired_at >= now - keep_expired_days * _DAY)
    return rows.where(F.col("removed").isNull() | recently).drop("absent")


def changes(rows: DataFrame, *, run_id: str, full_run: str) -> DataFrame:
    """What a run's export changed of `newest`: what it says itself, and what a full export no longer has."""
    own = F.coalesce("run_id", F.lit("")) == run_id
    return rows.where(own | F.col("absent") if full_run == run_id else own).drop("absent")


def warehouse_events(events: DataFrame, *, run_id: str) -> DataFrame:
    """Rows of the warehouse's `events`: those that have an id, a type and a time, and no id that is too long.

    An id that were cut would be another's; other texts are cut at what the warehouse's columns hold. Of a deleted
    item the key suffices.
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
        F.when(F.col("served_as").rlike(_SERVED_AS), F.col("served_as")).alias("served_as"),
        F.sha2("event_key", 256).alias("event_key"),
        F.col("removed"),
    )
    whole = "event_id is not null and event_type is not null and occurred_at is not null"
    deleted = (F.col("removed") == DELETED) & F.col("event_key").isNotNull()
    return rows.where(
        F.coalesce(deleted, F.lit(False)) | (F.expr(whole) & fits("event_id", "user_id", "item_id"))
    )
