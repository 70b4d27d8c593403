"""The server's process: started beside an endpoint, ended with it, and where it is found."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from local.repository import REPOSITORY
from osusume_endpoint import processes, state

PORT = 4580  # beside an endpoint on its own default port; elsewhere any free one
START_SECONDS = 60.0
FILE, LOG = "storefront.json", "storefront.log"


@dataclass(frozen=True)
class Running:
    """`token` opens the pages' data: the file is for its user alone."""

    pid: int
    environment: str
    port: int
    token: str

    @property
    def addresses(self) -> tuple[str, str]:
        """The storefront's and the console's."""
        base = f"http://127.0.0.1:{self.port}"
        return f"{base}/#token={self.token}", f"{base}/console#token={self.token}"


class NotStarted(RuntimeError):
    """The server did not come up; the message holds the end of its log."""


def wanted(home: Path, endpoint_port: int) -> tuple[int, str]:
    """(port, token): those of the server before, so that an open page goes on; 0 means any free port."""
    if before := _read(home):
        return before.port, before.token
    return (PORT if endpoint_port == state.DEFAULT_PORT else 0), secrets.token_urlsafe(24)


def save(home: Path, running: Running) -> None:
    file = home / FILE
    new = file.with_suffix(".new")
    new.write_text(json.dumps(dataclasses.asdict(running)))
    new.replace(file)


def found(home: Path) -> Running | None:
    """The server that runs; None when there is none."""
    running = _read(home)
    return running if running and processes.is_alive(running.pid) else None


def _read(home: Path) -> Running | None:
    try:
        return Running(**json.loads((home / FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def start(home: Path, environment: str) -> Running:
    """A server that knows the configuration as it is; the one before ends. Raises NotStarted."""
    if before := found(home):
        processes.terminate(before.pid)
    command = [sys.executable, "-m", "local.storefront", "--environment", environment]
    given = {**os.environ, "OSUSUME_HOME": str(home)}
    given["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), given.get("PYTHONPATH", "")]))
    log = home / "log" / LOG
    pid = processes.start_detached(command, log=log, environment=given)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and processes.is_alive(pid):
        if (started := found(home)) and started.pid == pid:
            return started
        time.sleep(0.05)
    processes.terminate(pid)
    raise NotStarted(f"The storefront did not start; the end of {log}:\n{_tail(log)}")


def stop(home: Path) -> None:
    if running := found(home):
        processes.terminate(running.pid)
    (home / FILE).unlink(missing_ok=True)


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
