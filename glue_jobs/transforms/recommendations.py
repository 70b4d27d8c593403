"""Lists to publish out of Personalize's batch output, with the rules that apply after inference."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import LISTS, WAREHOUSE_RECOMMENDATIONS
from glue_jobs.transforms.text import json_value


def lists(output: DataFrame, *, solution: str) -> DataFrame:
    """A row (columns.LISTS) for each answered input line; lines with an error are left out."""
    answered = output.where("error is null and size(output.recommendedItems) > 0")
    rows = answered.select(
        F.lit(solution).alias("list"),
        F.coalesce("input.userId", "input.itemId").alias("key"),
        F.col("output.recommendedItems").alias("items"),
        F.col("output.scores").alias("scores"),
    )
    return rows.where("key is not null").select(LISTS.names)


def errors(output: DataFrame) -> DataFrame:
    """The error of each input line that Personalize could not answer."""
    return output.where("error is not null").select("error")


def recent_purchases(orders: DataFrame, *, since: str) -> DataFrame:
    """(key, bought) for each user that ordered at or after `since` (`YYYY-MM-DD HH:MM:SS`, UTC)."""
    recent = orders.where(F.col("ordered_at") >= since)
    return recent.groupBy(F.col("user_id").alias("key")).agg(F.collect_set("item_id").alias("bought"))


def without(lists: DataFrame, bought: DataFrame) -> DataFrame:
    """Users' lists without what they bought. A list that would be empty is left out: popular stands in."""
    joined = lists.join(bought, "key", "left").withColumn("pairs", F.arrays_zip("items", "scores"))
    keep = F.filter("pairs", lambda pair: ~F.array_contains("bought", pair["items"]))
    pairs = F.when(F.col("bought").isNull(), F.col("pairs")).otherwise(keep)
    rows = joined.withColumn("pairs", pairs).where(F.size("pairs") > 0)
    return rows.select(
        "list",
        "key",
        F.col("pairs.items").alias("items"),
        F.col("pairs.scores").alias("scores"),
    )


def publish_lines(lists: DataFrame) -> DataFrame:
    """One JSON text a list: {"list": .., "key": .., "items": [["id", score], ...]}; a score may be null."""
    items = F.array_join(F.transform("items", lambda item, i: _pair(item, i)), ",")
    line = F.concat(
        F.lit('{"list":'),
        json_value(F.col("list")),
        F.lit(',"key":'),
        json_value(F.col("key")),
        F.lit(',"items":['),
        items,
        F.lit("]}"),
    )
    return lists.select(line.alias("value"))


def _score(index: Column) -> Column:
    return F.get(F.col("scores"), index)


def _pair(item: Column, index: Column) -> Column:
    score = F.coalesce(_score(index).cast("string"), F.lit("null"))
    return F.concat(F.lit("["), json_value(item), F.lit(","), score, F.lit("]"))


def warehouse_recommendations(lists: DataFrame, *, run_id: str) -> DataFrame:
    """A row for each item of each list; rank starts at 1."""
    ranked = lists.select("list", "key", "scores", F.posexplode("items").alias("position", "item"))
    rows = ranked.select(
        F.lit(run_id).alias("run_id"),
        F.col("list").alias("solution"),
        F.col("key").alias("entity_id"),
        (F.col("position") + 1).alias("rank"),
        F.col("item").alias("item_id"),
        F.get(F.col("scores"), F.col("position")).alias("score"),
    )
    return rows.select(WAREHOUSE_RECOMMENDATIONS)
