"""The demo: real shop data, the schedule fired, recommendations read over the deployed API."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

__all__ = ["register"]


def register(commands: Any) -> None:
    """Adds `demo` to the sub-commands of `python -m local`."""
    from local import cli  # which registers this module

    demo = commands.add_parser("demo", help="load data, run the pipeline, print recommendations")
    demo.add_argument(
        "--size", choices=["small", "full"], default="small", help="of the shop that comes along"
    )
    demo.add_argument(
        "--data",
        metavar="FOLDER",
        help="your own interactions.csv and the like, or `generated`: a shop made by a seed (docs/data.md)",
    )
    demo.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="keep the run's history, of which `make docs` draws a picture",
    )
    demo.add_argument("--environment", default="dev", help="config/<environment>.yaml")
    demo.add_argument("--cdk-out", type=Path, help="templates (default: synthesized now)")
    cli.add_port(demo)
    demo.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    # Imported when it runs: `python -m local up` need not load pandas.
    from local.demo.command import run

    return run(options)
