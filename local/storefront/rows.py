"""What became of a run's rows, and what the quality gate said of its versions: files that the run left."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from config import layout
from operations.pages import each
from operations.place import Place, absent

RUNS = 8  # newest ones that are looked at
Row = dict[str, Any]


def runs(place: Place) -> list[str]:
    """Ids of the newest runs that left files, the newest first. An id is the moment of its start."""
    found = each(
        place,
        "s3",
        "list_objects_v2",
        "CommonPrefixes",
        Bucket=place.names.datasets_bucket,
        Prefix=f"{layout.RUN_FOLDER.top}/",
        Delimiter="/",
    )
    return sorted((one["Prefix"].split("/")[1] for one in found), reverse=True)[:RUNS]


def reports(place: Place) -> list[Row]:
    """[{run_id, mode, datasets: [...], outside: [...]}] of the newest runs that got as far as a report."""
    texts = ((run, _report(place, run)) for run in runs(place))
    return [shaped(run, json.loads(text)) for run, text in texts if text]


def _report(place: Place, run: str) -> bytes:
    """Empty where the run has none, or not yet."""
    try:
        answer = place.client("s3").get_object(
            Bucket=place.names.datasets_bucket, Key=layout.REPORT.of(run_id=run)
        )
    except ClientError as error:
        if not absent(error):
            raise
        return b""
    return bytes(answer["Body"].read())


def shaped(run: str, report: Mapping[str, Any]) -> Row:
    """`outside`: figures beyond their bounds, {name, value, low, high, accepted}."""
    return {
        "run_id": run,
        "mode": report.get("mode", ""),
        "datasets": [_dataset(name, counts) for name, counts in report.get("datasets", {}).items()],
        "outside": list(_outside(report.get("quality") or {})),
    }


def _dataset(name: str, counts: Mapping[str, Any]) -> Row:
    """`ignored` are duplicates and event types that nothing learns from; `quarantined` are kept for a look."""
    sorted_by_number = {
        kind: sorted(
            ([reason, n] for reason, n in counts[kind].items()), key=lambda pair: (-pair[1], pair[0])
        )
        for kind in ("ignored", "quarantined")
    }
    return {"dataset": name, "read": counts["read"], "kept": counts["kept"], **sorted_by_number}


def _outside(quality: Mapping[str, Any]) -> Iterator[Row]:
    for name, figure in sorted(quality.get("figures", {}).items()):
        value, low, high = figure["value"], figure.get("low"), figure.get("high")
        if (low is not None and value < low) or (high is not None and value > high):
            accepted = name in quality.get("accepted", ())
            yield {"name": name, "value": value, "low": low, "high": high, "accepted": accepted}


def verdicts(place: Place) -> list[Row]:
    """[{run_id, solution, recipe, arn, promoted, reason, metrics}], the newest run first."""
    return [verdict for run in runs(place) for verdict in _verdicts(place, run)]


def _verdicts(place: Place, run: str) -> Iterator[Row]:
    bucket = place.names.results_bucket
    prefix = layout.WAREHOUSE.of(run_id=run, table=layout.SOLUTION_VERSION_METRICS)
    for found in each(place, "s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix):
        body = place.client("s3").get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        yield from judged(gzip.decompress(body).decode())


def judged(text: str) -> Iterator[Row]:
    """The gate's lines, one a metric, as one verdict for each version."""
    versions: dict[str, Row] = {}
    for line in text.splitlines():
        row = json.loads(line)
        arn = row["solution_version_arn"]
        verdict = versions.setdefault(arn, _verdict(row))
        verdict["metrics"][row["metric"]] = row["value"]
    yield from versions.values()


def _verdict(row: Mapping[str, Any]) -> Row:
    names = ("run_id", "solution", "recipe", "promoted", "reason")
    return {**{name: row.get(name) for name in names}, "arn": row["solution_version_arn"], "metrics": {}}
