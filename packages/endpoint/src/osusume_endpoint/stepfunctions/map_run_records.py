"""Map Runs and their child executions as records of ministack's Step Functions."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from osusume_endpoint.stepfunctions.map_run import ChildExecution, MapRun
from osusume_endpoint.stepfunctions.payloads import dumps, iso

# Counting takes a pass over the children, and there may be thousands.
REFRESH_SECONDS = 0.5
STATUSES = {
    "pending": (),
    "running": ("RUNNING",),
    "succeeded": ("SUCCEEDED",),
    "failed": ("FAILED",),
    "timedOut": ("TIMED_OUT",),
    "aborted": ("ABORTED",),
}


class MapRunRecords:
    """Observes one execution; writes under its account and region, from whatever thread."""

    def __init__(
        self, ministack: Any, record: dict[str, Any], *, authorize: Callable[[str, str], None]
    ) -> None:
        self._ministack = ministack
        self._authorize = authorize
        self._written = 0.0
        _, _, _, self._region, self._account, *_ = record["executionArn"].split(":")

    def map_run_started(self, run: MapRun) -> None:
        """The role itself starts the children: it needs states:StartExecution on its state machine."""
        self._write(run)
        self._authorize("states:StartExecution", run.parent.state_machine_arn)

    def map_run_finished(self, run: MapRun) -> None:
        self._write(run)

    def child_started(self, run: MapRun, child: ChildExecution) -> None:
        self._write_child(run, child)
        self._refresh(run)

    def child_finished(self, run: MapRun, child: ChildExecution) -> None:
        self._write_child(run, child)
        self._refresh(run)

    def _refresh(self, run: MapRun) -> None:
        if time.monotonic() - self._written > REFRESH_SECONDS:
            self._write(run)

    def _write(self, run: MapRun) -> None:
        self._written = time.monotonic()
        record = {
            "mapRunArn": run.arn,
            "executionArn": run.parent.execution_arn,
            "status": run.status,
            "startDate": iso(run.started),
            "maxConcurrency": run.max_concurrency,
            "toleratedFailurePercentage": float(run.tolerance.percentage or 0),
            "toleratedFailureCount": run.tolerance.count or 0,
            "itemCounts": _counts(run, run.items, total=run.total_items),
            "executionCounts": _counts(run, run.executions, total=len(run.children)),
            "redriveCount": 0,
            # With the label, as recorded in localstack's test_sfn_api_map_run.py.
            "_stateMachineArn": f"{run.parent.state_machine_arn}/{run.label}",
            **_stop_date(run.stopped),
        }
        self._ministack._map_runs.set_scoped(self._account, self._region, run.arn, record)

    def _write_child(self, run: MapRun, child: ChildExecution) -> None:
        identity, result = child.execution.identity, child.execution.result
        record = {
            "executionArn": identity.execution_arn,
            "stateMachineArn": identity.state_machine_arn,
            "name": identity.execution_name,
            "status": result.status,
            "startDate": iso(child.started),
            "stopDate": iso(child.stopped) if child.stopped else None,
            "input": dumps(child.execution.value),
            "output": result.output,
            "error": result.error,
            "cause": result.cause,
            "mapRunArn": run.arn,
            "events": child.execution.history.events,
            "sync": True,  # children tell EventBridge nothing
        }
        self._ministack._executions.set_scoped(self._account, self._region, identity.execution_arn, record)


def _counts(run: MapRun, count: Any, *, total: int) -> dict[str, int]:
    """Results count as written once the run has succeeded, also without a ResultWriter (recorded, as above)."""
    counts = {key: count(*statuses) for key, statuses in STATUSES.items()}
    written = counts["succeeded"] if run.status == "SUCCEEDED" else 0
    counts |= {"total": total, "resultsWritten": written, "failuresNotRedrivable": 0, "pendingRedrive": 0}
    return counts


def _stop_date(moment: dt.datetime | None) -> dict[str, str]:
    return {"stopDate": iso(moment)} if moment else {}
