"""The sources of interactions, one row per source: `source` of datasets.interactions.events names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from glue_jobs import session
from glue_jobs.transforms import interactions


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a source may read. `types` are the event types that the configuration takes from it."""

    spark: SparkSession
    raw_bucket: str
    run_id: str
    log: DataFrame | None  # what counts of the application log (columns.EVENTS); None when no run exported it
    columns: Mapping[str, Any]  # of interactions in the configuration: order_columns, fields
    types: Sequence[str]

    @property
    def fields(self) -> Sequence[Mapping[str, Any]]:
        """The contextual fields of interactions."""
        found: Sequence[Mapping[str, Any]] = self.columns.get("fields", ())
        return found

    def table(self, name: str) -> DataFrame:
        """An extracted table of the application."""
        return self.spark.read.parquet(self.place(name))

    def place(self, name: str) -> str:
        return session.raw_table(self.raw_bucket, self.run_id, name)


Source = Callable[[Given], DataFrame | None]


def orders(given: Given) -> DataFrame | None:
    if not given.types:
        return None
    columns = given.columns["order_columns"]
    return interactions.from_orders(
        given.table("orders"),
        columns=columns,
        types=given.types,
        file=given.place("orders"),
        fields=given.fields,
    )


def application_log(given: Given) -> DataFrame | None:
    """Events of every type: what the configuration does not take is counted as ignored."""
    return None if given.log is None else interactions.from_events(given.log, fields=given.fields)


# A source gives candidates (transforms/interactions.py has their columns), or None when it has none this run.
SOURCES: Mapping[str, Source] = {"orders": orders, "application_log": application_log}
