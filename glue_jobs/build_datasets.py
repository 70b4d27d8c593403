"""Raw data -> Personalize's datasets, batch input, quarantine, warehouse rows and the closing report."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3
from awsglue.utils import getResolvedOptions
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from glue_jobs import report, session
from glue_jobs.columns import (
    EVENTS,
    IGNORED,
    KEY_OF_DATASET,
    REASON,
    TIMESTAMP,
    USER_ID,
)
from glue_jobs.run_id import started_at
from glue_jobs.sources import SOURCES, Given
from glue_jobs.transforms import application_log, batch_input, entities, interactions, log_attributes

ARGUMENTS = [
    "raw_bucket",
    "datasets_bucket",
    "results_bucket",
    "datasets",
    "log_attributes",
    "timestamp_format",
    "run_id",
    "run_mode",  # Glue keeps --mode for itself
    "export_prefix",
    "previous_run_id",
]
CLOCK_SKEW = timedelta(hours=1)


class NothingToBuild(RuntimeError):
    """No source gives an interaction."""


@dataclass(frozen=True)
class Job:
    """What one run reads and writes."""

    spark: SparkSession
    raw_bucket: str
    datasets_bucket: str
    results_bucket: str
    datasets: Mapping[str, Any]
    run_id: str
    mode: str
    export_prefix: str
    previous_run_id: str
    # Of the log: key of its configuration -> attribute, and how it keeps times.
    log_attributes: Mapping[str, str] = field(default_factory=lambda: dict(log_attributes.NAMES))
    timestamp_format: str = "milliseconds"

    def __post_init__(self) -> None:
        if self.mode not in ("full", "incremental"):
            raise ValueError(f"mode is {self.mode!r}: give full or incremental")

    @property
    def exported(self) -> bool:
        return self.export_prefix != report.NONE

    def types_from(self, source: str) -> list[str]:
        rules = self.datasets["interactions"]["events"]
        return [rule["type"] for rule in rules if rule["source"] == source]

    @property
    def event_types(self) -> list[str]:
        return [kind for source in SOURCES for kind in self.types_from(source)]

    def dataset(self, name: str) -> str:
        return session.run_folder(self.datasets_bucket, self.run_id, name)

    def quarantine(self, dataset: str) -> str:
        return self.dataset(f"quarantine/{dataset}")

    def batch_input(self, audience: str) -> str:
        return self.dataset(f"batch_input/{audience}")

    def warehouse(self, table: str) -> str:
        return session.run_folder(self.results_bucket, self.run_id, f"warehouse/{table}")


def main() -> None:
    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    datasets = json.loads(arguments["datasets"])
    read = ("datasets", "run_mode", "log_attributes")
    job = Job(
        spark=session.start("build-datasets"),
        datasets=datasets,
        mode=arguments["run_mode"],
        log_attributes=json.loads(arguments["log_attributes"]),
        **{name: arguments[name] for name in ARGUMENTS if name not in read},
    )
    run(job, s3=boto3.client("s3"))


def run(job: Job, *, s3: Any) -> None:
    previous = None
    if job.previous_run_id != report.NONE:
        previous = report.read(s3, bucket=job.datasets_bucket, run_id=job.previous_run_id)
    event_runs = report.event_runs(
        run_id=job.run_id,
        mode=job.mode,
        exported=job.exported,
        previous_run_id=job.previous_run_id,
        previous=previous,
    )
    ingest_events(job)
    kept, counts, figures = build_interactions(job, event_runs)
    built = {name: build_entities(job, name) for name in KEY_OF_DATASET if name in job.datasets}
    known = {name: rows for name, (rows, _) in built.items()}
    for name in KEY_OF_DATASET.keys() - built.keys():
        known[name] = known_by_interactions(job, name, kept)
    write_batch_input(job, users=known["users"], items=known["items"], kept=kept)
    content = {
        "run_id": job.run_id,
        "mode": job.mode,
        "event_runs": event_runs,
        "datasets": {"interactions": counts, **{name: result[1] for name, result in built.items()}},
        "previous": report.previous_rows(previous),
        **figures,
    }
    job.spark.catalog.clearCache()
    report.write(s3, bucket=job.datasets_bucket, content=content)


def ingest_events(job: Job) -> None:
    """This run's export, parsed: for the runs after it and for the warehouse."""
    if job.exported:
        # A full export's files are below its id, an incremental one's in a folder that exports share.
        options = {"recursiveFileLookup": "true", "pathGlobFilter": "*.json.gz"}
        path = session.location(job.raw_bucket, job.export_prefix.strip("/"))
        exported = (
            job.spark.read.schema(log_attributes.schema(job.log_attributes)).options(**options).json(path)
        )
        lines = log_attributes.canonical(
            exported, attributes=job.log_attributes, timestamp_format=job.timestamp_format
        )
        own = session.raw_events(job.raw_bucket, job.run_id)
        application_log.events(lines).write.mode("overwrite").parquet(own)
        events = job.spark.read.schema(EVENTS).parquet(own)
    else:
        events = job.spark.createDataFrame([], EVENTS)
    session.write_json(application_log.warehouse_events(events, run_id=job.run_id), job.warehouse("events"))


def build_interactions(job: Job, event_runs: list[str]) -> tuple[DataFrame, dict[str, Any], dict[str, Any]]:
    """The interactions kept (cached), their counts, and figures about them."""
    columns = job.datasets["interactions"]["order_columns"]
    orders = job.spark.read.parquet(session.raw_table(job.raw_bucket, job.run_id, "orders"))
    session.write_json(
        interactions.warehouse_orders(orders, columns=columns, run_id=job.run_id), job.warehouse("orders")
    )
    candidates = read_candidates(job, event_runs)
    latest = int((started_at(job.run_id) + CLOCK_SKEW).timestamp())
    rows = interactions.judged(candidates, types=job.event_types, latest=latest)
    kept = interactions.kept(rows).persist(StorageLevel.MEMORY_AND_DISK)
    session.write_csv(kept, job.dataset("interactions"))
    warehouse = interactions.warehouse_interactions(kept, run_id=job.run_id)
    session.write_json(warehouse, job.warehouse("interactions"))
    figures = describe(kept)
    counts = report.Counts(by_reason=quarantine(job, "interactions", rows), kept=figures.pop("rows"))
    return kept, counts.as_dict(), figures


def read_candidates(job: Job, event_runs: list[str]) -> list[DataFrame]:
    """What each source gives. Raises NothingToBuild."""
    given = {
        "spark": job.spark,
        "raw_bucket": job.raw_bucket,
        "run_id": job.run_id,
        "event_runs": event_runs,
        "columns": job.datasets["interactions"],
    }
    found = [source(Given(types=job.types_from(name), **given)) for name, source in SOURCES.items()]
    candidates = [frame for frame in found if frame is not None]
    if not candidates:
        raise NothingToBuild(
            f"run {job.run_id}: datasets.interactions.events takes nothing from orders and no run "
            "exported the application log: add an event with source orders, or start with mode full"
        )
    return candidates


def build_entities(job: Job, name: str) -> tuple[DataFrame, dict[str, Any]]:
    fields, key = job.datasets[name]["fields"], KEY_OF_DATASET[name]
    table = job.spark.read.parquet(session.raw_table(job.raw_bucket, job.run_id, name))
    rows = entities.judged(table, fields=fields, key=key)
    kept = entities.kept(rows, fields=fields, key=key).persist(StorageLevel.MEMORY_AND_DISK)
    session.write_csv(kept, job.dataset(name))
    session.write_json(entities.warehouse_rows(kept, run_id=job.run_id), job.warehouse(name))
    counts = report.Counts(by_reason=quarantine(job, name, rows), kept=kept.count())
    return kept, counts.as_dict()


def known_by_interactions(job: Job, name: str, kept: DataFrame) -> DataFrame:
    """Users or items of which the application has no table: no dataset, and their ids in the warehouse."""
    rows = kept.select(KEY_OF_DATASET[name]).distinct()
    session.write_json(entities.warehouse_rows(rows, run_id=job.run_id), job.warehouse(name))
    return rows


def quarantine(job: Job, dataset: str, rows: DataFrame) -> dict[str | None, int]:
    """Rows by reason; those that are wrong are written with it."""
    by_reason = {row[REASON]: row["count"] for row in rows.groupBy(REASON).count().collect()}
    wrong = [reason for reason in by_reason if reason is not None and reason not in IGNORED]
    if wrong:
        session.write_json(rows.where(F.col(REASON).isin(wrong)), job.quarantine(dataset))
    return by_reason


def describe(kept: DataFrame) -> dict[str, Any]:
    """What validation wants to know of the interactions, in one pass."""
    per_user = kept.groupBy(USER_ID).agg(
        F.count("*").alias("n"), F.min(TIMESTAMP).alias("first"), F.max(TIMESTAMP).alias("last")
    )
    row = per_user.agg(
        F.coalesce(F.sum("n"), F.lit(0)).alias("rows"),
        F.count_if(F.col("n") >= 2).alias("users"),
        F.min("first").alias("first"),
        F.max("last").alias("last"),
    ).collect()[0]
    return {
        "rows": row["rows"],
        "users_with_two_interactions": row["users"],
        "window": {"first_timestamp": row["first"], "last_timestamp": row["last"]},
    }


def write_batch_input(job: Job, *, users: DataFrame, items: DataFrame, kept: DataFrame) -> None:
    lists = {
        "users": batch_input.users(users, kept),
        "items": batch_input.items(items, kept),
        "everyone": batch_input.everyone(kept),
    }
    for name, lines in lists.items():
        session.write_json(lines, job.batch_input(name), compression="none")


if __name__ == "__main__":
    main()
