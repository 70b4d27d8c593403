"""What acts on the running endpoint, or with `--on aws` on the account, by the same code: `seed`, `run` and others."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from local import cli, dashboards
from operations import (
    executions,
    experiments,
    forget,
    inventory,
    promote,
    queries,
    recommend,
    rollback,
    smoke,
    sql,
)
from operations import place as places
from operations.parity.command import parity
from operations.place import Place, Refused, say
from osusume_endpoint import state

AWS_POLL_SECONDS = 5.0


def register(commands: Any) -> None:
    for command, action in (*_of_data(commands), *_of_serving(commands), *_looking(commands)):
        command.add_argument("--environment", default="dev", help="config/<environment>.yaml")
        command.add_argument("--on", choices=["endpoint", "aws"], default="endpoint", help="where it acts")
        command.set_defaults(run=_reporting(action))


def _of_data(commands: Any) -> Iterator[tuple[argparse.ArgumentParser, Any]]:
    seed = commands.add_parser("seed", help="fill the application's database and log")
    seed.add_argument("--size", choices=["small", "full"], default="small", help="of the demo's shop")
    seed.add_argument("--data", type=Path, metavar="FOLDER", help="your own files (docs/data.md)")
    yield seed, run_seed
    run = commands.add_parser("run", help="start the pipeline and follow it")
    run.add_argument("--mode", choices=["auto", "full"], default="auto")
    run.add_argument("--train", action="store_true", help="although no training is due (schedule.training)")
    yield run, run_run
    gone = commands.add_parser("forget", help="a user out of everything that is kept")
    gone.add_argument("--user", required=True, help="their id")
    gone.add_argument("--release", action="store_true", help="let a forgotten user in again")
    yield gone, run_forget


def _of_serving(commands: Any) -> Iterator[tuple[argparse.ArgumentParser, Any]]:
    back = commands.add_parser("rollback", help="readers of lists go back to the version before")
    back.add_argument("--list", required=True, help="names joined by commas, or all")
    yield back, run_rollback
    promoted = commands.add_parser("promote", help="a solution version becomes the one that serves")
    promoted.add_argument("--solution", required=True)
    promoted.add_argument("--version", required=True, help="ARN or name of a version, or previous")
    yield promoted, run_promote
    once = commands.add_parser(
        "recommend", help="a run without training, with a solution version that is named"
    )
    once.add_argument("--solution", default="", help="its name; an ARN says it too")
    once.add_argument("--version", required=True, help="ARN or name of a version, or previous")
    yield once, run_recommend
    told = commands.add_parser(
        "experiments", help="what the configuration says of experiments reaches readers"
    )
    told.add_argument("--resume", default="", help="name of an experiment whose stopped variants go on")
    yield told, run_experiments


def _looking(commands: Any) -> Iterator[tuple[argparse.ArgumentParser, Any]]:
    yield commands.add_parser("smoke", help="what a person would look at after a run"), run_smoke
    exists = commands.add_parser("inventory", help="what exists of an environment, by what it costs")
    yield exists, run_inventory
    compare = commands.add_parser("parity", help="what the endpoint answers, to compare an account with")
    yield compare, run_parity
    draw = commands.add_parser("dashboards", help="write the page of the dashboards from the marts")
    yield draw, run_dashboards
    yield commands.add_parser("sql", help="a prompt on the marts of the warehouse"), run_sql
    judge = commands.add_parser("experiment", help="the analysis of an experiment, in words")
    judge.add_argument("--name", required=True, help="of experiments.definitions, or holdout")
    judge.add_argument("--language", choices=["en", "ja"], default="en")
    yield judge, run_experiment


def _reporting(action: Any) -> Any:
    """What refuses says why; a command that fails ends with 1."""

    def act(options: argparse.Namespace) -> int:
        from local.demo.command import REFUSALS  # pandas and the rest, which `up` does without

        try:
            place = _place(options)
            say(place.header)
            return int(action(place, options))
        except REFUSALS as error:
            print(error, file=sys.stderr)
        except Refused as error:
            print(error, file=sys.stderr)
        return 1

    return act


def _place(options: argparse.Namespace) -> Place:
    """Raises NotRunning, Refused and ConfigError."""
    if options.on == "endpoint":
        return cli.operator_place(options.environment)
    return places.reached(options.environment)


def run_seed(place: Place, options: argparse.Namespace) -> int:
    from local.demo import loader

    started = time.monotonic()
    with closing(database(place)) as connection:
        loaded = loader.fill(
            connection, clients=place.client, settings=place.settings, size=options.size, folder=options.data
        )
    for line in (loaded.source, *loaded.notes):
        say(f"  {line}")
    added = ", ".join(f"{count:,} {name}" for name, count in loaded.added.items())
    say(f"  added {added or 'nothing'} in {time.monotonic() - started:.1f} s")
    return 0


def database(place: Place) -> Any:
    from local.demo.data_api import Connection

    cluster = queries.cluster_arn(place)
    secret = place.client("secretsmanager").describe_secret(SecretId=place.settings.aurora_secret)["ARN"]
    return Connection(
        place.client("rds-data"),
        cluster=cluster,
        secret=secret,
        database=place.settings.aurora.database,
    )


def run_run(place: Place, options: argparse.Namespace) -> int:
    arn = executions.start_pipeline(place, {"mode": options.mode}, train=options.train)
    return _followed(place, options, arn)


def run_recommend(place: Place, options: argparse.Namespace) -> int:
    arn = recommend.start(place, solution=options.solution, version=options.version)
    return _followed(place, options, arn)


def _followed(place: Place, options: argparse.Namespace, arn: str) -> int:
    from local.demo import progress

    say(f"  {arn}")
    here = options.on == "endpoint"
    logs = state.home() / "log" if here else Path("/aws/vendedlogs/states")
    poll = time.sleep if here else _slowly
    followed = progress.follow(place.client("stepfunctions"), arn, logs=logs, sleep=poll)
    say(f"  ended in {followed.seconds:.1f} s")
    if place.settings.analytics.enabled:
        dashboards.write(place)
    return 0


def _slowly(seconds: float) -> None:
    """An hour's run is looked at every few seconds: the API counts."""
    time.sleep(max(seconds, AWS_POLL_SECONDS))


def run_dashboards(place: Place, options: argparse.Namespace) -> int:
    dashboards.write(place)
    return 0


def run_sql(place: Place, options: argparse.Namespace) -> int:
    return sql.prompt(place)


def run_forget(place: Place, options: argparse.Namespace) -> int:
    """The endpoint is anybody's own: on AWS `python -m operations forget` asks first."""
    act = forget.release if options.release else forget.forget
    given = place.settings.environment if options.on == "endpoint" else ""
    return act(place, user=options.user, given=given)


def run_smoke(place: Place, options: argparse.Namespace) -> int:
    return min(smoke.smoke(place), 1)


def run_inventory(place: Place, options: argparse.Namespace) -> int:
    return inventory.show(place)


def run_rollback(place: Place, options: argparse.Namespace) -> int:
    return rollback.rollback(place, lists=options.list)


def run_promote(place: Place, options: argparse.Namespace) -> int:
    return promote.promote(place, solution=options.solution, version=options.version)


def run_experiments(place: Place, options: argparse.Namespace) -> int:
    return experiments.experiments(place, resume=options.resume)


def run_parity(place: Place, options: argparse.Namespace) -> int:
    return min(parity(place, on=options.on), 1)


def run_experiment(place: Place, options: argparse.Namespace) -> int:
    from local import experiment  # scipy, which the other commands do without

    return experiment.experiment(place, name=options.name, language=options.language)
