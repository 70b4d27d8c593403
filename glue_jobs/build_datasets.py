"""Raw data -> Personalize's datasets, batch input, quarantine, warehouse rows and the closing report."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from typing import Any

import boto3
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from glue_jobs import batch_parts, forgotten, quality, report, session
from glue_jobs.columns import (
    ACTION_ID,
    EVENT_TYPE,
    EVENT_VALUE,
    EVENTS,
    EVENTS_WITH_CONTEXT,
    EXPOSURES,
    FIRST_RUN,
    IGNORED,
    KEY_OF_DATASET,
    LEDGER,
    QUALITY,
    REASON,
    SHOWN,
    TIMESTAMP,
    USER_ID,
)
from glue_jobs.forgotten import NOBODY, Forgotten
from glue_jobs.run_id import started_at
from glue_jobs.sources import SOURCES, Given
from glue_jobs.transforms import (
    action_interactions,
    application_log,
    batch_input,
    entities,
    exposures,
    interactions,
    log_attributes,
)
from glue_jobs.transforms import quarantine as quarantined

ARGUMENTS = [
    "raw_bucket",
    "datasets_bucket",
    "results_bucket",
    "datasets",
    "application_log",
    "batch_inputs",
    "batch_records",
    "accept",
    "streamed",
    "control_table",
    "forgetting_secret",
    "run_id",
    "run_mode",  # Glue keeps --mode for itself
    "export_prefix",
    "previous_run_id",
]
CLOCK_SKEW = timedelta(hours=1)


class NothingToBuild(RuntimeError):
    """No source gives an interaction."""


@dataclass(frozen=True)
class LogTable:
    """The table of application events: its key's attributes, what removes items by itself, and how it is written.

    `attributes` are the table's names by keys of the configuration, `timestamp_format` is that of its times.
    """

    keys: Sequence[str] = field(default_factory=lambda: ["user_id", "event_key"])
    ttl: str | None = None
    keep_expired_days: int = 0
    attributes: Mapping[str, str] = field(default_factory=lambda: dict(log_attributes.NAMES))
    timestamp_format: str = "milliseconds"


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
    log: LogTable
    batch_inputs: Sequence[Mapping[str, Any]] = ()  # config/inputs.py: a folder, and what lines it has
    batch_records: int = batch_parts.MOST_RECORDS  # that one batch inference job takes
    accepted: Sequence[str] = ()  # figures whose bounds don't count this time
    # The epoch second from which on events of a type reach Personalize by the stream, by type.
    streamed: Mapping[str, int] = field(default_factory=dict)
    left_out: Forgotten = NOBODY

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
    def figures_quality(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.datasets.get("quality", {})
        return found

    @property
    def context(self) -> Sequence[Mapping[str, Any]]:
        """The contextual fields of interactions."""
        found: Sequence[Mapping[str, Any]] = self.datasets["interactions"].get("fields", ())
        return found

    @property
    def context_of_log(self) -> Mapping[str, str]:
        """Attributes of the log that fill them, with the fields' types."""
        return {one["attribute"]: one.get("type", "string") for one in self.context if "attribute" in one}

    @property
    def entry_types(self) -> list[str]:
        """Types of the log's items that are users or items: no events, and the tables have what they say."""
        given = (self.datasets.get(name, {}) for name in KEY_OF_DATASET)
        return [one["streamed_by"] for one in given if "streamed_by" in one]

    @property
    def events(self) -> StructType:
        """The schema of raw events."""
        return EVENTS_WITH_CONTEXT if self.context_of_log else EVENTS

    @property
    def event_types(self) -> list[str]:
        return [kind for source in SOURCES for kind in self.types_from(source)]

    def dataset(self, name: str) -> str:
        return session.run_folder(self.datasets_bucket, self.run_id, name)

    def quarantine(self, dataset: str) -> str:
        return self.dataset(f"quarantine/{dataset}")

    def batch_input(self, folder: str) -> str:
        return self.dataset(f"batch_input/{folder}")

    def batch_part(self, folder: str, part: str) -> str:
        return self.dataset(f"batch_parts/{folder}/{part}")

    def warehouse(self, table: str) -> str:
        return session.run_folder(self.results_bucket, self.run_id, f"warehouse/{table}")


def main() -> None:
    from awsglue.utils import getResolvedOptions  # of Glue alone

    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    prepare(arguments, spark=session.start("build-datasets"))


def prepare(arguments: Mapping[str, str], *, spark: SparkSession) -> None:
    """One run on either engine, by the job's arguments (ARGUMENTS)."""
    datasets = json.loads(arguments["datasets"])
    log = json.loads(arguments["application_log"])  # null where there is none
    read = (
        "datasets",
        "run_mode",
        "application_log",
        "batch_inputs",
        "batch_records",
        "accept",
        "streamed",
        "control_table",
        "forgetting_secret",
    )
    dynamodb = boto3.client("dynamodb")
    job = Job(
        spark=spark,
        datasets=datasets,
        mode=arguments["run_mode"],
        log=log_table(dynamodb, **log) if log else LogTable(),
        batch_inputs=json.loads(arguments["batch_inputs"]),
        batch_records=int(arguments["batch_records"]),
        accepted=json.loads(arguments["accept"]),
        streamed=json.loads(arguments["streamed"]),
        left_out=forgotten.read(
            dynamodb,
            boto3.client("secretsmanager"),
            table=arguments["control_table"],
            secret=arguments["forgetting_secret"],
        ),
        **{name: arguments[name] for name in ARGUMENTS if name not in read},
    )
    run(job, s3=boto3.client("s3"))


def log_table(dynamodb: Any, table: str, **configured: Any) -> LogTable:
    """What only the table itself knows for certain, beside what is configured of it."""
    keys = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    living = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return LogTable(
        keys=[key["AttributeName"] for key in keys],
        ttl=living.get("AttributeName"),
        **configured,
    )


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
    full_run = report.full_run(
        run_id=job.run_id, mode=job.mode, exported=job.exported, event_runs=event_runs, previous=previous
    )
    content = {
        "run_id": job.run_id,
        "mode": job.mode,
        "event_runs": event_runs,
        "full_run": full_run,
        "previous": report.previous_rows(previous),
        "exposures": read_exposures(job, s3),
        **build(job, event_runs=event_runs, full_run=full_run, previous=previous),
    }
    job.spark.catalog.clearCache()
    report.write(s3, bucket=job.datasets_bucket, content=content)


def build(
    job: Job, *, event_runs: Sequence[str], full_run: str, previous: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Writes every dataset; what the report says of them: counts by dataset, quality, figures."""
    log = read_log(job, event_runs=event_runs, full_run=full_run)
    ledgers = Ledgers(job, previous)
    built = {name: build_entities(job, name, ledgers) for name in KEY_OF_DATASET if name in job.datasets}
    known = {name: result[0] for name, result in built.items()}
    kept, counts, figures = build_interactions(job, log, users=known.get("users"), ledgers=ledgers)
    for name in KEY_OF_DATASET.keys() - built.keys():
        known[name] = known_by_interactions(job, name, kept)
    asked = write_batch_input(job, users=known["users"], items=known["items"], kept=kept)
    actions = build_actions(job, log, ledgers)
    ledgers.write()
    datasets = {"interactions": counts, **{name: result[1] for name, result in built.items()}, **actions}
    measured = figures.pop("quality") | {f"rows.{name}": one["kept"] for name, one in datasets.items()}
    nulls = {name: share for _, _, shares in built.values() for name, share in shares.items()}
    found = assess(job, measured | nulls, previous=previous)
    return {"datasets": datasets, "quality": found, **asked, **figures}


def assess(job: Job, figures: Mapping[str, float], *, previous: Mapping[str, Any] | None) -> dict[str, Any]:
    """The figures within their bounds, for validation and for the warehouse."""
    found = quality.assessed(
        figures, quality=job.figures_quality, previous=previous, accepted=list(job.accepted)
    )
    rows = job.spark.createDataFrame(quality.rows(found, run_id=job.run_id), QUALITY)
    session.write_json(rows.coalesce(1), job.warehouse("data_quality"))
    return found


def read_log(job: Job, *, event_runs: Sequence[str], full_run: str) -> DataFrame | None:
    """What counts of the application log, after this run's export; None when no run exported it.

    The export is kept for the runs after this one, and its changes go to the warehouse.
    """
    ingest_export(job)
    if not event_runs:
        empty = job.spark.createDataFrame([], EVENTS)
        session.write_json(
            application_log.warehouse_events(empty, run_id=job.run_id), job.warehouse("events")
        )
        return None
    paths = [session.raw_events(job.raw_bucket, run) for run in event_runs]
    history = job.spark.read.schema(job.events).parquet(*paths)
    full_at = int(started_at(full_run).timestamp()) if full_run else 0
    rows = application_log.newest(history, full_run=full_run, full_at=full_at)
    rows = rows.persist(StorageLevel.MEMORY_AND_DISK)
    changed = application_log.changes(rows, run_id=job.run_id, full_run=full_run)
    session.write_json(application_log.warehouse_events(changed, run_id=job.run_id), job.warehouse("events"))
    now = int(started_at(job.run_id).timestamp())
    return application_log.learned(rows, now=now, keep_expired_days=job.log.keep_expired_days)


def read_exposures(job: Job, s3: Any) -> dict[str, int]:
    """Lines read and exposures kept, of the days since the run before; a run without any writes an empty file."""
    listed = s3.list_objects_v2(
        Bucket=job.raw_bucket,
        Prefix=exposures.PREFIX,
        Delimiter="/",
        StartAfter=exposures.since(job.previous_run_id, none=report.NONE),
    )
    found = exposures.folders((one["Prefix"] for one in listed.get("CommonPrefixes", [])), run_id=job.run_id)
    lines = job.spark.createDataFrame([], EXPOSURES)
    if found:
        paths = [session.location(job.raw_bucket, folder) for folder in found]
        lines = job.spark.read.schema(EXPOSURES).json(paths)
    lines = job.left_out.without(lines, "unit_id").persist(StorageLevel.MEMORY_AND_DISK)
    rows = exposures.warehouse_exposures(lines, run_id=job.run_id)
    session.write_json(rows, job.warehouse("exposures"))
    return {"read": lines.count(), "kept": rows.count()}


def ingest_export(job: Job) -> None:
    if not job.exported:
        return
    # A full export's files are below its id, an incremental one's in a folder that exports share.
    options = {"recursiveFileLookup": "true", "pathGlobFilter": "*.json.gz"}
    path = session.location(job.raw_bucket, job.export_prefix.strip("/"))
    lines = log_attributes.canonical(
        job.spark.read.schema(_line_schema(job)).options(**options).json(path),
        attributes=job.log.attributes,
        timestamp_format=job.log.timestamp_format,
        keys=job.log.keys,
        ttl=job.log.ttl,
        context=job.context_of_log,
    )
    ttl = log_attributes.TTL if job.log.ttl else None
    events = application_log.events(lines, run_id=job.run_id, keys=job.log.keys, ttl=ttl)
    attribute = job.log.attributes.get("USER_ID", "")
    events = job.left_out.without(events, forgotten.user_of_event(attribute))
    events = application_log.without(events, job.entry_types)
    events.write.mode("overwrite").parquet(session.raw_events(job.raw_bucket, job.run_id))


def _line_schema(job: Job) -> StructType:
    log = job.log
    return log_attributes.schema(log.attributes, keys=log.keys, ttl=log.ttl, context=job.context_of_log)


def build_interactions(
    job: Job, log: DataFrame | None, *, users: DataFrame | None, ledgers: Ledgers
) -> tuple[DataFrame, dict[str, Any], dict[str, Any]]:
    """The interactions kept (cached), their counts, and figures about them."""
    candidates = read_candidates(job, log)
    latest = int((started_at(job.run_id) + CLOCK_SKEW).timestamp())
    rows = interactions.judged(candidates, types=job.event_types, latest=latest, fields=job.context)
    if users is not None and job.datasets["users"].get("only_known"):
        rows = interactions.of_known_users(rows, users)
    shown = [column for key, column in SHOWN.items() if job.datasets["interactions"].get(key)]
    kept = interactions.kept(rows, shown=shown, fields=job.context).persist(StorageLevel.MEMORY_AND_DISK)
    session.write_dataset(interactions.imported(kept, streamed=job.streamed), job.dataset("interactions"))
    warehouse = interactions.warehouse_interactions(kept, run_id=job.run_id)
    session.write_json(warehouse, job.warehouse("interactions"))
    session.write_json(orders_of(job, kept), job.warehouse("orders"))
    figures = describe(kept)
    figures["quality"] |= measure(job, kept) | context_shares(job, kept)
    by_reason, new = ledgers.take("interactions", rows, also=[EVENT_TYPE])
    counts = report.Counts(by_reason=by_reason, kept=figures.pop("rows"), new=new)
    return kept, counts.as_dict(), figures


def orders_of(job: Job, kept: DataFrame) -> DataFrame:
    """Order lines for the warehouse and for rules: the database's, or the events that say what was bought."""
    configured = job.datasets["interactions"]
    if "order_columns" not in configured:
        return interactions.orders_of_events(kept, types=configured.get("bought", []), run_id=job.run_id)
    orders = job.spark.read.parquet(session.raw_table(job.raw_bucket, job.run_id, "orders"))
    return interactions.warehouse_orders(orders, columns=configured["order_columns"], run_id=job.run_id)


def read_candidates(job: Job, log: DataFrame | None) -> list[DataFrame]:
    """What each source gives. Raises NothingToBuild."""
    given = {
        "spark": job.spark,
        "raw_bucket": job.raw_bucket,
        "run_id": job.run_id,
        "log": log,
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


def build_entities(
    job: Job, name: str, ledgers: Ledgers
) -> tuple[DataFrame, dict[str, Any], dict[str, float]]:
    """The rows kept (cached), their counts, and the share of nulls in each field that may be empty."""
    fields, key = job.datasets[name]["fields"], KEY_OF_DATASET[name]
    place = session.raw_table(job.raw_bucket, job.run_id, name)
    table = job.spark.read.parquet(place)
    rows = entities.judged(table, fields=fields, key=key, source=name, file=place)
    kept = entities.kept(rows, fields=fields, key=key).persist(StorageLevel.MEMORY_AND_DISK)
    session.write_dataset(kept, job.dataset(name))
    session.write_json(entities.warehouse_rows(kept, run_id=job.run_id), job.warehouse(name))
    by_reason, new = ledgers.take(name, rows)
    counts = report.Counts(by_reason=by_reason, kept=kept.count(), new=new)
    optional = [field["name"] for field in fields if field.get("nullable")]
    return kept, counts.as_dict(), null_shares(kept, dataset=name, fields=optional)


def build_actions(job: Job, log: DataFrame | None, ledgers: Ledgers) -> dict[str, dict[str, Any]]:
    """Counts of actions and of what users did about them, where they are configured."""
    found = {}
    if "actions" in job.datasets:
        found["actions"] = build_action_table(job, ledgers)
    if "action_interactions" in job.datasets:
        found["action_interactions"] = build_action_interactions(job, log, ledgers)
    return found


def build_action_table(job: Job, ledgers: Ledgers) -> dict[str, Any]:
    fields = job.datasets["actions"]["fields"]
    place = session.raw_table(job.raw_bucket, job.run_id, "actions")
    table = job.spark.read.parquet(place)
    rows = entities.judged(table, fields=fields, key=ACTION_ID, source="actions", file=place)
    kept = entities.kept(rows, fields=fields, key=ACTION_ID).persist(StorageLevel.MEMORY_AND_DISK)
    session.write_dataset(kept, job.dataset("actions"))
    by_reason, new = ledgers.take("actions", rows)
    return report.Counts(by_reason=by_reason, kept=kept.count(), new=new).as_dict()


def build_action_interactions(job: Job, log: DataFrame | None, ledgers: Ledgers) -> dict[str, Any]:
    """Counts of events about actions; without an export there is none, and validation says so."""
    events = job.spark.createDataFrame([], EVENTS) if log is None else log
    meanings = {one["type"]: one["means"] for one in job.datasets["action_interactions"]["events"]}
    latest = int((started_at(job.run_id) + CLOCK_SKEW).timestamp())
    rows = action_interactions.judged(events, meanings=meanings, latest=latest)
    kept = action_interactions.kept(rows).persist(StorageLevel.MEMORY_AND_DISK)
    imported = action_interactions.imported(rows, streamed=job.streamed) if job.streamed else kept
    session.write_dataset(imported, job.dataset("action_interactions"))
    by_reason, new = ledgers.take(
        "action_interactions", rows.drop(action_interactions.LOG_TYPE), also=[EVENT_TYPE]
    )
    return report.Counts(by_reason=by_reason, kept=kept.count(), new=new).as_dict()


def known_by_interactions(job: Job, name: str, kept: DataFrame) -> DataFrame:
    """Users or items of which the application has no table: no dataset, and their ids in the warehouse."""
    rows = kept.select(KEY_OF_DATASET[name]).distinct()
    session.write_json(entities.warehouse_rows(rows, run_id=job.run_id), job.warehouse(name))
    return rows


def null_shares(rows: DataFrame, *, dataset: str, fields: Sequence[str]) -> dict[str, float]:
    if not fields:
        return {}
    shares = rows.agg(*(F.avg(F.col(name).isNull().cast("int")).alias(name) for name in fields)).collect()[0]
    return {f"null_share.{dataset}.{name}": shares[name] for name in fields if shares[name] is not None}


class Ledgers:
    """Quarantined rows of every dataset; those that the run before had are known again."""

    def __init__(self, job: Job, previous: Mapping[str, Any] | None) -> None:
        self._job, self._previous = job, previous
        self._new: list[DataFrame] = []

    def take(
        self, dataset: str, rows: DataFrame, *, also: Sequence[str] = ()
    ) -> tuple[dict[str | None, int], dict[str, int]]:
        """Rows by reason, and those by reason that no run found before. What is wrong is written."""
        job = self._job
        by_reason = {row[REASON]: row["count"] for row in rows.groupBy(REASON).count().collect()}
        wrong = rows.where(F.col(REASON).isNotNull() & ~F.col(REASON).isin(*IGNORED))
        known = quarantined.known_again(wrong, self._before(dataset), also=also, run_id=job.run_id)
        session.write_json(known, job.quarantine(dataset))
        written = job.spark.read.schema(known.schema).json(job.quarantine(dataset))
        new = written.where(F.col(FIRST_RUN) == job.run_id).groupBy(REASON).count().collect()
        self._new.append(quarantined.warehouse_rows(written, dataset=dataset, run_id=job.run_id))
        return by_reason, {row[REASON]: row["count"] for row in new}

    def write(self) -> None:
        rows = reduce(DataFrame.unionByName, self._new)
        session.write_json(rows.coalesce(1), self._job.warehouse("quarantine"))

    def _before(self, dataset: str) -> DataFrame:
        """Where the run before kept no ledger, nothing is known again."""
        spark, previous = self._job.spark, self._previous
        if previous is None or "newly_quarantined" not in previous["datasets"].get(dataset, {}):
            return spark.createDataFrame([], LEDGER)
        bucket = self._job.datasets_bucket
        place = session.run_folder(bucket, previous["run_id"], f"quarantine/{dataset}")
        return spark.read.schema(LEDGER).json(place)


def describe(kept: DataFrame) -> dict[str, Any]:
    """What validation wants to know of the interactions, in one pass."""
    per_user = kept.groupBy(USER_ID).agg(
        F.count("*").alias("n"), F.min(TIMESTAMP).alias("first"), F.max(TIMESTAMP).alias("last")
    )
    row = per_user.agg(
        F.coalesce(F.sum("n"), F.lit(0)).alias("rows"),
        F.count_if(F.col("n") >= 2).alias("users"),
        F.count("*").alias("distinct"),
        F.min("first").alias("first"),
        F.max("last").alias("last"),
    ).collect()[0]
    return {
        "rows": row["rows"],
        "users_with_two_interactions": row["users"],
        "quality": {"users.distinct": row["distinct"]},
        "window": {"first_timestamp": row["first"], "last_timestamp": row["last"]},
    }


def measure(job: Job, kept: DataFrame) -> dict[str, float]:
    """Rows, age and missing values by source and event type; a type without a row has none of the latter two."""
    by_type = kept.groupBy(EVENT_TYPE).agg(
        F.count("*").alias("rows"),
        F.max(TIMESTAMP).alias("newest"),
        F.avg(F.col(EVENT_VALUE).isNull().cast("int")).alias("nulls"),
    )
    found = {row[EVENT_TYPE]: row for row in by_type.collect()}
    now = started_at(job.run_id).timestamp()
    figures: dict[str, float] = {}
    for source in SOURCES:
        for kind in job.types_from(source):
            row = found.get(kind)
            figures[f"rows.{source}.{kind}"] = row["rows"] if row else 0
            if row:
                figures[f"age_hours.{source}.{kind}"] = round((now - row["newest"]) / 3600, 2)
                figures[f"null_share.interactions.{kind}.{EVENT_VALUE}"] = row["nulls"]
    return figures


def context_shares(job: Job, kept: DataFrame) -> dict[str, float]:
    """Missing values of contextual fields that may be empty, by event type, as `measure` has those of EVENT_VALUE."""
    names = [field["name"] for field in job.context if field.get("nullable")]
    if not names:
        return {}
    shares = [F.avg(F.col(name).isNull().cast("int")).alias(name) for name in names]
    return {
        f"null_share.interactions.{row[EVENT_TYPE]}.{name}": row[name]
        for row in kept.groupBy(EVENT_TYPE).agg(*shares).collect()
        for name in names
    }


def write_batch_input(job: Job, *, users: DataFrame, items: DataFrame, kept: DataFrame) -> dict[str, Any]:
    """Records and bytes by folder, for the report, and the names of parts of folders that have any."""
    now = int(started_at(job.run_id).timestamp())
    known = batch_input.Known(users=users, items=items, kept=kept, now=now)
    records, size, parts = {}, {}, {}
    for which in job.batch_inputs:
        folder = which["folder"]
        lines = batch_input.lines(which, known)
        write_input(lines, job.batch_input(folder))
        # Of the files: counting the lines would make them a second time.
        written = job.spark.read.schema(lines.schema).json(job.batch_input(folder))
        records[folder], size[folder] = batch_parts.size(written)
        most = batch_parts.most_of(records[folder], size=size[folder], most=job.batch_records)
        if records[folder] > most:
            parts[folder] = write_parts(job, folder, written, records=records[folder], most=most)
    return {
        "batch_input": records,
        "batch_bytes": size,
        "batch_parts": {folder: names for folder, names in parts.items() if names},
    }


def write_parts(job: Job, folder: str, lines: DataFrame, *, records: int, most: int) -> list[str]:
    """The names of the parts, written beside the folder, which stays whole for whoever counts it."""
    parts = batch_parts.split(lines, records=records, most=most)
    for name, part in parts.items():
        write_input(part, job.batch_part(folder, name))
    return list(parts)


def write_input(lines: DataFrame, path: str) -> None:
    session.write_json(lines.coalesce(batch_parts.MOST_FILES), path, compression="none")


if __name__ == "__main__":
    main()
