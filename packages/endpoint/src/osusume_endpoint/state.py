"""What the local runtime remembers between commands: <home>/state.json, and where things lie below <home>."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from osusume_endpoint import lodging, private, processes

DEFAULT_PORT = 4566


class NotRunning(RuntimeError):
    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(f"No local endpoint runs for {home}: start one with `make up` (python -m local up)")


@dataclass(frozen=True)
class State:
    pid: int  # the supervisor: ending it ends everything
    server_pid: int
    port: int
    url: str
    region: str
    account: str
    environment: str = ""
    started: str = ""


def home() -> Path:
    """The state folder: $OSUSUME_HOME, or .local in the current folder."""
    return Path(os.environ.get("OSUSUME_HOME") or ".local").resolve()


@contextmanager
def temporary_home(prefix: str, *, wait_scale: str) -> Iterator[Path]:
    """A state folder for an endpoint of its own, on a free port. It stays when an exception leaves the block."""
    private.close_to_others()
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    given = {"OSUSUME_HOME": str(folder), "OSUSUME_PORT": "0", "OSUSUME_WAIT_SCALE": wait_scale}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield folder
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})
    lodging.discard(folder / "postgres")
    shutil.rmtree(folder, ignore_errors=True)


def wanted_port() -> int:
    """$OSUSUME_PORT; 0 means any free one."""
    return int(os.environ.get("OSUSUME_PORT") or DEFAULT_PORT)


def path(folder: Path) -> Path:
    return folder / "state.json"


def save(folder: Path, state: State) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path(folder).with_suffix(".new")
    temporary.write_text(json.dumps(dataclasses.asdict(state), indent=2) + "\n")
    temporary.replace(path(folder))


def load(folder: Path) -> State | None:
    """The state of a running endpoint; None when there is none (a file of a dead one does not count)."""
    try:
        stored = json.loads(path(folder).read_text())
    except (OSError, ValueError):
        return None
    known = {field.name for field in dataclasses.fields(State)}
    state = State(**{k: v for k, v in stored.items() if k in known})
    return state if processes.is_alive(state.pid) else None


def running(folder: Path) -> State:
    state = load(folder)
    if state is None:
        raise NotRunning(folder)
    return state


def update(folder: Path, **changes: object) -> State:
    state = dataclasses.replace(running(folder), **changes)  # type: ignore[arg-type]
    save(folder, state)
    return state
