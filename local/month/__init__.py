"""`python -m local month`: four weeks of an experimenting shop in fast motion, on an endpoint of its own.

Users of a simulator are asked for by the read function's own code, in this process; what they do goes through the
events function's own code to S3, by the load's, dbt's and the analysis's own code into the warehouse, with a load for
each day. What is planted is known beforehand (plan.py), and everything is marked as simulated wherever it shows.

Not simulated: the extraction, Spark's preparation and Personalize's jobs. One training by the engine makes the lists.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    command = commands.add_parser("month", help="four simulated weeks of experiments: loads, analysis, pages")
    command.add_argument("--environment", default="dev", help="config/<environment>.yaml")
    command.add_argument("--users", type=int, default=2400)
    command.add_argument("--loads", type=int, default=28, help="so many looks; the last is on the last day")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument(
        "--pictures", type=Path, help="draw some of the pages into this folder, as docs/ has them"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from local.month.command import month  # pandas, the engine and the endpoint

    return month(options)
