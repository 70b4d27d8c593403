"""What batch jobs are asked: a line for each user, item or query. config/inputs.py says which lines there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import ITEM_ID, TIMESTAMP, USER_ID

EVERYONE = "everyone"
_DAY = 86_400
Which = Mapping[str, Any]  # an input of config/inputs.py: lines, and what narrows them


@dataclass(frozen=True, kw_only=True)
class Known:
    """`users` and `items` of the application's tables, the interactions `kept`; `now` in epoch seconds."""

    users: DataFrame
    items: DataFrame
    kept: DataFrame
    now: int


def lines(which: Which, known: Known) -> DataFrame:
    """The lines of one input. Raises KeyError for a kind that nobody configured."""
    return LINES[which["lines"]](which, known)


def users(which: Which, known: Known) -> DataFrame:
    """Everybody known: of the table, and whoever acted without being in it; or those of a rule.

    Where a rule finds nobody there is one line for nobody: Personalize refuses an input without lines.
    """
    if "active_within_days" in which:
        return _somebody(_acted_since(known, which["active_within_days"]))
    if "new_within_days" in which:
        return _somebody(_begun_since(known, which["new_within_days"]))
    return _distinct(known.users, known.kept, USER_ID, "userId")


def _acted_since(known: Known, days: int) -> DataFrame:
    recent = known.kept.where(F.col(TIMESTAMP) >= known.now - days * _DAY)
    return recent.select(F.col(USER_ID).alias("userId")).distinct()


def _begun_since(known: Known, days: int) -> DataFrame:
    first = known.kept.groupBy(F.col(USER_ID).alias("userId")).agg(F.min(TIMESTAMP).alias("first"))
    return first.where(F.col("first") >= known.now - days * _DAY).select("userId")


def _somebody(found: DataFrame) -> DataFrame:
    return everyone({}, found) if found.isEmpty() else found


def items(which: Which, known: Known) -> DataFrame:
    """Every item known, or those that are chosen, in one file: Personalize limits queries by file."""
    if "ids" not in which and "popular" not in which:
        return _distinct(known.items, known.kept, ITEM_ID, "itemId")
    return _chosen(which, known).coalesce(1)


def _chosen(which: Which, known: Known) -> DataFrame:
    """(itemId), the most popular first, or as they are listed."""
    if "ids" in which:
        ids = [(item,) for item in which["ids"]]
        return known.kept.sparkSession.createDataFrame(ids, "itemId string")
    counted = known.kept.groupBy(F.col(ITEM_ID).alias("itemId")).agg(F.count("*").alias("n"))
    return counted.orderBy(F.desc("n"), "itemId").limit(which["popular"]).select("itemId")


def rankings(which: Which, known: Known) -> DataFrame:
    """The chosen items, for each user."""
    chosen = _chosen(which, known).agg(F.sort_array(F.collect_list("itemId")).alias("itemList"))
    return users(which, known).crossJoin(F.broadcast(chosen))


def queries(which: Which, known: Known) -> DataFrame:
    """A line for each query, whose name is the configuration's alone."""
    expressions = [(expression,) for expression in which["queries"].values()]
    spark = known.kept.sparkSession
    return spark.createDataFrame(expressions, "itemAttributes string").coalesce(1)


def everyone(which: Which, known: Known | DataFrame) -> DataFrame:
    """One line in one file: a list that is the same for everybody is asked for once."""
    any_frame = known if isinstance(known, DataFrame) else known.kept
    return any_frame.sparkSession.range(0, 1, 1, numPartitions=1).select(F.lit(EVERYONE).alias("userId"))


LINES: Mapping[str, Callable[[Which, Known], DataFrame]] = {
    "users": users,
    "items": items,
    "everyone": everyone,
    "rankings": rankings,
    "queries": queries,
}


def _distinct(entities: DataFrame, interactions: DataFrame, key: str, name: str) -> DataFrame:
    both = entities.select(key).union(interactions.select(key))
    return both.distinct().select(F.col(key).alias(name))
