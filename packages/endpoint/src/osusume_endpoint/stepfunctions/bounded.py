"""Expressions of state machines run in child processes that the kernel stops: nothing in a request can spin here.

A child answers one job at a time, in JSON, and may use so much processor time and memory per job. A job that
takes more ends with LimitExceeded, and the child with it where it could not be interrupted (a regular
expression in the middle of a match). AWS publishes no such limits; a state machine there is bounded too.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from osusume_endpoint import processes
from osusume_endpoint.stepfunctions.payloads import dumps

_ROOT = Path(__file__).resolve().parents[2]
LENGTH = struct.Struct("!Q")


class LimitExceeded(Exception):
    """The job needed more time, memory or output than one expression may have; the text says which."""


class WorkerFailed(Exception):
    """The job failed for a reason of its own; the text is that reason."""


@dataclass(frozen=True)
class Limits:
    """What one expression may use: processor seconds, bytes of memory, bytes of its value as JSON."""

    seconds: int = 5
    memory: int = 512 * 2**20
    answer: int = 16 * 2**20

    @property
    def wall_seconds(self) -> float:
        """Seconds after which even a machine with much else to do must have answered."""
        return 12.0 * self.seconds


class Worker:
    """One child process."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        command = [sys.executable, "-m", "osusume_endpoint.stepfunctions.bounded_worker"]
        numbers = (limits.seconds, limits.memory, limits.answer)
        self.process = processes.spawn(
            [*command, *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env=_environment(),
            bufsize=0,
        )

    def ask(self, job: bytes) -> dict[str, Any]:
        """Raises OSError when somebody killed the child, LimitExceeded when it had to be stopped."""
        send(_pipe(self.process.stdin), job)
        deadline = time.monotonic() + self.limits.wall_seconds
        try:
            (length,) = LENGTH.unpack(self._read(LENGTH.size, deadline))
            answer: dict[str, Any] = json.loads(self._read(length, deadline))
        except EOFError:
            raise self._end() from None
        return answer

    def _read(self, size: int, deadline: float) -> bytes:
        found, source = bytearray(), _pipe(self.process.stdout).fileno()
        waiting = select.poll()
        waiting.register(source, select.POLLIN)
        while len(found) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not waiting.poll(left * 1000):
                raise LimitExceeded(f"it took more than {self.limits.wall_seconds:.0f} seconds")
            part = os.read(source, min(size - len(found), 2**20))
            if not part:
                raise EOFError
            found += part
        return bytes(found)

    def _end(self) -> Exception:
        status = self.process.wait()
        if status == -signal.SIGKILL:
            return ConnectionResetError("somebody killed the child")
        if status == -signal.SIGXCPU:
            return LimitExceeded(f"it took more than {self.limits.seconds} seconds of processor time")
        return LimitExceeded("it nests too deeply, or needs more memory than it may have")

    def end(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        self.process.wait()


def _environment() -> dict[str, str]:
    """No keys, no proxies: only what Python needs to start and to speak UTF-8."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return {**kept, "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise BrokenPipeError
    return pipe


def send(pipe: IO[bytes], data: bytes) -> None:
    """Writes a message: its length in eight bytes, then its bytes."""
    view = memoryview(LENGTH.pack(len(data)) + data)
    while view:
        view = view[pipe.write(view) :]


class Pool:
    """A pool of at most `most` children, so that slow expressions of some requests leave room for others."""

    def __init__(self, *, limits: Limits, most: int = 4) -> None:
        self.limits = limits
        self.idle: list[Worker] = []
        self.room = most
        self.changed = threading.Condition()

    def run(self, **job: Any) -> Any:
        """The `value` of the answer. Raises LimitExceeded, or WorkerFailed with the worker's message."""
        data = dumps(job).encode("utf-8", "surrogatepass")
        answer = self._answered(data)
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer["value"]

    def _answered(self, data: bytes, *, attempts: int = 3) -> dict[str, Any]:
        try:
            with self._borrowed() as worker:
                answer = worker.ask(data)
                if "limit" in answer:
                    raise LimitExceeded(answer["limit"])
                return answer
        except OSError:
            # Somebody killed it, idle or at work: the job may have had no part in that.
            if attempts > 1:
                return self._answered(data, attempts=attempts - 1)
            raise LimitExceeded("its process was killed again and again") from None

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[Worker]:
        worker = self._take()
        try:
            yield worker
        except BaseException:
            worker.end()
            self._give(None)
            raise
        self._give(worker)

    def _take(self) -> Worker:
        with self.changed:
            self.changed.wait_for(lambda: self.idle or self.room)
            while self.idle:
                worker = self.idle.pop()
                if worker.process.poll() is None:
                    return worker
                worker.end()
                self.room += 1
            self.room -= 1
        return self._started()

    def _started(self) -> Worker:
        try:
            return Worker(self.limits)
        except BaseException:
            self._give(None)
            raise

    def _give(self, worker: Worker | None) -> None:
        with self.changed:
            if worker is None:
                self.room += 1
            else:
                self.idle.append(worker)
            self.changed.notify()

    def close(self) -> None:
        with self.changed:
            ended, self.idle = self.idle, []
            self.room += len(ended)
        for worker in ended:
            worker.end()


@functools.cache
def pool() -> Pool:
    """The process's own; its children end with the process."""
    return Pool(limits=Limits())
