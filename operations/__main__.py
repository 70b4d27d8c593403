"""`python -m operations <command> [environment]`, behind the make targets of a deployed environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping

from config.errors import ConfigError
from operations import (
    adopt,
    deploy,
    destroy,
    experiments,
    forget,
    inventory,
    promote,
    recommend,
    rollback,
    smoke,
    sql,
)
from operations.parity.command import parity
from operations.place import Place, Refused, complain, reached, say


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        place = reached(options.environment)
        say(place.header)
        return COMMANDS[options.command](place, options)
    except (ConfigError, Refused) as error:
        complain(error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("environment", nargs="?", default=os.environ.get("OSUSUME_ENV", "dev"))
    parser.add_argument("--approval", default="broadening", help="what `cdk deploy` asks about")
    parser.add_argument("--confirm", default="", help="the environment's name, instead of typing it")
    parser.add_argument("--list", default="", help="rollback: names of lists joined by commas, or all")
    parser.add_argument("--solution", default="", help="promote, recommend: the name of a solution")
    parser.add_argument(
        "--version", default="", help="promote, recommend: ARN or name of a version, or previous"
    )
    parser.add_argument("--user", default="", help="the id of a user to forget")
    parser.add_argument(
        "--resume", default="", help="experiments: the name of one whose stopped variants go on"
    )
    parser.add_argument("--release", action="store_true", help="let a forgotten user in again")
    return parser


def _forget(place: Place, options: argparse.Namespace) -> int:
    act = forget.release if options.release else forget.forget
    return act(place, user=options.user, given=options.confirm)


def _adopt(place: Place, options: argparse.Namespace) -> int:
    adopt.adopt_warehouse(place)
    return 0


COMMANDS: Mapping[str, Callable[[Place, argparse.Namespace], int]] = {
    "adopt": _adopt,
    "deploy": lambda place, options: deploy.deploy(place, approval=options.approval),
    "destroy": lambda place, options: destroy.destroy(place, given=options.confirm),
    "experiments": lambda place, options: experiments.experiments(place, resume=options.resume),
    "inventory": lambda place, options: inventory.show(place),
    "promote": lambda place, options: promote.promote(
        place, solution=options.solution, version=options.version, given=options.confirm
    ),
    "recommend": lambda place, options: recommend.recommend(
        place, solution=options.solution, version=options.version, given=options.confirm
    ),
    "rollback": lambda place, options: rollback.rollback(place, lists=options.list, given=options.confirm),
    "forget": _forget,
    "parity": lambda place, options: min(parity(place, on="aws"), 1),
    "smoke": lambda place, options: min(smoke.smoke(place), 1),
    "sql": lambda place, options: sql.prompt(place),
}

if __name__ == "__main__":
    raise SystemExit(main())
