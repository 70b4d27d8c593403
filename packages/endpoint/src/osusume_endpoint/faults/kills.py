"""Kills processes: a function's execution environment, a job's Spark, a training, PostgreSQL, the whole endpoint."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from osusume_endpoint import endpoint as endpoints
from osusume_endpoint import postgres, requests
from osusume_endpoint.faults.injector import Injector, Subject
from osusume_endpoint.faults.plan import Kill

if TYPE_CHECKING:
    from osusume_endpoint.glue.runs import Execution
    from osusume_endpoint.lambda_.worker import PythonWorker
    from osusume_endpoint.personalize.workers import Worker

log = logging.getLogger("osusume.faults")
BACK_SECONDS = 30.0  # within which a killed PostgreSQL answers again
LAST_REPORT = "faults.json"  # in the state folder: what had fired when the endpoint was killed

_entering = threading.Lock()
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


def took(injector: Injector | None, worker: Worker, task: str) -> None:
    """A child process of Personalize is given a task."""
    if injector:
        _carry_out(injector, injector.kills_on("", target=f"training:{task}"), worker.kill)


def entered(injector: Injector | None, workflow: str, state: str) -> None:
    """A workflow entered a state, and waits there until what dies is up again after an earlier kill."""
    kills = injector.entered(workflow, state) if injector else []
    if injector and kills:
        with _entering:  # of two branches that kill PostgreSQL, the second waits until it is back
            if any(kill.of == "postgres" for kill in kills):
                _await_postgres()
            _carry_out(injector, kills, lambda: False)


def _await_postgres() -> None:
    deadline = time.monotonic() + BACK_SECONDS
    while time.monotonic() < deadline:
        server = postgres.known(endpoints.current().home)
        if server is None or server.alive:
            return
        time.sleep(0.05)


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
    ended: dict[str, bool] = {}  # two kills of one moment are one death
    for kill in kills:
        if kill.seconds:
            _later(kill.seconds, partial(_kill_later, injector, kill, end))
            continue
        if kill.of not in ended:
            ended[kill.of] = _kill(injector, kill, end)
        if not ended[kill.of]:
            injector.withdraw(kill)


def _kill_later(injector: Injector, kill: Kill, end: Callable[[], bool]) -> None:
    if not _kill(injector, kill, end):
        injector.withdraw(kill)


def _kill(injector: Injector, kill: Kill, end: Callable[[], bool]) -> bool:
    """False: there was nothing left to kill."""
    log.warning("killing %s", kill.target)
    if kill.of == "endpoint":
        kill_endpoint(injector)
    return kill_postgres(kill.restart_seconds) if kill.of == "postgres" else end()


def _later(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def kill_endpoint(injector: Injector) -> None:
    """This process ends like one that the machine's power left; whoever started it starts it again."""
    file = endpoints.current().home / LAST_REPORT
    file.write_text(json.dumps(injector.report()))
    os.kill(os.getpid(), signal.SIGKILL)


def kill_postgres(restart_seconds: float) -> bool:
    """Ends PostgreSQL like a crash, nothing saved. It comes back on its port, as Aurora's and Redshift's nodes do.

    False: it was down already.
    """
    home = endpoints.current().home
    server = postgres.known(home)
    if server is None or not server.alive:
        return False
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    _later(restart_seconds, lambda: restart_postgres(server))
    return True


def restart_postgres(server: postgres.Server) -> None:
    """It may take some attempts: what is left of the killed one holds its port for a while."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        try:
            # The plug-ins hold this object: it gets the new process.
            server.process = postgres.start(home=endpoints.current().home).process
            return
        except postgres.PostgresFailed:
            if time.monotonic() > deadline:
                log.exception("PostgreSQL did not come back")
                return
