"""Rows from the application's tables to the API: none may be lost on the way, and none come twice."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pandas as pd

from config import layout
from lambdas.record_events.events import SERVED
from lambdas.shared import times
from local.chaos.line import GONE, Line
from operations import queries

# The API's events wait for each other in the queue, and a function that was killed takes them again.
QUEUED = timedelta(minutes=2)
Report = dict[str, Any]  # of the preparation: rows read, kept and sorted out, by dataset
IDS = {"users": "USER_ID", "items": "ITEM_ID"}


def lost(line: Line, run_id: str, *, forgotten: Sequence[str] = ()) -> list[str]:
    """Sentences; none when each count of the run is that of what it was made of. The warehouse has loaded it."""
    counts = Counts(line)
    report = counts.report(run_id)
    return [
        *_taken(counts, report, run_id, forgotten),
        *_imported(counts, report, run_id),
        *_listed(counts, report, run_id),
    ]


def _taken(counts: Counts, report: Report, run_id: str, forgotten: Sequence[str]) -> Iterator[str]:
    """Sources to datasets."""
    for dataset, there in counts.sources(report, forgotten).items():
        found = report["datasets"][dataset]
        sorted_out = sum(found["quarantined"].values()) + sum(found["ignored"].values())
        if found["read"] != there:
            yield f"{dataset}: the sources have {there} rows, the run {run_id} read {found['read']}"
        if found["kept"] + sorted_out != found["read"]:
            yield (
                f"{dataset}: {found['read']} rows were read, {found['kept']} kept, {sorted_out} quarantined or ignored"
            )


def _imported(counts: Counts, report: Report, run_id: str) -> Iterator[str]:
    """Datasets to Personalize's files; ids once each."""
    for dataset in ("interactions", *IDS):
        rows = counts.dataset(run_id, dataset)
        kept = report["datasets"][dataset]["kept"]
        if len(rows) != kept:
            yield f"{dataset}: {kept} rows were kept, the files of {run_id} have {len(rows)}"
        ids = [row[IDS[dataset]] for row in rows] if dataset in IDS else []
        if len(ids) != len(set(ids)):
            yield f"{dataset}: {len(ids) - len(set(ids))} ids come twice in the files of {run_id}"


def _listed(counts: Counts, report: Report, run_id: str) -> Iterator[str]:
    """Lists to the table and to the mart, whose rows are the lists' entries."""
    in_mart = counts.mart(run_id)
    for solution in counts.line.settings.solutions:
        lists = counts.lists(run_id, solution.name)
        keys = [one["key"] for one in lists]
        if len(keys) != len(set(keys)):
            yield f"{solution.name}: {len(keys) - len(set(keys))} lists come twice in the files of {run_id}"
        audience = {"user": "users", "item": "items", "everyone": "everyone"}[solution.for_each]
        if len(keys) != report["batch_input"][audience]:
            yield f"{solution.name}: {report['batch_input'][audience]} were to have lists, {len(keys)} have"
        stored = counts.line.stored_keys(solution.name, run_id)
        if stored != set(keys):
            yield f"{solution.name}: {len(keys)} lists of {run_id} were made, the table has {len(stored)}"
        entries = sum(len(one["items"]) for one in lists)
        if in_mart.get(solution.name, (0, 0)) != (entries, entries):
            yield (
                f"{solution.name}: {entries} entries of {run_id} were published, the mart has (rows, distinct) "
                f"{in_mart.get(solution.name, (0, 0))}"
            )


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(event["timestamp"]["N"]) / 1000, UTC)


@dataclass(frozen=True)
class Counts:
    line: Line

    def is_back(self) -> bool:
        """Whether the application's database answers: a story may end as its process was killed."""
        try:
            queries.application_rows(self.line.place, "select 1")
        except GONE:
            return False
        return True

    def somebody(self, *, but: Sequence[str]) -> str:
        """A user of the application, the last of them who is not among these."""
        rows = queries.application_rows(
            self.line.place, "select user_id from users order by user_id desc limit 60"
        )
        return next(str(user) for [user] in rows if user not in but)

    def sources(self, report: Report, forgotten: Sequence[str]) -> dict[str, int]:
        """Rows of the application's tables and log that the report's run had to read, by dataset.

        Those of users who were forgotten don't count. Of what the API served (to us among others) those count that had
        time to reach the log, or that an export had which the run's history is made of: the log of an endpoint that
        was killed lacks some.
        """
        kept = " and ".join(["true", *(f"user_id <> '{user}'" for user in forgotten)])
        [[users, items, orders]] = queries.application_rows(
            self.line.place,
            f"select (select count(*) from users where {kept}), (select count(*) from items),"
            f" (select count(*) from orders where {kept})",
        )
        events = {event["event_id"]["S"]: event for event in self._log()}
        events = {one: event for one, event in events.items() if event["user_id"]["S"] not in forgotten}
        late = self._export_end() - QUEUED
        due = {one for one, event in events.items() if not one.startswith(SERVED) or _at(event) < late}
        exported = (
            row for run in report["event_runs"] if run >= report["full_run"] for row in self._exported(run)
        )
        own = {one for one, user in exported if one.startswith(SERVED) and user not in forgotten}
        return {"users": users, "items": items, "interactions": orders + len(due | own)}

    def _exported(self, run_id: str) -> Iterator[tuple[str, str]]:
        """Ids and users of the log's events, as the run's export has them."""
        prefix = layout.RAW_EVENTS.of(run_id=run_id)
        for _, body in self.line.objects(self.line.settings.names.raw_bucket, prefix):
            table = pd.read_parquet(BytesIO(body), columns=["event_id", "user_id"])
            yield from zip(table["event_id"], table["user_id"], strict=True)

    def _export_end(self) -> datetime:
        item = self.line.control(layout.WATERMARK) or {}
        return times.parse("log_exported_until", item["log_exported_until"]["S"])

    def _log(self) -> Iterator[dict[str, Any]]:
        pages = self.line.client("dynamodb").get_paginator("scan")
        for page in pages.paginate(TableName=self.line.settings.application_log_table):
            yield from page["Items"]

    def report(self, run_id: str) -> Report:
        bucket = self.line.settings.names.datasets_bucket
        answer = self.line.client("s3").get_object(Bucket=bucket, Key=layout.REPORT.of(run_id=run_id))
        return dict(json.loads(answer["Body"].read()))

    def dataset(self, run_id: str, dataset: str) -> list[dict[str, str]]:
        prefix = layout.DATASET.of(run_id=run_id, dataset=dataset)
        files = self.line.objects(self.line.settings.names.datasets_bucket, prefix)
        return [row for _, body in files for row in csv.DictReader(body.decode().splitlines())]

    def lists(self, run_id: str, solution: str) -> list[dict[str, Any]]:
        return list(self.line.made_lists(solution, run_id))

    def mart(self, run_id: str) -> dict[str, tuple[int, int]]:
        """Rows and distinct places of each list's entries."""
        rows = queries.warehouse_rows(
            self.line.place,
            "select solution, count(*), count(distinct entity_id || '#' || list_position)"
            f" from marts.fct_recommendations where run_id = '{run_id}' group by 1",
        )
        return {str(solution): (int(count), int(distinct)) for solution, count, distinct in rows}
