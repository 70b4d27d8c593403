"""Segments of users out of Personalize's batch output: pages to publish, rows for the warehouse and campaign tools."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import WAREHOUSE_SEGMENTS

PAGE = 250  # users; what their ids are, a page fits into an item of DynamoDB


def segments(output: DataFrame, *, solution: str, queries: Mapping[str, str]) -> DataFrame:
    """(list, key, users) for each answered line: by item, or by the name of the query (`queries`: name to text)."""
    answered = output.where("error is null and size(output.recommendedUsers) > 0")
    rows = answered.select(
        F.lit(solution).alias("list"),
        F.coalesce("input.itemId", _named(queries)).alias("key"),
        F.col("output.recommendedUsers").alias("users"),
    )
    return rows.where("key is not null")


def _named(queries: Mapping[str, str]) -> Column:
    found = F.lit(None).cast("string")
    for name, text in queries.items():
        found = F.when(F.col("itemAttributes") == text, F.lit(name)).otherwise(found)
    return found


def publish_lines(found: DataFrame) -> DataFrame:
    """One JSON text a page: {"list", "key", "page", "pages", "items": [user id]}; pages begin at 1."""
    pages = F.ceil(F.size("users") / PAGE).cast("int")
    paged = found.withColumn("pages", pages).withColumn(
        "page", F.explode(F.sequence(F.lit(1), F.col("pages")))
    )
    users = F.slice("users", (F.col("page") - 1) * PAGE + 1, F.lit(PAGE)).alias("items")
    return paged.select(F.to_json(F.struct("list", "key", "page", "pages", users)).alias("value"))


def ranked(found: DataFrame) -> DataFrame:
    """(solution, segment, rank, user_id), rank from 1."""
    rows = found.select("list", "key", F.posexplode("users").alias("position", "user_id"))
    return rows.select(
        F.col("list").alias("solution"),
        F.col("key").alias("segment"),
        (F.col("position") + 1).alias("rank"),
        F.col("user_id"),
    )


def warehouse_segments(rows: DataFrame, *, run_id: str) -> DataFrame:
    return rows.withColumn("run_id", F.lit(run_id)).select(WAREHOUSE_SEGMENTS.names)
