"""The embedded AWS endpoint: `python -m osusume_endpoint --account 111111111111 --region ap-northeast-1`.

Runs in the foreground until SIGTERM or Ctrl-C, with every child process below one supervisor.
With OSUSUME_DIE_WITH_PARENT=1 it also ends when the process that started it does: tests that are killed leave nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from osusume_endpoint import private, processes, state


def main(arguments: list[str] | None = None, *, beside: Callable[[], None] | None = None) -> int:
    """`beside` is called in the server's process, before it serves."""
    options = _parser().parse_args(arguments)
    home = state.home()
    try:
        private.secure(home)
    except private.NotPrivate as error:
        print(error, file=sys.stderr)
        return 1
    if state.load(home):
        print(f"An endpoint already runs for {home}: stop it with `make down`.", file=sys.stderr)
        return 1
    port = options.port or free_port()
    if not is_free(port):
        print(f"Port {port} is taken: name another with --port (0 takes a free one).", file=sys.stderr)
        return 1
    supervisor = os.getpid()
    if os.environ.get("OSUSUME_DIE_WITH_PARENT"):
        processes.die_with_parent()

    def serve() -> None:
        from osusume_endpoint import server

        if beside:
            beside()
        server.run(
            home=home,
            port=port,
            region=options.region,
            account=options.account,
            wait_scale=options.wait_scale,
            supervisor=supervisor,
        )

    try:
        return processes.supervise(serve)
    finally:
        _forget(home, supervisor)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m osusume_endpoint", description=__doc__)
    parser.add_argument("--account", default=os.environ.get("OSUSUME_ACCOUNT", "111111111111"))
    parser.add_argument("--region", default=os.environ.get("OSUSUME_REGION", "ap-northeast-1"))
    parser.add_argument("--port", type=int, default=state.wanted_port(), help="0 takes a free one")
    parser.add_argument(
        "--wait-scale",
        type=float,
        default=float(os.environ.get("OSUSUME_WAIT_SCALE", "1")),
        help="factor on every wait of the emulated services",
    )
    return parser


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _forget(home: Path, supervisor: int) -> None:
    """Removes the state file of this very endpoint."""
    with contextlib.suppress(OSError, ValueError):
        import json

        if json.loads(state.path(home).read_text())["pid"] == supervisor:
            state.path(home).unlink()


if __name__ == "__main__":
    raise SystemExit(main())
