"""Spark workers: one warm, single-use process waits; another is prepared once a job has ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a worker may inherit: credentials, proxies and Python settings of the shell must not leak in.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "OSUSUME_SPARK_MEMORY", "OPENBLAS_CORETYPE")


@dataclass
class Worker:
    process: subprocess.Popen[bytes]
    scratch: Path
    log: Path
    python: str  # the interpreter that it is
    _reports: Any  # text file: JSON lines from the worker

    def wait_ready(self) -> bool:
        """Blocks until the session is up; False when the worker died first."""
        return self._report() is not None

    def give(self, order: Mapping[str, Any], *, log: Path) -> None:
        """Raises BrokenPipeError when the worker died while it waited."""
        # The worker and its JVM hold the file open: renaming keeps one log per run, start included.
        self.log = self.log.rename(log)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()

    def result(self) -> dict[str, str] | None:
        """Blocks until the script ended; None when the worker was killed or crashed."""
        return self._report()

    def _report(self) -> dict[str, Any] | None:
        line = self._reports.readline()
        return json.loads(line) if line.endswith("\n") else None

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        self.process.wait()
        if self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self._reports.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def spawn(*, logs: Path, scratch: Path, conf: Mapping[str, str], warm: bool, python: str) -> Worker:
    """`python` has the Spark that the job wants (runtimes.py).

    `warm`: also run a small query first, which pays when nobody waits for the worker yet."""
    logs.mkdir(parents=True, exist_ok=True)
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="worker-", dir=scratch))
    log = logs / f"{folder.name}.log"
    reports, report_end = os.pipe()
    settings = json.dumps({"conf": dict(conf), "warm": warm})
    command = [python, "-m", "osusume_endpoint.glue.runner", str(folder), str(report_end), settings]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=(report_end,),
            start_new_session=True,
            cwd=folder,
            env=_environment(),
        )
    os.close(report_end)
    return Worker(process=process, scratch=folder, log=log, python=python, _reports=os.fdopen(reports))


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONUNBUFFERED": "1", "AWS_EC2_METADATA_DISABLED": "true"}


class Pool:
    """At most `slots` jobs run at a time (each may use the heap of jvm.memory()); others wait for a slot."""

    def __init__(self, *, home: Path, slots: int = 2) -> None:
        self._logs = home / "log" / "glue"
        self._scratch = home / "glue"
        self._slots = threading.Semaphore(slots)
        self._lock = threading.Lock()
        self._warm: Worker | None = None
        self._closed = False
        shutil.rmtree(self._scratch, ignore_errors=True)

    def prepare(self, python: str) -> None:
        """Have a warm worker of this interpreter, without waiting for it; one of another makes room."""
        with self._lock:
            if self._closed or self._waits(python):
                return
            if self._warm:
                self._warm.close()
            self._warm = self._spawn({}, warm=True, python=python)

    def _waits(self, python: str) -> bool:
        warm = self._warm
        return warm is not None and warm.python == python and warm.process.poll() is None

    @contextlib.contextmanager
    def worker(self, *, conf: Mapping[str, str], python: str) -> Any:
        """A ready worker for one job. Static Spark settings need a JVM of their own."""
        with self._slots:
            worker = self._take(conf, python)
            try:
                yield worker
            finally:
                worker.close()
        self.prepare(python)

    def _take(self, conf: Mapping[str, str], python: str) -> Worker:
        with self._lock:
            warm = None
            if not conf and self._warm and self._warm.python == python:
                warm, self._warm = self._warm, None
        if warm is not None:
            if warm.wait_ready():
                return warm
            warm.close()
        worker = self._spawn(conf, warm=False, python=python)
        if not worker.wait_ready():
            worker.close()
            raise WorkerFailed(f"The Spark worker ended before it was ready: see {worker.log}")
        return worker

    def _spawn(self, conf: Mapping[str, str], *, warm: bool, python: str) -> Worker:
        return spawn(logs=self._logs, scratch=self._scratch, conf=conf, warm=warm, python=python)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._warm:
                self._warm.close()
                self._warm = None


class WorkerFailed(RuntimeError):
    """No Spark worker could be started."""
