"""Child processes that do not outlive us, whatever ends us.

`supervise` runs the endpoint under a small supervisor. On Linux the supervisor is a sub-reaper: every process
that the endpoint starts, in whatever session or process group, ends up as its descendant and dies with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Queue
from typing import IO, Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
GRACE_SECONDS = 8.0


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(sig: int = signal.SIGTERM) -> None:
    """Asks the kernel to signal this process when its parent ends (elsewhere: a thread that watches)."""
    parent = os.getppid()
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, sig)
        if os.getppid() != parent:
            os.kill(os.getpid(), sig)
        return
    threading.Thread(target=_watch_parent, args=(parent, sig), daemon=True).start()


def _watch_parent(parent: int, sig: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), sig)


def supervise(serve: Callable[[], None]) -> int:
    """Runs `serve` in a forked child until it ends; SIGTERM and SIGINT end it. Returns its exit status.

    When this returns, no process started below it is left.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    server = os.fork()
    if server == 0:
        die_with_parent()
        serve()
        os._exit(0)
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, lambda *_: _stop(server))
    status = _wait_for(server)
    kill_descendants()
    return status


def _stop(server: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(server, signal.SIGTERM)
    last_resort = threading.Timer(GRACE_SECONDS, _kill, args=(server,))
    last_resort.daemon = True
    last_resort.start()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _wait_for(server: int) -> int:
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return 1
        if pid == server:
            return os.waitstatus_to_exitcode(status)


def kill_descendants(*, grace: float = 3.0) -> None:
    """Asks every descendant to end, then kills what is left."""
    deadline = time.monotonic() + grace
    signalled: set[int] = set()
    while left := descendants(os.getpid()):
        late = time.monotonic() > deadline
        for pid in left:
            if late or pid not in signalled:
                with contextlib.suppress(ProcessLookupError):
                    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
                    os.kill(pid, signal.SIGKILL if late else signal.SIGINT)
                signalled.add(pid)
        _reap()
        time.sleep(0.05)
    _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def descendants(root: int) -> list[int]:
    """Living processes below `root`, zombies left out."""
    children: dict[int, list[int]] = {}
    for pid, parent in _process_table():
        children.setdefault(parent, []).append(pid)
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _process_table() -> list[tuple[int, int]]:
    if Path("/proc/self/stat").exists():
        return [entry for path in Path("/proc").glob("[0-9]*/stat") if (entry := _stat(path))]
    listing = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=False)
    rows = [line.split() for line in listing.stdout.splitlines()]
    return [(int(pid), int(parent)) for pid, parent, state in rows if not state.startswith("Z")]


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        # The command name, in parentheses, may hold blanks.
        state, parent = path.read_text().rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state == "Z" else (int(path.parent.name), int(parent))


_spawner: Queue[tuple[Callable[[], Any], Queue[Any]]] = Queue()
_spawner_lock = threading.Lock()
_spawner_thread: threading.Thread | None = None


def spawn(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """subprocess.Popen of a process that dies with this one.

    It forks from one thread that never ends: Linux sends the parent-death signal when the *thread* that
    forked ends, and requests are served by short-lived threads.
    """
    global _spawner_thread
    with _spawner_lock:
        if _spawner_thread is None or not _spawner_thread.is_alive():
            _spawner_thread = threading.Thread(target=_spawn_forever, name="spawner", daemon=True)
            _spawner_thread.start()
    answer: Queue[Any] = Queue()
    _spawner.put((lambda: subprocess.Popen(_wrapped(command), **options), answer))
    result = answer.get()
    if isinstance(result, BaseException):
        raise result
    return result


def _spawn_forever() -> None:
    while True:
        start, answer = _spawner.get()
        try:
            answer.put(start())
        except BaseException as error:
            answer.put(error)


def _wrapped(command: Sequence[str]) -> list[str]:
    """The command behind util-linux's setpriv where there is one: no Python runs between fork and exec."""
    setpriv = _setpriv()
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else list(command)


def _setpriv() -> str | None:
    if sys.platform != "linux":
        return None
    return next((p for p in ("/usr/bin/setpriv", "/bin/setpriv") if Path(p).exists()), None)


def start_detached(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> int:
    """Starts a process in a session of its own, its output in `log`; returns its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            start_new_session=True,
        )
    return process.pid


def is_alive(pid: int) -> bool:
    if Path("/proc/self/stat").exists():
        return _stat(Path(f"/proc/{pid}/stat")) is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def terminate(pid: int, *, timeout: float = 20.0) -> bool:
    """SIGTERM, then SIGKILL after `timeout`. False when there was nothing to end."""
    if not is_alive(pid):
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while is_alive(pid) and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)
    if is_alive(pid):
        _kill(pid)
    return True


def readable(stream: IO[bytes], *, seconds: float) -> bool:
    """Whether the stream has bytes, or has ended, within the time.

    Not by select(2), which refuses descriptors above 1,023: an endpoint with many connections has those.
    """
    waiting = select.poll()
    waiting.register(stream, select.POLLIN)
    return bool(waiting.poll(max(0.0, seconds) * 1000))
