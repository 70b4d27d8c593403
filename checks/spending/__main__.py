"""`make cost ENV=dev [USERS= ITEMS= EVENTS_PER_DAY= MEASURED=1]`: a month by service, and what would be cheaper."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from checks.assembly import Assembly
from checks.spending import choices, month
from checks.spending.measured import NothingMeasured, read
from checks.spending.shop import NOTHING, Shop, ShopRefused
from checks.spending.use import Case, Fixed
from config.errors import ConfigError
from config.settings import load
from operations.place import Refused

USERS, ITEMS, EVENTS = 100_000, 20_000, 50_000


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        sys.stdout.write(report(options))
    except (ConfigError, NothingMeasured, Refused, ShopRefused) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m checks.spending", description=__doc__)
    parser.add_argument("assembly", type=Path, help="a synthesized cdk.out of the environment")
    parser.add_argument("--environment", default=os.environ.get("OSUSUME_ENV", "dev"))
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--events-per-day", type=float, default=EVENTS)
    parser.add_argument(
        "--measured", choices=["endpoint", "aws"], help="take rows (on AWS also hours) of the last run"
    )
    return parser


def report(options: argparse.Namespace) -> str:
    """Raises ConfigError, NothingMeasured, Refused and ShopRefused."""
    shop = Shop(users=options.users, items=options.items, events_per_day=options.events_per_day)
    measured = read(options.environment, options.measured) if options.measured else NOTHING
    settings = load(options.environment)
    case = Case(
        settings=settings, fixed=Fixed.of(Assembly.read(options.assembly)), shop=shop, measured=measured
    )
    head = f"{settings.environment} in {settings.region}, {case.runs} runs a month: {shop.title}"
    told = [f"Measured: {measured.source}."] if measured.source else []
    return "\n\n".join([head, *told, month.table(month.Month.of(case)), choices.table(case)])


if __name__ == "__main__":
    raise SystemExit(main())
