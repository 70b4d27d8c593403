"""Kills processes of the endpoint: a function's execution environment, a job's Spark, PostgreSQL."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from osusume_endpoint import endpoint as endpoints
from osusume_endpoint import postgres, requests
from osusume_endpoint.faults.injector import Injector, Subject
from osusume_endpoint.faults.plan import Kill

if TYPE_CHECKING:
    from osusume_endpoint.glue.runs import Execution
    from osusume_endpoint.lambda_.worker import PythonWorker

log = logging.getLogger("osusume.faults")

_workers: dict[str, PythonWorker] = {}  # by the access key that the process has
_jobs: dict[str, Execution] = {}  # by the name of the job's role session


def invoked(injector: Injector | None, worker: PythonWorker) -> None:
    """A function took an event."""
    for key in [key for key, known in _workers.items() if known is worker]:
        del _workers[key]  # of a process before this one
    _workers[worker.access_key] = worker
    if injector:
        target = f"lambda:{worker.func_name}"
        _carry_out(injector, injector.kills_on("", target=target), worker.kill)


def began(injector: Injector | None, execution: Execution) -> None:
    """A job's script was given to Spark."""
    for name in [name for name, known in _jobs.items() if known.worker is None]:
        del _jobs[name]
    _jobs[execution.session_name] = execution
    if injector:
        target = f"glue:{execution.job['Name']}"
        _carry_out(injector, injector.kills_on("", target=target), execution.kill)


def called(injector: Injector, subject: Subject) -> None:
    """A call came in; whoever made it may die of it, before it is done."""
    happened = f"{subject.service}:{subject.operation}"
    target, end = _maker(subject)
    _carry_out(injector, injector.kills_on(happened, target=target, caller=subject.caller), end)


def _maker(subject: Subject) -> tuple[str, Callable[[], bool]]:
    if execution := _jobs.get(subject.session):
        return f"glue:{execution.job['Name']}", execution.kill
    if worker := _workers.get(requests.current().access_key):
        return f"lambda:{worker.func_name}", worker.kill
    return "", lambda: False


def _carry_out(injector: Injector, kills: list[Kill], end: Callable[[], bool]) -> None:
    for kill in kills:

        def act(kill: Kill = kill) -> None:
            log.warning("killing %s", kill.target)
            if not (kill_postgres(kill.restart_seconds) if kill.of == "postgres" else end()):
                injector.withdraw(kill)

        if kill.seconds:
            _later(kill.seconds, act)
        else:
            act()


def _later(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def kill_postgres(restart_seconds: float) -> bool:
    """Ends PostgreSQL like a crash, nothing saved. It comes back on its port, as Aurora's and Redshift's nodes do."""
    home = endpoints.current().home
    server = postgres.ensure(home)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    _later(restart_seconds, lambda: restart_postgres(server))
    return True


def restart_postgres(server: postgres.Server) -> None:
    try:
        # The plug-ins hold this object: it gets the new process.
        server.process = postgres.start(home=endpoints.current().home).process
    except postgres.PostgresFailed:
        log.exception("PostgreSQL did not come back")
