"""The users and items that batch inference makes lists for."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import ITEM_ID, USER_ID

EVERYONE = "everyone"


def users(users: DataFrame, interactions: DataFrame) -> DataFrame:
    """Everybody known: of the table, and whoever acted without being in it."""
    return _distinct(users, interactions, USER_ID, "userId")


def items(items: DataFrame, interactions: DataFrame) -> DataFrame:
    return _distinct(items, interactions, ITEM_ID, "itemId")


def everyone(any_frame: DataFrame) -> DataFrame:
    """One line in one file: a list that is the same for everybody is asked for once."""
    return any_frame.sparkSession.range(0, 1, 1, numPartitions=1).select(F.lit(EVERYONE).alias("userId"))


def _distinct(entities: DataFrame, interactions: DataFrame, key: str, name: str) -> DataFrame:
    both = entities.select(key).union(interactions.select(key))
    return both.distinct().select(F.col(key).alias(name))
