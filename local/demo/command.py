"""The `demo` command: up, load, fire, follow, read the API."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials as Signer

from config import settings as configuration
from config.errors import ConfigError
from config.settings import Settings
from local import cli, dashboards, users
from local.demo import (
    complete_journey,
    live,
    loader,
    log,
    measures,
    own_files,
    places,
    progress,
    recording,
    story,
)
from local.demo.catalogue import Catalogue
from local.demo.complete_journey import DataSetMissing
from local.demo.corner_shop import source as corner_shop
from local.demo.deployed import EXPORTED_AFTER_SECONDS, ApiMissing, Deployed
from local.demo.loader import Loaded, OtherDataLoaded
from local.demo.log import LogNotWritten
from local.demo.problems import OwnFilesRefused
from osusume_endpoint import state
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.signed import RequestRefused
from stacks.synthesis import SynthesisFailed, synthesize

# The workflows wait minutes between looks at a job, which on AWS takes an hour; here it takes seconds.
WAIT_SCALE = "0.02"
GENERATED = "generated"  # as --data: the shop made by a seed; a folder of that name is ./generated

REFUSALS = (
    ApiMissing,
    ConfigError,
    DataSetMissing,
    LogNotWritten,
    OtherDataLoaded,
    OwnFilesRefused,
    RequestRefused,
    SynthesisFailed,
    progress.RunFailed,
    story.QueryFailed,
)


@dataclass(frozen=True)
class Demo(Deployed):
    """The running endpoint as a person at the laptop sees it: with the operator's credentials."""

    endpoint: Endpoint
    credentials: Credentials
    settings: Settings

    def client(self, service: str) -> Any:
        return self.endpoint.client(service, self.credentials)

    @property
    def operator(self) -> Signer:
        return Signer(*self.credentials)


def run(options: argparse.Namespace) -> int:
    try:
        return _run(options)
    except REFUSALS as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    started = time.monotonic()
    settings = configuration.load(options.environment)
    _ = settings.aurora  # refuses an environment that has no database to load a shop into
    if folder := _folder(options):
        _check(folder, settings)
    demo = _up(options, settings)
    loaded = _load(demo, options)
    followed = _fire(demo)
    shown = _tell(demo, loaded, followed)
    if options.record:
        _record(demo, followed, options, shown)
    print(f"\nTotal {time.monotonic() - started:.1f} s")
    return 0


def _folder(options: argparse.Namespace) -> Path | None:
    return Path(options.data) if options.data and options.data != GENERATED else None


def _check(folder: Path, settings: Settings) -> None:
    """Checks before the endpoint starts: a person with a wrong file should not wait for it."""
    import pandas as pd

    shop = own_files.read(folder, datasets=settings.datasets, now=pd.Timestamp.now("UTC"))
    print(f"Read {folder}")
    for line in (*shop.said, *shop.notes):
        print(f"  {line}")


def _up(options: argparse.Namespace, settings: Settings) -> Demo:
    home = state.home()
    # Read by the endpoint when it starts; one that runs already keeps its own.
    os.environ.setdefault("OSUSUME_WAIT_SCALE", WAIT_SCALE)
    port = [] if options.port is None else ["--port", str(options.port)]
    folder = options.cdk_out or _synthesize(options.environment, home)
    code = cli.main(["up", "--cdk-out", str(folder), *port])
    if code:
        raise SystemExit(code)
    endpoint = cli.endpoint_of(state.running(home), home)
    credentials = users.operator_credentials(endpoint, environment=options.environment)
    return Demo(endpoint, credentials, settings)


def _synthesize(environment: str, home: Path) -> Path:
    started = time.monotonic()
    folder = home / "cdk.out"
    synthesize(environment=environment, folder=folder)
    print(f"synthesized {environment} in {time.monotonic() - started:.1f} s")
    return folder


def _load(demo: Demo, options: argparse.Namespace) -> Loaded:
    print("\nLoading the application's database and log")
    started = time.monotonic()
    packaged: loader.Packaged = corner_shop if options.data == GENERATED else complete_journey
    loaded = loader.load(
        clients=demo.client,
        settings=demo.settings,
        size=options.size,
        folder=_folder(options),
        packaged=packaged,
    )
    print(f"  {loaded.source}")
    for note in loaded.notes:
        print(f"  {note}")
    added = ", ".join(f"{count:,} {name}" for name, count in loaded.added.items())
    print(f"  added {added or 'nothing'} in {time.monotonic() - started:.1f} s")
    return loaded


def _fire(demo: Demo) -> progress.Run:
    # An export shows the log as of a whole second before the run: what was just written must be older.
    time.sleep(EXPORTED_AFTER_SECONDS)
    print(f"\nFiring the schedule {demo.settings.names.schedule}")
    arn = demo.fire()
    print(f"  {arn}")
    return progress.follow(demo.client("stepfunctions"), arn, logs=demo.endpoint.home / "log")


def _tell(demo: Demo, loaded: Loaded, followed: progress.Run) -> dict[str, list[str]]:
    """The section of the lists, which it also gives."""
    settings, names = demo.settings, demo.settings.names
    output = followed.execution.description.get("output", "{}")
    run_id = story.run_id_of(output)
    metrics = measures.of_versions(demo.client, names, settings.solutions)
    # A tree has told each step's time already.
    timings = () if live.is_for(sys.stdout) else story.timings(followed)
    _section(f"Run {run_id}: {followed.seconds:.1f} s", timings)
    _section("Rows", story.rows(demo.client, names, run_id))
    _section("Metrics of the versions that serve", measures.told(metrics, settings.solutions))
    if settings.analytics.enabled:
        _tell_of_warehouse(demo)
    for note in loaded.notes:
        print(f"  Note: {note}")
    title = "Recommendations over HTTP, signed"
    with closing(loader.connect(demo.client, secret=settings.aurora_secret)) as connection:
        catalogue = Catalogue(connection, settings.aurora.tables)
        events = _newest_events(demo)
        lists = list(places.filled(demo.api, catalogue, events))
        _section(title, lists)
        _section("Try it", story.commands(demo.api.url, places.path_of(catalogue)))
    _section("Look at it", [])
    cli.show_pages(settings.environment)
    return {title: lists}


def _tell_of_warehouse(demo: Demo) -> None:
    names = demo.settings.names
    lists = story.marts(
        demo.client,
        workgroup=names.warehouse,
        database=demo.settings.analytics.database,
        secret=names.warehouse_reader_secret,
    )
    _section("Lists in the warehouse", lists)
    dashboards.write(cli.operator_place(demo.settings.environment))


def _newest_events(demo: Demo) -> Callable[[str], list[tuple[str, str]]]:
    """A user's newest events; none where there is no log."""
    if demo.settings.sources.application_log is None:
        return lambda user: []
    return partial(log.newest, demo.client("dynamodb"), demo.settings.application_log_table)


def _record(
    demo: Demo, followed: progress.Run, options: argparse.Namespace, shown: dict[str, list[str]]
) -> None:
    data = f" DATA={options.data}" if options.data else ""
    recording.write(
        demo.client("stepfunctions"),
        followed.execution,
        options.record,
        command=f"make demo{data}",
        told=shown,
    )
    print(f"\nRecorded in {options.record}: `make docs` draws {recording.FILE.name} as a picture")


def _section(title: str, lines: Iterable[str]) -> None:
    print(f"\n{title}\n{'-' * len(title)}")
    for line in lines:
        print(line)
