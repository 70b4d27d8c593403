"""Runs the month and says what the product found of what was planted."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from config.experiments import delivered
from config.settings import load
from lambdas.record_events import exposures
from lambdas.shared import times
from local import dashboards
from local.experiment import analysed, experiment
from local.month import pictures, plan, reader, rows
from local.month.days import Shop
from local.month.people import People
from local.month.warehouse import MonthFailed, Warehouse
from operations.place import say
from osusume_endpoint import private, state
from osusume_endpoint.testing import cloud as clouds

FOLDER = "month"  # of the state folder
LEAST_USERS = 400


def month(options: argparse.Namespace) -> int:
    if not (1 <= options.loads <= plan.DAYS and options.users >= LEAST_USERS):
        print(f"--loads must be 1 to {plan.DAYS}, --users {LEAST_USERS} or more", file=sys.stderr)
        return 2
    home = _anew(state.home() / FOLDER)
    with clouds.running(home) as cloud:
        try:
            return _lived(options, cloud, home)
        except (MonthFailed, plan.NoPlacements, reader.NotServed, pictures.NoBrowser) as error:
            print(error, file=sys.stderr)
            return 1


def _anew(home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return private.secure(home)


def opened(environment: str, *, users: int, seed: int) -> tuple[Shop, Any]:
    """The shop after its training, and the settings that it has; the last day is yesterday."""
    first = datetime.now(UTC).date() - timedelta(days=plan.DAYS)
    settings = plan.configured(load(environment), first=first)
    crowd = People.made(users, np.random.default_rng(seed))
    until = int(datetime.combine(first, datetime.min.time(), UTC).timestamp())
    memory = reader.trained(settings, crowd, until=until, seed=seed)
    read = reader.Reader.of(settings, memory)
    return Shop(crowd, read, plan.placements(settings), first, seed), settings


def _lived(options: argparse.Namespace, cloud: clouds.Cloud, home: Path) -> int:
    started = time.monotonic()
    shop, settings = opened(options.environment, users=options.users, seed=options.seed)
    say(f"  {options.users:,} simulated users, one training: {time.monotonic() - started:.0f} s")
    warehouse = Warehouse.made(cloud, settings, work=home / "dbt")
    for line in nights(shop, warehouse, loads=options.loads):
        say(line)
    for name in plan.NAMES:
        experiment(warehouse.place, name=name)
    for line in found(warehouse):
        say(line)
    say("  " + ", ".join(f"{what} {seconds:.0f} s" for what, seconds in warehouse.seconds.items()))
    file = dashboards.write(warehouse.place)
    kept = file.with_name("month.html")
    file.replace(kept)
    for picture in pictures.draw(kept, options.pictures) if options.pictures else ():
        say(f"  {picture}: {picture.stat().st_size / 1000:.0f} kB")
    say(f"  kept as file://{kept}; simulated, and marked so. {time.monotonic() - started:.0f} s in all")
    return 0


def nights(shop: Shop, warehouse: Warehouse, *, loads: int) -> Iterator[str]:
    """Lives every day, and loads after as many of them as asked, the last among them."""
    document = delivered(warehouse.settings.experiments)
    raw, s3 = warehouse.settings.names.raw_bucket, warehouse.cloud.client("s3")
    users, items = rows.users(warehouse.settings, shop.crowd), rows.items(warehouse.settings)
    last = {round((n + 1) * plan.DAYS / loads) - 1 for n in range(loads)}
    past: list[Any] = []
    news: list[Any] = []
    answers: list[Any] = []
    days: list[str] = []
    for number in range(plan.DAYS):
        events, answered = shop.lived(number)
        days.append(shop.day(number).isoformat())
        at = datetime.combine(shop.day(number), datetime.max.time(), UTC)
        exposures.keep(s3, bucket=raw, lines=exposures.of(events, document), now=at)
        past, news, answers = past + events, news + events, answers + answered
        if number not in last:
            continue
        run_id = times.run_id(shop.night(number))
        tables: dict[str, Sequence[Mapping[str, Any]]] = {
            "users": users,
            "items": items,
            "events": list(rows.log(news + answers)),
            "interactions": list(rows.interactions(past)),
            "orders": list(rows.orders(past)),
            "exposures": [line for day in days for line in warehouse.exposures(day)],
        }
        answer = warehouse.night(run_id, tables, whole=number == max(last))
        told = ", ".join(f"{one['experiment']}: {one['decision']}" for one in answer["decisions"])
        yield f"  day {number + 1:2}: {len(news):,} events loaded, {answer['rows']} results; {told or 'no decision'}"
        news, answers, days = [], [], []


def found(warehouse: Warehouse) -> Iterator[str]:
    """What was planted, beside what the analysis says of it."""
    reports = {name: analysed(warehouse.place, name) for name in plan.NAMES}
    [planted] = reports[plan.PLANTED].primary
    [null] = reports[plan.NULL].primary
    fades = reports[plan.NOVELTY].novelty[plan.TREATMENT]
    checks = (
        (
            f"a lift of {plan.LIFT:+.0%}: {planted.low:+.1%} to {planted.high:+.1%}",
            planted.low <= plan.LIFT <= planted.high and planted.low > 0,
        ),
        (f"nothing: corrected p {null.adjusted:.3f}", not null.called),
        (f"{plan.LOSS:.0%} lost users: p {reports[plan.LOST].ratio_p:.2g}", reports[plan.LOST].ratio_is_off),
        (f"novelty: p of the trend {fades.p if fades else 1.0:.2g}", bool(fades and fades.fades)),
    )
    for text, right in checks:
        yield f"  planted {text}: {'found' if right else 'NOT FOUND (it may happen: see docs/experiments.md)'}"
