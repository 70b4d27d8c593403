"""The child process of workers.py: `python -m osusume_endpoint.personalize.worker`."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import traceback
from typing import Any

from osusume_endpoint import processes

IDLE_SECONDS = 120
# A process that grew beyond this ends after its answer, which gives the memory back.
RETIRE_KILOBYTES = 700_000


def answer(line: str) -> dict[str, Any]:
    job = json.loads(line)
    if job["action"] == "ping":
        return {"ok": {}}
    from osusume_endpoint.personalize import tasks
    from osusume_endpoint.personalize.errors import JobFailure

    try:
        return {"ok": tasks.TASKS[job["action"]](job)}
    except JobFailure as failure:
        return {"failure": str(failure)}
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    # A job under way would not notice that standard input closed.
    processes.die_with_parent(signal.SIGKILL)
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        print(json.dumps(answer(line)), file=answers, flush=True)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > RETIRE_KILOBYTES:
            return


if __name__ == "__main__":
    main()
