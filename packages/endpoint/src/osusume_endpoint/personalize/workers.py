"""Child processes for heavy work: training, imports and batch jobs never share the endpoint's GIL or memory.

A worker is started when needed, reads one JSON job a line on its standard input and answers one JSON line. It
ends when its standard input closes (the endpoint died), after an idle while, or when a job left it large.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from osusume_endpoint.personalize.errors import JobFailure


class WorkerDied(Exception):
    """The process ended without an answer (killed, out of memory)."""


# Told of each job that a process is given: fault injection.
watchers: list[Callable[[Worker, str], None]] = []


class Worker:
    """One lane of child processes: one job at a time, others wait for their turn."""

    def __init__(self, *, name: str, log: Path) -> None:
        self._log = log / f"personalize-{name}.log"
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._job: str | None = None
        self._cancelled: set[str] = set()
        self._closed = False

    def run(self, job: str, action: str, **arguments: Any) -> dict[str, Any]:
        """The answer of the job. Raises JobFailure with its reason, WorkerDied when killed."""
        with self._turn:
            if job in self._cancelled or self._closed:
                self._cancelled.discard(job)
                raise WorkerDied
            process = self._started()
            self._job = job
            try:
                for watch in watchers:
                    watch(self, action)
                return _ask(process, {"action": action, **arguments})
            finally:
                self._job = None

    def cancel(self, job: str) -> None:
        """Ends the job wherever it is: waiting for its turn or running."""
        if self._job == job:
            self.kill()
        else:
            self._cancelled.add(job)

    def close(self) -> None:
        self._closed = True
        self.kill()

    def kill(self) -> bool:
        """False: no process was at work."""
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.kill()
        process.wait()
        return True

    def _started(self) -> subprocess.Popen[str]:
        if self._process is not None and _alive(self._process):
            return self._process
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "osusume_endpoint.personalize.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        return self._process


def _alive(process: subprocess.Popen[str]) -> bool:
    """A worker that retired has closed its standard output already, but may not have ended yet."""
    if process.poll() is not None:
        return False
    try:
        return json.loads(_exchange(process, {"action": "ping"}) or "{}").get("ok") is not None
    except (OSError, ValueError):
        return False


def _exchange(process: subprocess.Popen[str], job: dict[str, Any]) -> str:
    stdin, stdout = _pipes(process)
    stdin.write(json.dumps(job) + "\n")
    stdin.flush()
    return stdout.readline()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise WorkerDied
    return process.stdin, process.stdout


def _ask(process: subprocess.Popen[str], job: dict[str, Any]) -> dict[str, Any]:
    try:
        line = _exchange(process, job)
    except OSError:
        raise WorkerDied from None
    if not line:
        raise WorkerDied
    answer = json.loads(line)
    if "failure" in answer:
        raise JobFailure(answer["failure"])
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return dict(answer["ok"])
