"""Bounded concurrency on daemon threads, so that no running execution keeps a process from ending.

(`concurrent.futures` joins its threads at interpreter exit.)
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from osusume_endpoint.stepfunctions.errors import TIMEOUT, StateError
from osusume_endpoint.stepfunctions.signals import StopSignal

STOPPING_GRACE_SECONDS = 1.0

Job = Callable[[], Any]


class Outcomes:
    """What each job returned, or the exception it raised, in the order of the jobs."""

    def __init__(self, size: int) -> None:
        self.values: list[Any] = [None] * size
        self.failures: list[tuple[int, BaseException]] = []

    def record(self, index: int, value: Any) -> None:
        if isinstance(value, BaseException):
            self.failures.append((index, value))
        else:
            self.values[index] = value


def run_all(jobs: Sequence[Job], *, limit: int, stop: StopSignal, tolerant: bool = False) -> Outcomes:
    """Runs every job; unless `tolerant`, the first failure sets `stop` and returns after a short grace."""
    waiting: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    for numbered in enumerate(jobs):
        waiting.put(numbered)
    for _ in range(min(limit, len(jobs))):
        threading.Thread(target=_work, args=(waiting, done, None if tolerant else stop), daemon=True).start()
    return _collect(done, size=len(jobs), stop=stop, tolerant=tolerant)


def _work(
    waiting: queue.SimpleQueue[tuple[int, Job]],
    done: queue.SimpleQueue[tuple[int, Any]],
    stop: StopSignal | None,
) -> None:
    """A failure sets `stop` here, before this thread takes another job."""
    while True:
        try:
            index, job = waiting.get_nowait()
        except queue.Empty:
            return
        outcome = _outcome(job)
        if stop is not None and isinstance(outcome, BaseException):
            stop.set()
        done.put((index, outcome))


def _outcome(job: Job) -> Any:
    try:
        return job()
    except BaseException as error:
        return error


def _collect(
    done: queue.SimpleQueue[tuple[int, Any]], *, size: int, stop: StopSignal, tolerant: bool
) -> Outcomes:
    outcomes = Outcomes(size)
    for _ in range(size):
        grace = STOPPING_GRACE_SECONDS if stop.is_set() and not tolerant else None
        try:
            outcomes.record(*done.get(timeout=grace))
        except queue.Empty:
            stop.abandon()
            return outcomes
        if outcomes.failures and not tolerant:
            stop.set()
    return outcomes


def run_within(job: Job, *, seconds: float | None) -> Any:
    """The job's result, or `States.Timeout`; Python can't stop the thread, so the call ends on its own."""
    if seconds is None:
        return job()
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=lambda: done.put(_outcome(job)), daemon=True).start()
    try:
        value = done.get(timeout=seconds)
    except queue.Empty:
        raise StateError(TIMEOUT) from None
    if isinstance(value, BaseException):
        raise value
    return value
