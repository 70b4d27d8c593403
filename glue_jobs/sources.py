"""The sources of interactions, one row per source: `source` of datasets.interactions.events names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from glue_jobs import session
from glue_jobs.columns import EVENTS
from glue_jobs.transforms import interactions


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a source may read. `types` are the event types that the configuration takes from it."""

    spark: SparkSession
    raw_bucket: str
    run_id: str
    event_runs: Sequence[str]
    columns: Mapping[str, Any]  # of interactions in the configuration: order_columns
    types: Sequence[str]

    def table(self, name: str) -> DataFrame:
        """An extracted table of the application."""
        return self.spark.read.parquet(session.raw_table(self.raw_bucket, self.run_id, name))


Source = Callable[[Given], DataFrame | None]


def orders(given: Given) -> DataFrame | None:
    if not given.types:
        return None
    columns = given.columns["order_columns"]
    return interactions.from_orders(given.table("orders"), columns=columns, types=given.types)


def application_log(given: Given) -> DataFrame | None:
    """Events of every type: what the configuration does not take is counted as ignored."""
    if not given.event_runs:
        return None
    paths = [session.raw_events(given.raw_bucket, run) for run in given.event_runs]
    return interactions.from_events(given.spark.read.schema(EVENTS).parquet(*paths))


# A source gives candidates (transforms/interactions.py has their columns), or None when it has none this run.
SOURCES: Mapping[str, Source] = {"orders": orders, "application_log": application_log}
