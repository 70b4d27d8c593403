"""Chaos: the deployed pipeline under faults, and what must hold whatever happens. docs/chaos.md"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

__all__ = ["register"]


def register(commands: Any) -> None:
    """Adds `chaos` and `faults` to the sub-commands of `python -m local`."""
    chaos = commands.add_parser("chaos", help="run the pipeline under random faults and check what must hold")
    chaos.add_argument(
        "--seed", type=int, help="of the first run; the next ones count up (default: a new one)"
    )
    chaos.add_argument("--runs", type=int, help="runs under faults (default 3, with --kills 30)")
    chaos.add_argument(
        "--kills",
        action="store_true",
        help="kill a process at every state of every workflow instead, over 30 runs",
    )
    chaos.add_argument("--plan", type=Path, metavar="FILE", help="these faults instead of random ones")
    chaos.add_argument(
        "--seconds", type=float, default=600, help="a run that takes longer is stopped and broken"
    )
    chaos.add_argument("--environment", default="dev", help="config/<environment>.yaml")
    chaos.set_defaults(run=_run_chaos)
    faults = commands.add_parser(
        "faults", help="set faults in the running endpoint; without FILE: what fired"
    )
    faults.add_argument("plan", type=Path, nargs="?", metavar="FILE", help="a plan (docs/chaos.md)")
    faults.add_argument("--clear", action="store_true", help="end the plan")
    faults.set_defaults(run=_run_faults)


def _run_chaos(options: argparse.Namespace) -> int:
    from local.chaos.command import run

    return run(options)


def _run_faults(options: argparse.Namespace) -> int:
    from local.chaos.command import run_faults

    return run_faults(options)
