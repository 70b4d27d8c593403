"""Personalize's Action interactions dataset out of the application log: judged as interactions are."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import ACTION_ID, ACTION_INTERACTIONS, EVENT_TYPE, ITEM_ID, REASON, SHOWN
from glue_jobs.transforms import interactions

LOG_TYPE = "_log_type"


def judged(events: DataFrame, *, meanings: Mapping[str, str], latest: int) -> DataFrame:
    """Rows and reasons as interactions.judged gives them, of actions. `meanings`: Personalize's type by the log's.

    LOG_TYPE is the log's, by which a type is streamed.
    """
    about = events.withColumn("item_id", F.col("action_id"))
    rows = interactions.judged([interactions.from_events(about)], types=list(meanings), latest=latest)
    named = (
        rows.withColumn(LOG_TYPE, F.col(EVENT_TYPE))
        .withColumn(EVENT_TYPE, _meaning(meanings))
        .withColumnRenamed(ITEM_ID, ACTION_ID)
        .drop(*SHOWN.values())
    )
    return named.withColumn(REASON, F.regexp_replace(REASON, "item_id", "action_id"))


def _meaning(meanings: Mapping[str, str]) -> Column:
    pairs = [F.lit(word) for pair in meanings.items() for word in pair]
    return F.coalesce(F.element_at(F.create_map(*pairs), F.col(EVENT_TYPE)), F.col(EVENT_TYPE))


def kept(rows: DataFrame) -> DataFrame:
    """The rows without a reason, once each."""
    return rows.where(F.col(REASON).isNull()).select(ACTION_INTERACTIONS).dropDuplicates()


def imported(rows: DataFrame, *, streamed: Mapping[str, int]) -> DataFrame:
    """Rows of `kept` without what a stream brings to Personalize: `streamed` as that of interactions.imported."""
    return kept(interactions.imported(rows, streamed=streamed, kind=LOG_TYPE))
