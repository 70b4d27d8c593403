"""Lambda on processes of this machine, in place of ministack's Python worker."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from zipfile import BadZipFile

from osusume_endpoint import replacements
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError
from osusume_endpoint.lambda_ import invocation_rights, table_streams
from osusume_endpoint.replacements import replaces

log = logging.getLogger("osusume.lambda")

Reply = dict[str, Any]

# Processes per function: AWS would start hundreds, which a laptop can't hold.
MAX_WORKERS = max(4, 2 * (os.cpu_count() or 1))
WAIT_SECONDS = 60.0


def install(endpoint: Endpoint) -> None:
    replacements.apply(__name__)
    invocation_rights.install(endpoint)
    table_streams.install()


@replaces("ministack.core.lambda_runtime:_worker_class_for", takes="config")
def _python_worker(inner: Callable[[Reply], type]) -> Callable[[Reply], type]:
    from osusume_endpoint.lambda_.worker import PythonWorker

    def worker_class_for(config: Reply) -> type:
        return PythonWorker if str(config.get("Runtime", "")).startswith("python") else inner(config)

    return worker_class_for


@replaces("ministack.services.lambda_svc:_execute_function_warm", takes="func, event, request_id")
def _executing(inner: Callable[..., Reply]) -> Callable[..., Reply]:
    """Invokes a worker of the pool; for Python, with the errors that Lambda answers."""

    def execute(function: Reply, event: Any, request_id: str) -> Reply:
        config = function.get("config") or function
        if not str(config.get("Runtime", "")).startswith("python") or not function.get("code_zip"):
            return inner(function, event, request_id)
        try:
            with leased_worker(config, function["code_zip"]) as worker:
                return _answer(worker.invoke(event, request_id, **_details(config)))
        except ApiError as error:
            return _failed(error.code, error.message)
        except (OSError, RuntimeError, BadZipFile) as error:
            log.exception("%s did not start", config["FunctionName"])
            return _failed("Runtime.StartError", f"{type(error).__name__}: {error}")

    return execute


@contextmanager
def leased_worker(config: Reply, code: bytes) -> Iterator[Any]:
    """A free execution environment; past MAX_WORKERS of one function, calls wait for one."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    lambda_svc._ensure_reaper_thread()
    version = config.get("Version", "$LATEST")
    deadline = time.monotonic() + float(config.get("Timeout", 3)) + WAIT_SECONDS
    worker = None
    while worker is None:
        worker, _ = lambda_runtime.acquire_worker(
            config["FunctionName"], config, code, qualifier=version, max_concurrency=MAX_WORKERS
        )
        if worker is None:
            if time.monotonic() > deadline:
                raise ApiError("TooManyRequestsException", f"{MAX_WORKERS} invocations run already", 429)
            time.sleep(0.005)
    try:
        yield worker
    finally:
        lambda_runtime.release_worker(worker)


def _details(config: Reply) -> Reply:
    from ministack.services import lambda_svc

    return {
        "trace_id": lambda_svc._xray_trace_id_for_invocation(config),
        "invoked_function_arn": config.get("FunctionArn", ""),
    }


def _failed(kind: str, message: str) -> Reply:
    return {"error": True, "log": "", "body": {"errorType": kind, "errorMessage": message}}


def _answer(reply: Reply) -> Reply:
    if reply["status"] == "ok":
        return {"body": reply["result"], "log": reply["log"]}
    return {"body": reply["body"], "error": True, "log": reply["log"]}
