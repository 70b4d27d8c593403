"""Runs inside a function's process: the Python runtime of Lambda. Stands alone (it is run by path, isolated).

Protocol: one JSON line in (the invocation), one JSON line out on the descriptor $OSUSUME_LOCAL_RESULTS; what
the function writes to stdout and stderr is its log, ended per invocation by a line of END_OF_LOG.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

END_OF_LOG = "\x1eosusume-end-of-log"
MAX_RESPONSE = 6_291_556  # bytes

Reply = dict[str, Any]


class Context:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, invocation: dict[str, Any]) -> None:
        self.aws_request_id = invocation["request_id"]
        self.invoked_function_arn = invocation["function_arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self.tenant_id = None
        self._deadline = invocation["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.time()) * 1000))


class LogHandler(logging.Handler):
    """Lambda's text format: [LEVEL]<tab>time<tab>request<tab>message."""

    request_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        stamp = f"{moment}.{int(record.msecs):03d}Z"
        sys.stdout.write(f"[{record.levelname}]\t{stamp}\t{self.request_id}\t{self.format(record)}\n")


def failure(kind: str, message: str, error: BaseException | None = None) -> Reply:
    trace = traceback.format_tb(error.__traceback__)[1:] if error else []
    return {"error": {"errorMessage": message, "errorType": kind, "stackTrace": trace}}


def load(handler: str) -> Callable[[Any, Context], Any] | Reply:
    module_name, _, function_name = handler.replace("/", ".").rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        return failure(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}", error
        )
    except SyntaxError as error:
        return failure(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", error
        )
    except Exception as error:
        return failure(type(error).__name__, str(error), error)
    if not hasattr(module, function_name):
        missing = f"Handler '{function_name}' missing on module '{module_name}'"
        return failure("Runtime.HandlerNotFound", missing)
    return getattr(module, function_name)


def invoke(function: Callable[[Any, Context], Any], invocation: dict[str, Any]) -> Reply:
    try:
        result = function(invocation["event"], Context(invocation))
    except Exception as error:
        report(error)
        return failure(type(error).__name__, str(error), error)
    if isinstance(result, bytes):
        result = body_of(result)
    try:
        body = json.dumps(result, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        return failure("Runtime.MarshalError", f"Unable to marshal response: {error}", error)
    size = len(body.encode())
    if size > MAX_RESPONSE:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
        return failure("Function.ResponseSizeTooLarge", message)
    return {"result": result}


def body_of(raw: bytes) -> Any:
    """Bytes are the answer's body as they are (recorded in localstack's test_invoke_bytes_payload)."""
    text = raw.decode()
    try:
        return json.loads(text)
    except ValueError:
        return text


def report(error: Exception) -> None:
    lines = "".join(traceback.format_exception(error)[2:] or traceback.format_exception(error))
    print(f"[ERROR] {type(error).__name__}: {error}\nTraceback (most recent call last):\n{lines}", flush=True)


def main() -> None:
    os.umask(0o077)
    results = os.fdopen(int(os.environ.pop("OSUSUME_LOCAL_RESULTS")), "w")
    paths = json.loads(os.environ.pop("OSUSUME_LOCAL_PATHS"))
    sys.path[:0] = paths
    handler = LogHandler()
    logging.getLogger().addHandler(handler)
    function = load(os.environ["_HANDLER"])
    for line in sys.stdin:
        invocation = json.loads(line)
        handler.request_id = invocation["request_id"]
        if invocation.get("trace_id"):
            os.environ["_X_AMZN_TRACE_ID"] = invocation["trace_id"]
        reply = function if isinstance(function, dict) else invoke(function, invocation)
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(2, f"{END_OF_LOG}\n".encode())
        results.write(json.dumps(reply) + "\n")
        results.flush()
        if isinstance(function, dict):
            return


if __name__ == "__main__":
    main()
