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
    ORDER_ID,
    REASON,
    TIMESTAMP,
    USER_ID,
)
from glue_jobs.transforms.text import cut, fits, number, one_line, utc_text
from glue_jobs.transforms.times import event_seconds, event_time_reason, order_seconds, order_time_reason

_CANDIDATE = [*INTERACTIONS, "time_reason"]


def from_orders(orders: DataFrame, *, columns: Mapping[str, str], types: Sequence[str]) -> DataFrame:
    """A candidate for each order line and event type that orders stand for."""
    time = columns[TIMESTAMP]
    rows = orders.select(
        one_line(F.col(columns[USER_ID])).alias(USER_ID),
        one_line(F.col(columns[ITEM_ID])).alias(ITEM_ID),
        order_seconds(orders, time).alias(TIMESTAMP),
        F.explode(F.array(*[F.lit(kind) for kind in types])).alias(EVENT_TYPE),
        _order_value(columns).alias(EVENT_VALUE),
        order_time_reason(orders, time).alias("time_reason"),
    )
    return rows.select(_CANDIDATE)


def from_events(events: DataFrame) -> DataFrame:
    """A candidate for each event of the application log, whatever its type."""
    return events.select(
        one_line(F.col("user_id")).alias(USER_ID),
        one_line(F.col("item_id")).alias(ITEM_ID),
        event_seconds("timestamp").alias(TIMESTAMP),
        one_line(F.col("event_type")).alias(EVENT_TYPE),
        number("value").alias(EVENT_VALUE),
        event_time_reason("timestamp").alias("time_reason"),
    ).select(_CANDIDATE)


def judged(candidates: Sequence[DataFrame], *, types: Sequence[str], latest: int) -> DataFrame:
    """All candidates with the first reason against each, null where there is none. One pass, no shuffle.

    `latest` is the last epoch second that isn't in the future.
    """
    everything = reduce(DataFrame.unionByName, candidates)
    return everything.select(*INTERACTIONS, _reason(types=types, latest=latest).alias(REASON))


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
    return F.coalesce(*named, F.col("time_reason"), future)


def kept(rows: DataFrame) -> DataFrame:
    """The rows without a reason, once each: the same user, item, second and type is one interaction.

    The only shuffle of the job over all rows; a repeated row's largest value stays.
    """
    good = rows.where(F.col(REASON).isNull())
    return good.groupBy(*INTERACTION_KEY).agg(F.max(EVENT_VALUE).alias(EVENT_VALUE)).select(INTERACTIONS)


def warehouse_interactions(interactions: DataFrame, *, run_id: str) -> DataFrame:
    return interactions.select(
        F.lit(run_id).alias("run_id"),
        F.col(USER_ID).alias("user_id"),
        F.col(ITEM_ID).alias("item_id"),
        utc_text(F.col(TIMESTAMP)).alias("occurred_at"),
        F.col(EVENT_TYPE).alias("event_type"),
        F.col(EVENT_VALUE).alias("event_value"),
    )


def _order_value(columns: Mapping[str, str]) -> Column:
    return number(columns[EVENT_VALUE]) if EVENT_VALUE in columns else F.lit(None).cast("double")


def _order_id(columns: Mapping[str, str]) -> Column:
    """The configured column; without one, what a user bought at one moment is an order."""
    if ORDER_ID in columns:
        return one_line(F.col(columns[ORDER_ID]))
    moment = F.concat_ws(" ", *(F.col(columns[name]).cast("string") for name in (USER_ID, TIMESTAMP)))
    return F.sha2(moment, 256)


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
