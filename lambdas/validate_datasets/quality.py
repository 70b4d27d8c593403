"""Whether a run's datasets may replace what Personalize has."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Personalize developer guide, "Quotas": least data to train on.
MIN_INTERACTIONS = 1000
MIN_USERS_WITH_TWO = 25
# The same: what a full import of interactions takes. It is 1 TB for who has had the quota of interactions raised, which
# nothing here can know.
MAX_IMPORT_GB = 100
# The same: of one batch inference job's input.
MAX_BATCH_BYTES = 1_000_000_000


class DataQualityFailed(RuntimeError):
    """Names each dataset that is not good enough, the figure, the threshold and the cure."""


@dataclass(frozen=True)
class Thresholds:
    max_quarantined_share: float
    min_rows_against_previous: float


@dataclass(frozen=True)
class Jobs:
    """Batch inference: `records` that a job takes, jobs by folder of an input that is whole, jobs of a run at most."""

    records: int
    of_folders: Mapping[str, int]
    most: int


def check(report: Mapping[str, Any], thresholds: Thresholds, jobs: Jobs, *, imported: int) -> dict[str, int]:
    """The rows kept by dataset; `imported` are the bytes of interactions."""
    problems = [
        *_quarantined(report, thresholds.max_quarantined_share),
        *_shrunk(report, thresholds.min_rows_against_previous),
        *_out_of_bounds(report),
        *_too_little(report),
        *_too_much(report, imported / 1024**3),
        *_too_many_jobs(report, jobs),
    ]
    if problems:
        raise DataQualityFailed(
            "\n".join([f"run {report['run_id']} stops, nothing was imported:", *problems])
        )
    return rows(report)


def rows(report: Mapping[str, Any]) -> dict[str, int]:
    return {name: counts["kept"] for name, counts in report["datasets"].items()}


def parts(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """Parts of batch input by folder; one that is whole is in none."""
    found: dict[str, list[str]] = report.get("batch_parts", {})
    return found


def quarantined_share(counts: Mapping[str, Any]) -> float:
    """The quarantined share of what should have been good: duplicates and other event types don't count."""
    wrong = sum(counts["quarantined"].values())
    candidates = counts["read"] - sum(counts["ignored"].values())
    return wrong / candidates if candidates else 0.0


def _quarantined(report: Mapping[str, Any], limit: float) -> Iterator[str]:
    for name, counts in report["datasets"].items():
        share, figure = quarantined_share(counts), f"quarantined_share.{name}"
        if share > limit and figure not in _accepted(report):
            reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(counts["quarantined"].items()))
            yield (
                f"{name}: {share:.1%} of the rows are quarantined ({reasons}), at most {limit:.1%} may be: "
                f"look at runs/{report['run_id']}/quarantine/{name}/, correct the source or raise "
                f"datasets.quality.max_quarantined_share; {_accept(figure)}"
            )


def _shrunk(report: Mapping[str, Any], limit: float) -> Iterator[str]:
    previous = report["previous"]
    if previous is None:
        return
    for name, kept in rows(report).items():
        before = previous["rows"].get(name, 0)
        if kept < limit * before and f"rows.{name}" not in _accepted(report):
            yield (
                f"{name}: {kept} rows against {before} of run {previous['run_id']}, at least {limit:.0%} "
                "must stay: look for lost data in the source, or lower datasets.quality.min_rows_against_previous; "
                f"{_accept(f'rows.{name}')}"
            )


def _out_of_bounds(report: Mapping[str, Any]) -> Iterator[str]:
    quality = report.get("quality") or {"figures": {}, "history": []}
    for name, figure in quality["figures"].items():
        value, low, high = figure["value"], figure["low"], figure["high"]
        if name in _accepted(report):
            continue
        side = f"below {low:g}" if low is not None and value < low else ""
        side = side or (f"above {high:g}" if high is not None and value > high else "")
        if side:
            yield (
                f"{name} is {value:g}, {side} (learned from {len(quality['history'])} earlier runs, or set in "
                f"datasets.quality.bounds): look at the source, or write its bound there; {_accept(name)}"
            )


def _accepted(report: Mapping[str, Any]) -> Sequence[str]:
    accepted: Sequence[str] = (report.get("quality") or {}).get("accepted", ())
    return accepted


def _accept(figure: str) -> str:
    start = json.dumps({"mode": "auto", "accept": [figure]})
    return f"if it is right, accept it once: start the pipeline with {start}"


def _too_little(report: Mapping[str, Any]) -> Iterator[str]:
    kept = rows(report)
    if kept["interactions"] < MIN_INTERACTIONS:
        yield (
            f"interactions: {kept['interactions']} rows, Personalize trains on at least {MIN_INTERACTIONS}: "
            "add event types to datasets.interactions.events or wait for more data"
        )
    users = report["users_with_two_interactions"]
    if users < MIN_USERS_WITH_TWO:
        yield (
            f"interactions: {users} users have two or more, Personalize trains on at least "
            f"{MIN_USERS_WITH_TWO}: add event types to datasets.interactions.events or wait for more data"
        )
    for name in ("users", "items", "actions"):
        if kept.get(name) == 0:
            yield f"{name}: no row, Personalize refuses an empty import: look at sources.aurora.tables.{name}"
    if kept.get("action_interactions") == 0:
        yield (
            "action_interactions: no row, Personalize refuses an empty import: log an event of "
            "datasets.action_interactions.events, or remove datasets.action_interactions until there is one"
        )


def _too_much(report: Mapping[str, Any], gigabytes: float) -> Iterator[str]:
    figure = "import_gb.interactions"
    if gigabytes > MAX_IMPORT_GB and figure not in _accepted(report):
        yield (
            f"interactions: {gigabytes:,.0f} GB, Personalize imports at most {MAX_IMPORT_GB} GB: leave out event types "
            "of datasets.interactions.events or keep fewer days (sources.application_log.keep_expired_days); if the "
            f"account's quota was raised, {_accept(figure)}"
        )


def _too_many_jobs(report: Mapping[str, Any], jobs: Jobs) -> Iterator[str]:
    asked = {
        folder: n for folder, n in (report.get("batch_input") or {}).items() if folder in jobs.of_folders
    }
    of_one = {folder: _jobs_of(report, folder, jobs) for folder in asked}
    needed = sum(n * jobs.of_folders[folder] for folder, n in of_one.items())
    if needed > jobs.most:
        folders = ", ".join(f"{n:,} of batch_input/{folder}" for folder, n in sorted(asked.items()))
        yield (
            f"batch inference of {folders} records takes {needed} jobs of at most {jobs.records:,} records "
            f"(etl.batch_records) and 1 GB, a run may have {jobs.most}: leave out who did not act lately "
            "(solutions[].users.active_within_days) or make lists for each user with fewer solutions"
        )


def _jobs_of(report: Mapping[str, Any], folder: str, jobs: Jobs) -> int:
    """Jobs of each solution that reads the folder.

    What is more than one job takes and has no parts was left whole: they would have been more than a run may have.
    """
    records, size = report["batch_input"][folder], (report.get("batch_bytes") or {}).get(folder, 0)
    needed = max(math.ceil(records / jobs.records), math.ceil(size / MAX_BATCH_BYTES))
    named = len(parts(report).get(folder, ()))
    return named or (needed if needed <= 1 else max(needed, jobs.most + 1))
