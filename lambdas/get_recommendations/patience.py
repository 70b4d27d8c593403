"""One deadline for a whole request: whatever its reads do, the reader is answered.

A socket's time-out counts from byte to byte, so a body that drips has none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

Answer = TypeVar("Answer")
Job = tuple[Callable[[], Any], "SimpleQueue[tuple[Any, BaseException | None]]"]

# Reads that nobody waits for any more end by themselves, at the latest when the socket does.
MAX_ABANDONED = 8


class DeadlinePassed(Exception):
    """The request's time was up before the answer came."""


class Patience:
    """`begin` starts a request's time. Not for threads: a Lambda process serves one request at a time."""

    def __init__(self, *, clock: Callable[[], float], seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._ends = clock() + seconds
        self._worker: _Worker | None = None
        self._abandoned: list[_Worker] = []

    def begin(self) -> None:
        self._ends = self._clock() + self._seconds

    def still(self) -> Callable[[], bool]:
        """Whether anybody waits for what the present request asks, also for a read that was given up meanwhile."""
        ends = self._ends
        return lambda: self._clock() < ends

    def wait_for(self, read: Callable[[], Answer]) -> Answer:
        """What `read` returns or raises. Raises DeadlinePassed, at once where no time is left."""
        left = self._ends - self._clock()
        if left <= 0:
            raise DeadlinePassed("no time was left to ask")
        worker = self._free_worker()
        answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        worker.jobs.put((read, answers))
        try:
            value, error = answers.get(timeout=left)
        except Empty:
            self._abandon(worker)
            raise DeadlinePassed(f"no answer within {left * 1000:.0f} ms") from None
        if error is not None:
            raise error
        result: Answer = value
        return result

    def _free_worker(self) -> _Worker:
        self._abandoned = [one for one in self._abandoned if one.thread.is_alive()]
        if len(self._abandoned) >= MAX_ABANDONED:
            raise DeadlinePassed(f"{MAX_ABANDONED} reads before it still hang")
        if self._worker is None:
            self._worker = _Worker()
        return self._worker

    def _abandon(self, worker: _Worker) -> None:
        worker.jobs.put(None)
        self._abandoned.append(worker)
        self._worker = None


class _Worker:
    """A thread that does one job after the other; None ends it. It doesn't keep the process alive."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="read-recommendations", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while (job := self.jobs.get()) is not None:
            read, answers = job
            try:
                answers.put((read(), None))
            except BaseException as error:  # the caller raises it
                answers.put((None, error))
