"""Personalize's Interactions dataset out of orders and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import (
    EVENT_TYPE,
    EVENT_VALUE,
    INTERACTION_KEY,
    INTERACTIONS,
    ITEM_ID,
    MAX_ID_LENGTH,
    MAX_IMPRESSION_ITEMS,
    MAX_IMPRESSION_LENGTH,
    ORDER_ID,
    ORIGIN,
    REASON,
    SHOWN,
    SOURCE,
    SOURCE_FILE,
    SOURCE_KEY,
    TIMESTAMP,
    USER_ID,
    WRONG,
)
from glue_jobs.transforms import context
from glue_jobs.transforms.context import Field
from glue_jobs.transforms.text import cut, fits, number, number_reason, one_line, utc_text, wrong
from glue_jobs.transforms.times import event_seconds, event_time_reason, order_seconds, order_time_reason

_GIVEN = ["given_time", "given_value"]
_CANDIDATE = [
    *INTERACTIONS,
    *SHOWN.values(),
    "time_reason",
    "value_reason",
    *_GIVEN,
    SOURCE,
    SOURCE_KEY,
    SOURCE_FILE,
]


def from_orders(
    orders: DataFrame,
    *,
    columns: Mapping[str, str],
    types: Sequence[str],
    file: str = "",
    fields: Sequence[Field] = (),
) -> DataFrame:
    """A candidate for each order line and event type that orders stand for. `file` is where the orders lie.

    `fields` are the contextual ones, those without a column among them.
    """
    time = columns[TIMESTAMP]
    rows = orders.select(
        one_line(F.col(columns[USER_ID])).alias(USER_ID),
        one_line(F.col(columns[ITEM_ID])).alias(ITEM_ID),
        order_seconds(orders, time).alias(TIMESTAMP),
        F.array(*[F.lit(kind) for kind in types]).alias(EVENT_TYPE),
        _order_value(columns).alias(EVENT_VALUE),
        *(F.lit(None).cast("string").alias(name) for name in SHOWN.values()),
        order_time_reason(orders, time).alias("time_reason"),
        _value_reason(columns).alias("value_reason"),
        F.col(time).cast("string").alias("given_time"),
        _given_value(columns).alias("given_value"),
        F.lit("orders").alias(SOURCE),
        _order_key(columns).alias(SOURCE_KEY),
        F.lit(file).alias(SOURCE_FILE),
        *context.of_orders(orders, fields),
    )
    # By itself: Spark 4.1 forgets the names of a struct's fields in a select that explodes.
    each = rows.withColumn(EVENT_TYPE, F.explode(EVENT_TYPE))
    return each.select(*_CANDIDATE, *context.column(fields))


def _order_key(columns: Mapping[str, str]) -> Column:
    """Finds the line again: its order and item, or whatever it has of user, item and time."""
    names = [columns[USER_ID], columns[ITEM_ID], columns[TIMESTAMP]]
    if ORDER_ID in columns:
        names = [columns[ORDER_ID], columns[ITEM_ID]]
    return wrong(F.to_json(F.struct(*(F.col(name).cast("string").alias(name) for name in names))))


def from_events(events: DataFrame, *, fields: Sequence[Field] = ()) -> DataFrame:
    """A candidate for each event of the application log, whatever its type. `fields` are the contextual ones."""
    events = context.flat(events, fields)
    return events.select(
        one_line(F.col("user_id")).alias(USER_ID),
        one_line(F.col("item_id")).alias(ITEM_ID),
        event_seconds("timestamp").alias(TIMESTAMP),
        one_line(F.col("event_type")).alias(EVENT_TYPE),
        number("value").alias(EVENT_VALUE),
        _impression(F.col("impression")).alias(SHOWN["impressions"]),
        _personalizes_own(F.col("recommendation_id")).alias(SHOWN["recommendation_ids"]),
        event_time_reason("timestamp").alias("time_reason"),
        number_reason("value", "unparsable_event_value").alias("value_reason"),
        F.col("timestamp").alias("given_time"),
        F.col("value").alias("given_value"),
        F.lit("application_log").alias(SOURCE),
        wrong(F.col("event_key")).alias(SOURCE_KEY),
        F.col("file").alias(SOURCE_FILE),
        *context.of_events(events, fields),
    ).select(*_CANDIDATE, *context.column(fields))


def _impression(shown: Column) -> Column:
    """Personalize's list: item ids with | between. One that it would refuse is none."""
    ids = F.slice(F.filter(shown, lambda item: ~item.contains("|")), 1, MAX_IMPRESSION_ITEMS)
    text = one_line(F.array_join(ids, "|"))
    return F.when(F.length(text) <= MAX_IMPRESSION_LENGTH, text)


def _personalizes_own(recommendation_id: Column) -> Column:
    """Personalize knows what it answered under its own ids; those of batch lists are ours."""
    return F.when(recommendation_id.startswith("RID-"), one_line(recommendation_id))


def judged(
    candidates: Sequence[DataFrame], *, types: Sequence[str], latest: int, fields: Sequence[Field] = ()
) -> DataFrame:
    """All candidates with the first reason against each, null where there is none, and their ORIGIN.

    One pass, no shuffle. A candidate's contextual `fields` are judged last.

    `latest` is the last epoch second that isn't in the future.
    """
    everything = reduce(DataFrame.unionByName, (context.completed(one, fields) for one in candidates))
    reasoned = everything.withColumn(REASON, _reason(types=types, latest=latest))
    known = context.judged(reasoned.withColumn(WRONG, wrong(_wrong_text())), fields)
    return known.select(*INTERACTIONS, *SHOWN.values(), *context.column(fields), REASON, *ORIGIN)


def _wrong_text() -> Column:
    """The text that the reason is about; null where it is missing."""
    reason = F.col(REASON)
    return (
        F.when(reason.contains("timestamp"), F.col("given_time"))
        .when(reason.contains("event_value"), F.col("given_value"))
        .when(reason.contains("user"), F.col(USER_ID))
        .when(reason.contains("item"), F.col(ITEM_ID))
    )


def of_known_users(rows: DataFrame, users: DataFrame) -> DataFrame:
    """Rows of users who aren't in the application's table (any more) get the reason unknown_user."""
    known = users.select(USER_ID, F.lit(True).alias("known"))
    joined = rows.join(known, USER_ID, "left")
    unknown = F.when(F.col("known").isNull(), F.lit("unknown_user"))
    return joined.withColumn(REASON, F.coalesce(REASON, unknown)).select(rows.columns)


def _reason(*, types: Sequence[str], latest: int) -> Column:
    # The type comes first: an event that is not an interaction may lack an item, and that is no fault.
    tests = {
        "unknown_event_type": ~F.coalesce(F.col(EVENT_TYPE).isin(*types), F.lit(False)),
        "missing_user_id": F.col(USER_ID).isNull(),
        "missing_item_id": F.col(ITEM_ID).isNull(),
        "user_id_too_long": F.length(USER_ID) > MAX_ID_LENGTH,
        "item_id_too_long": F.length(ITEM_ID) > MAX_ID_LENGTH,
    }
    named = [F.when(test, F.lit(reason)) for reason, test in tests.items()]
    future = F.when(F.col(TIMESTAMP) > latest, F.lit("future_timestamp"))
    past = F.when(F.col(TIMESTAMP) < 0, F.lit("timestamp_before_1970"))
    return F.coalesce(*named, F.col("time_reason"), past, future, F.col("value_reason"))


def kept(rows: DataFrame, *, shown: Sequence[str] = (), fields: Sequence[Field] = ()) -> DataFrame:
    """The rows without a reason, once each: the same user, item, second and type is one interaction.

    The only shuffle of the job over all rows; a repeated row's largest value stays. `shown` are columns of SHOWN;
    contextual `fields` are those of one row, never of two.
    """
    good = rows.where(F.col(REASON).isNull())
    largest = [F.max(name).alias(name) for name in (EVENT_VALUE, *shown, *context.column(fields))]
    grouped = good.groupBy(*INTERACTION_KEY).agg(*largest)
    return grouped.select(*INTERACTIONS, *shown, *context.values(fields))


def imported(kept: DataFrame, *, streamed: Mapping[str, int], kind: str = EVENT_TYPE) -> DataFrame:
    """The interactions that no stream brings to Personalize: `streamed` has the epoch second of each type's first one.

    `kind` is the column of the log's type.

    The warehouse, rules and figures take all: only what Personalize has already is left out of its import.
    """
    taken = [(F.col(kind) == name) & (F.col(TIMESTAMP) >= since) for name, since in streamed.items()]
    return kept.where(~reduce(lambda one, other: one | other, taken)) if taken else kept


def warehouse_interactions(interactions: DataFrame, *, run_id: str) -> DataFrame:
    return interactions.select(
        F.lit(run_id).alias("run_id"),
        F.col(USER_ID).alias("user_id"),
        F.col(ITEM_ID).alias("item_id"),
        utc_text(F.col(TIMESTAMP)).alias("occurred_at"),
        F.col(EVENT_TYPE).alias("event_type"),
        F.col(EVENT_VALUE).alias("event_value"),
    )


def _value_reason(columns: Mapping[str, str]) -> Column:
    if EVENT_VALUE not in columns:
        return F.lit(None).cast("string")
    return number_reason(columns[EVENT_VALUE], "unparsable_event_value")


def _given_value(columns: Mapping[str, str]) -> Column:
    return (
        F.col(columns[EVENT_VALUE]).cast("string") if EVENT_VALUE in columns else F.lit(None).cast("string")
    )


def _order_value(columns: Mapping[str, str]) -> Column:
    return number(columns[EVENT_VALUE]) if EVENT_VALUE in columns else F.lit(None).cast("double")


def _order_id(columns: Mapping[str, str]) -> Column:
    """The configured column; without one, what a user bought at one moment is an order."""
    if ORDER_ID in columns:
        return one_line(F.col(columns[ORDER_ID]))
    moment = F.concat_ws(" ", *(F.col(columns[name]).cast("string") for name in (USER_ID, TIMESTAMP)))
    return F.sha2(moment, 256)


def orders_of_events(kept: DataFrame, *, types: Sequence[str], run_id: str) -> DataFrame:
    """The same columns as `warehouse_orders`, of interactions: what a user bought at one moment is one order."""
    moment = F.concat_ws(" ", USER_ID, F.col(TIMESTAMP).cast("string"))
    bought = kept.where(F.col(EVENT_TYPE).isin(*types)).groupBy(USER_ID, ITEM_ID, TIMESTAMP)
    return bought.agg(F.max(EVENT_VALUE).alias(EVENT_VALUE)).select(
        F.lit(run_id).alias("run_id"),
        F.sha2(moment, 256).alias("order_id"),
        F.col(USER_ID).alias("user_id"),
        F.col(ITEM_ID).alias("item_id"),
        utc_text(F.col(TIMESTAMP)).alias("ordered_at"),
        F.col(EVENT_VALUE).alias("sales_value"),
    )


def warehouse_orders(orders: DataFrame, *, columns: Mapping[str, str], run_id: str) -> DataFrame:
    """Order lines that have a user, an item and a time, and ids that are not too long."""
    rows = orders.select(
        F.lit(run_id).alias("run_id"),
        cut(_order_id(columns), MAX_ID_LENGTH).alias("order_id"),
        one_line(F.col(columns[USER_ID])).alias("user_id"),
        one_line(F.col(columns[ITEM_ID])).alias("item_id"),
        utc_text(order_seconds(orders, columns[TIMESTAMP])).alias("ordered_at"),
        _order_value(columns).alias("sales_value"),
    )
    rows = rows.where("user_id is not null and item_id is not null and ordered_at is not null")
    return rows.where(fits("user_id", "item_id"))
