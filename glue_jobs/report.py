"""The manifest of a finished run: runs/<run_id>/report.json in the datasets bucket, written last of all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glue_jobs.columns import IGNORED

NONE = "none"


class PreviousRunUnknown(RuntimeError):
    """An incremental run builds on an earlier one whose report isn't there."""


@dataclass(frozen=True)
class Counts:
    """Rows of one dataset. `by_reason` has the key None for those without a fault.

    `new` are the quarantined rows by reason that no earlier run has counted.
    """

    by_reason: Mapping[str | None, int]
    kept: int
    new: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        faults = {reason: n for reason, n in self.by_reason.items() if reason is not None}
        duplicates = self.by_reason.get(None, 0) - self.kept
        ignored = {reason: n for reason, n in faults.items() if reason in IGNORED}
        return {
            "read": sum(self.by_reason.values()),
            "kept": self.kept,
            "ignored": ignored | ({"duplicate": duplicates} if duplicates else {}),
            "quarantined": {reason: n for reason, n in faults.items() if reason not in IGNORED},
            "newly_quarantined": dict(self.new),
        }


def key(run_id: str) -> str:
    return f"runs/{run_id}/report.json"


def read(s3: Any, *, bucket: str, run_id: str) -> dict[str, Any] | None:
    """None where that run left no report, so it never finished."""
    try:
        body = s3.get_object(Bucket=bucket, Key=key(run_id))["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    content: dict[str, Any] = json.loads(body)
    return content


def write(s3: Any, *, bucket: str, content: Mapping[str, Any]) -> None:
    s3.put_object(
        Bucket=bucket,
        Key=key(content["run_id"]),
        Body=json.dumps(content, indent=1, sort_keys=True).encode(),
        ContentType="application/json",
    )


def event_runs(
    *, run_id: str, mode: str, exported: bool, previous_run_id: str, previous: Mapping[str, Any] | None
) -> list[str]:
    """The runs whose parsed events together are the whole log, with what expired in it before a full export."""
    own = [run_id] if exported else []
    if mode == "full" and previous is None:
        return own
    if previous is None:
        raise PreviousRunUnknown(
            f"run {run_id} is incremental but run {previous_run_id!r} has no report.json: "
            "start the pipeline with mode full"
        )
    earlier: Iterable[str] = previous["event_runs"]
    return [run for run in earlier if run != run_id] + own


def full_run(
    *, run_id: str, mode: str, exported: bool, event_runs: Sequence[str], previous: Mapping[str, Any] | None
) -> str:
    """The run of the newest full export among `event_runs`; "" when there is none."""
    if mode == "full" and exported:
        return run_id
    earlier = [run for run in event_runs if run != run_id]
    if previous is None or not earlier:
        return ""
    return str(previous.get("full_run", earlier[0]))  # reports of before this key: a full run stood first


def previous_rows(previous: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if previous is None:
        return None
    rows = {name: counts["kept"] for name, counts in previous["datasets"].items()}
    return {"run_id": previous["run_id"], "rows": rows}
