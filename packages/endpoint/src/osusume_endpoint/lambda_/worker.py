"""One execution environment of a Python function: a process with the role's credentials, kept warm."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime

from osusume_endpoint import endpoint as endpoints
from osusume_endpoint import paths, permissions, processes
from osusume_endpoint.lambda_ import archive, environment
from osusume_endpoint.lambda_.bootstrap import END_OF_LOG
from osusume_endpoint.network import placed, policies

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
SERVICE = "lambda.amazonaws.com"
INIT_SECONDS = 10.0  # Lambda's limit of the init phase; here added to the first invocation's timeout

Reply = dict[str, Any]

# Each is told of a process that was just given an event.
watchers: list[Callable[[PythonWorker], None]] = []


class PythonWorker(lambda_runtime.Worker):
    """Takes the place of ministack's worker in its pool."""

    _proc: Any
    _tmpdir: str | None
    _stderr_queue: queue.Queue[str | None]
    access_key: str = ""  # of the process that runs now

    def _spawn(self) -> None:
        endpoint = endpoints.current()
        credentials = permissions.role_session(
            endpoint,
            self.config["Role"],
            session_name=self.func_name,
            service=SERVICE,
            source_arn=self.config.get("FunctionArn"),
        )
        self.access_key = credentials.access_key
        policies.settle(credentials, placed.of_function(self.config))
        folder = endpoint.home / "lambda"
        code = archive.unpack(self.code_zip, folder=folder / "code")
        layers = [archive.unpack(z, folder=folder / "layers", layer=True) for z in self._layer_zips()]
        self._discard_tmpdir()
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        self._tmpdir = tempfile.mkdtemp(prefix=f"{paths.component(self.func_name)[:64]}-", dir=folder / "tmp")
        variables = environment.variables(
            self.config, endpoint=endpoint, credentials=credentials, code=code, temporary=Path(self._tmpdir)
        )
        self._start(variables, code=code, paths=archive.import_paths(code=code, layers=layers))

    def _layer_zips(self) -> list[bytes]:
        from ministack.services.lambda_svc import _resolve_layer_zip

        found = []
        for layer in self.config.get("Layers") or []:
            content = _resolve_layer_zip(layer)
            if not content:
                arn = layer if isinstance(layer, str) else layer.get("Arn")
                raise RuntimeError(f"The layer {arn} of {self.func_name} does not exist")
            found.append(content)
        return found

    def _start(self, variables: dict[str, str], *, code: Path, paths: list[str]) -> None:
        results, results_writer = os.pipe()
        variables |= {
            "OSUSUME_LOCAL_RESULTS": str(results_writer),
            "OSUSUME_LOCAL_PATHS": json.dumps(paths),
        }
        try:
            self._proc = processes.spawn(
                [sys.executable, "-I", str(BOOTSTRAP)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[results_writer],
                env=variables,
                cwd=code,
            )
        finally:
            os.close(results_writer)
        self._results = os.fdopen(results, "rb", buffering=0)
        self._buffer = b""
        self._stderr_queue = queue.Queue()
        threading.Thread(target=self._collect_log, args=(self._proc, self._stderr_queue), daemon=True).start()
        self._cold = True

    @staticmethod
    def _collect_log(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in process.stdout or ():
                lines.put(line.decode(errors="replace").rstrip("\n"))
        lines.put(None)

    def invoke(self, event: Any, request_id: str, **details: Any) -> Reply:
        """{"status": "ok", "result"} or {"status": "error", "body"}, each with "log" and "cold_start"."""
        with self._lock:
            cold = self._proc is None or self._proc.poll() is not None
            if cold:
                self._spawn()
            timeout = float(self.config.get("Timeout", 3))
            deadline = time.time() + timeout + (INIT_SECONDS if cold else 0)
            invocation = {
                "event": event,
                "request_id": request_id,
                "trace_id": details.get("trace_id"),
                "function_arn": details.get("invoked_function_arn") or self.config.get("FunctionArn", ""),
                "deadline": deadline,
            }
            return self._exchange(invocation, timeout=timeout, deadline=deadline) | {"cold_start": cold}

    def _exchange(self, invocation: dict[str, Any], *, timeout: float, deadline: float) -> Reply:
        process = self._proc
        try:
            process.stdin.write(json.dumps(invocation).encode() + b"\n")
            process.stdin.flush()
            for watch in watchers:
                watch(self)
            answer = self._read_line(deadline)
        except TimeoutError:
            self._end()
            return self._failed("Sandbox.Timedout", _timed_out(invocation["request_id"], timeout))
        except OSError:
            answer = b""
        if not answer:
            return self._exited(process, invocation["request_id"])
        reply = json.loads(answer)
        log = self._log_of_invocation()
        if "error" in reply:
            return {"status": "error", "body": reply["error"], "log": log}
        return {"status": "ok", "result": reply["result"], "log": log}

    def _read_line(self, deadline: float) -> bytes:
        while b"\n" not in self._buffer:
            if not processes.readable(self._results, seconds=deadline - time.time()):
                raise TimeoutError
            chunk = self._results.read(1 << 20)
            if not chunk:
                return b""
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _exited(self, process: subprocess.Popen[bytes], request_id: str) -> Reply:
        status = process.wait(timeout=5)
        how = f"signal: {_signal_name(-status)}" if status < 0 else f"exit status {status}"
        self._proc = None
        return self._failed(
            "Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {how}"
        )

    def _failed(self, kind: str, message: str) -> Reply:
        body = {"errorType": kind, "errorMessage": message}
        return {"status": "error", "body": body, "log": "\n".join([self._log_so_far(), message])}

    def _log_of_invocation(self) -> str:
        lines: list[str] = []
        while (line := self._stderr_queue.get(timeout=5)) is not None:
            if line.endswith(END_OF_LOG):
                before = line.removesuffix(END_OF_LOG)
                lines += [before] if before else []
                break
            lines.append(line)
        return "\n".join(lines)

    def _log_so_far(self) -> str:
        lines: list[str] = []
        with contextlib.suppress(queue.Empty):
            while (line := self._stderr_queue.get(timeout=0.2)) is not None:
                lines.append(line)
        return "\n".join(lines)

    def kill(self) -> bool:
        """Ends the process from another thread: the invocation fails with Runtime.ExitError. False: nothing runs."""
        process = self._proc
        if process is None or process.poll() is not None:
            return False
        process.kill()
        return True

    def _end(self) -> None:
        process, self._proc = self._proc, None
        process.kill()
        process.wait(timeout=5)

    def _discard_tmpdir(self) -> None:
        if self._tmpdir:
            shutil.rmtree(self._tmpdir, ignore_errors=True)
            self._tmpdir = None


def _timed_out(request_id: str, timeout: float) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    return f"{moment}Z {request_id} Task timed out after {timeout:.2f} seconds"


def _signal_name(number: int) -> str:
    """The signal in Lambda's words: 9 is "killed"."""
    return (signal.strsignal(number) or str(number)).lower()
