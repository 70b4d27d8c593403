"""The child process of `bounded`: evaluates one job after another until its standard input closes."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from osusume_endpoint.stepfunctions import jsonata_library, jsonpath
from osusume_endpoint.stepfunctions.bounded import LENGTH, Limits, send

JOBS: Mapping[str, Callable[..., Any]] = {
    "parse": jsonata_library.parse,
    "evaluate": jsonata_library.evaluate,
    "jsonpath": lambda *, text, document: jsonpath.parse(text).find(document),
}
# Past this the kernel ends the process: a match of a regular expression hears no signal.
GRACE_SECONDS = 1


class OutOfTime(BaseException):
    """No Exception, so that no handler of an evaluator takes it for an error of the expression."""


def main(arguments: list[str]) -> None:
    limits = Limits(*map(int, arguments))
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer
    _bound_memory(limits)
    signal.signal(signal.SIGPROF, _interrupt)
    while job := _next_job(sys.stdin.buffer):
        answer = _answer(job, limits)
        send(answers, answer)
        if answer.startswith(b'{"limit"'):
            return  # what is left in memory is nobody's


def _interrupt(signum: int, frame: Any) -> None:
    raise OutOfTime


def _bound_memory(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    except (ValueError, OSError):
        return  # macOS has no such limit: there the processor seconds bound what can be filled


def _next_job(source: IO[bytes]) -> bytes:
    header = source.read(LENGTH.size)
    return source.read(LENGTH.unpack(header)[0]) if len(header) == LENGTH.size else b""


def _answer(job: bytes, limits: Limits) -> bytes:
    """JSON of {"value": ...}, {"error": its message} or {"limit": which}."""
    _start_clock(limits)
    try:
        answer = _encoded(_run(job))
    except OutOfTime:
        return _limit(f"it took more than {limits.seconds} seconds of processor time")
    except RecursionError:
        return _limit("it nests too deeply")
    except MemoryError:
        return _limit("it needs more memory than it may have")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return answer if len(answer) <= limits.answer else _limit(f"its value has {len(answer)} bytes")


def _start_clock(limits: Limits) -> None:
    signal.setitimer(signal.ITIMER_PROF, limits.seconds)
    last = int(time.process_time()) + limits.seconds + GRACE_SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (last, resource.RLIM_INFINITY))


def _run(job: bytes) -> dict[str, Any]:
    options = json.loads(job.decode("utf-8", "surrogatepass"))
    try:
        return {"value": JOBS[options.pop("kind")](**options)}
    except (RecursionError, MemoryError):
        raise
    except Exception as error:
        return {"error": jsonata_library.message(error)}


def _encoded(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


def _limit(what: str) -> bytes:
    return _encoded({"limit": what})


if __name__ == "__main__":
    main(sys.argv[1:])
