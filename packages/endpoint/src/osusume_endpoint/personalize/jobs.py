"""Asynchronous operations: they run in threads, one lane for each scarce resource, and survive a restart."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.errors import JobFailure
from osusume_endpoint.personalize.store import Record, Store

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 2
Work = Callable[[Record], Mapping[str, Any]]


@dataclass(frozen=True)
class Runner:
    """`work` does the operation and returns the fields to show with ACTIVE; JobFailure is its refusal."""

    work: Work
    lane: str = "states"
    pending: str = states.PENDING
    running: str = states.IN_PROGRESS
    done: str = states.ACTIVE
    failed: str = states.FAILED
    after: Callable[[Record], None] | None = None  # called once the operation succeeded


class Stopped(Exception):
    """The operation was stopped by its user or the endpoint."""


class Jobs:
    """Actions are "create", "update" and "delete"; a record has at most one under way."""

    def __init__(
        self,
        store: Store,
        *,
        wait_scale: float,
        scope: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        """`scope` is entered by each job: the account and region that it runs in."""
        self._store = store
        self._scope = scope
        self._wait_scale = wait_scale
        self._ending = threading.Event()
        self._runners: dict[tuple[str, str], Runner] = {}
        # One training at a time: the rest wait in CREATE PENDING, as memory and cores are the laptop's.
        self._lanes = {
            name: ThreadPoolExecutor(workers, thread_name_prefix=f"personalize-{name}")
            for name, workers in {"states": 4, "data": 2, "training": 1}.items()
        }

    def register(self, action: str, kind: str, runner: Runner) -> None:
        self._runners[action, kind] = runner

    def submit(self, action: str, record: Record) -> None:
        self._store.change(record.arn, lambda r: r.private.update(job=action, attempts=0))
        self._queue(action, record)

    def resume(self) -> None:
        """Queue again what an earlier process left unfinished; give up on what keeps killing it."""
        left = [record for record in self._store.all() if record.private.get("job")]
        for record in sorted(left, key=lambda r: r.fields["creationDateTime"]):
            action = str(record.private["job"])
            if record.private.get("attempts", 0) >= MAX_ATTEMPTS:
                self._finish_failed(action, record, "The service was interrupted while it worked on this.")
            else:
                self._queue(action, record)

    def close(self) -> None:
        self._ending.set()
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=True)

    def _queue(self, action: str, record: Record) -> None:
        runner = self._runners[action, record.kind]
        self._lanes[runner.lane].submit(self._run, action, record.arn, runner)

    def _run(self, action: str, arn: str, runner: Runner) -> None:
        record = self._store.find(arn)
        if record is None or record.private.get("job") != action:
            return
        try:
            self._start(action, record, runner)
            with self._scope():
                fields = dict(runner.work(record))
            self._finish(action, arn, runner.done, fields)
            if runner.after is not None:
                runner.after(record)
        except Stopped:
            log.info("personalize: %s of %s stopped", action, arn)
        except JobFailure as failure:
            self._finish_failed(action, record, str(failure))
        except Exception:
            # The thread must not end: the record would stay in progress for ever.
            log.exception("personalize: %s of %s", action, arn)
            self._finish_failed(action, record, "An internal error occurred: see the endpoint's log.")

    def _start(self, action: str, record: Record, runner: Runner) -> None:
        kind = "delete" if action == "delete" else record.kind
        seconds = states.duration(kind, wait_scale=self._wait_scale)
        self._sleep(seconds * 0.1)

        def begin(r: Record) -> None:
            r.private["attempts"] = r.private.get("attempts", 0) + 1
            _set_status(action, r, runner.running)

        # A user may have stopped it while it waited.
        if self._store.change(record.arn, begin) is None or record.private.get("job") != action:
            raise Stopped
        self._sleep(seconds * 0.9)

    def _sleep(self, seconds: float) -> None:
        if self._ending.wait(seconds) or self._ending.is_set():
            raise Stopped

    def _finish(self, action: str, arn: str, status: str, fields: dict[str, Any]) -> None:
        def end(record: Record) -> None:
            if record.private.pop("job", None) is None:
                return  # stopped meanwhile: its state is already set
            record.private.pop("attempts", None)
            record.private.update(fields.pop("private", {}))
            record.fields.update(fields)
            _set_status(action, record, status)

        if action == "delete":
            self._store.remove(arn)
        else:
            self._store.change(arn, end)

    def _finish_failed(self, action: str, record: Record, reason: str) -> None:
        runner = self._runners[action, record.kind]

        def end(r: Record) -> None:
            if r.private.pop("job", None) is None:
                return
            r.private.pop("attempts", None)
            _set_status(action, r, runner.failed, reason)

        self._store.change(record.arn, end)


def _set_status(action: str, record: Record, status: str, reason: str | None = None) -> None:
    """An update's state is shown in latest<Kind>Update, beside the resource's own."""
    shown = record.fields
    if action == "update" and f"latest{record.kind}Update" in shown:
        shown = shown[f"latest{record.kind}Update"]
        shown["lastUpdatedDateTime"] = time.time()
    shown["status"] = status
    if reason is not None:
        shown["failureReason"] = reason
