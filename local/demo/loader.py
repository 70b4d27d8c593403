"""Puts a shop into the application's database and log; a second time, only what is new."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import psycopg2

from config.settings import Settings
from local.demo import complete_journey, log, own_files, tables
from local.demo.shop import DataSetEnded, ShopData
from local.demo.tables import Previous

Clients = Callable[[str], Any]  # service name -> boto3 client


class Packaged(Protocol):
    """A shop that comes along: a module with these functions."""

    def source(self, size: str) -> str: ...
    def load(self, *, size: str, today: date) -> ShopData: ...
    def next_day(
        self, *, size: str, progress: dict[str, str], newest: pd.Timestamp, now: pd.Timestamp
    ) -> ShopData: ...


class OtherDataLoaded(RuntimeError):
    """The application already holds another data set."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    source: str
    notes: tuple[str, ...]
    added: Mapping[str, int]  # rows by table, and events
    totals: Mapping[str, int]  # rows of the application's tables


def connect(clients: Clients, *, secret: str) -> Any:
    """The application's database, by the secret that the deployed stack made."""
    value = json.loads(clients("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    return psycopg2.connect(
        host=value["host"],
        port=value["port"],
        dbname=value["dbname"],
        user=value["username"],
        password=value["password"],
        connect_timeout=10,
    )


def load(
    *,
    clients: Clients,
    settings: Settings,
    size: str,
    folder: Path | None,
    packaged: Packaged = complete_journey,
) -> Loaded:
    """A folder's data, else the packaged shop's. Raises OwnFilesRefused or OtherDataLoaded before any change."""
    with closing(connect(clients, secret=settings.aurora_secret)) as connection:
        return fill(
            connection, clients=clients, settings=settings, size=size, folder=folder, packaged=packaged
        )


def fill(
    connection: Any,
    *,
    clients: Clients,
    settings: Settings,
    size: str,
    folder: Path | None,
    packaged: Packaged = complete_journey,
) -> Loaded:
    """`connection` is psycopg2's or the Data API's. Raises OwnFilesRefused or OtherDataLoaded before any change."""
    now = pd.Timestamp(datetime.now(UTC))
    own = own_files.read(folder, datasets=settings.datasets, now=now) if folder else None
    tables.create(connection, tables=settings.aurora.tables, datasets=settings.datasets)
    previous = tables.previous(connection)
    shop = _next(previous, own=own, packaged=packaged, size=size, now=now)
    if shop is None:
        assert previous is not None
        totals = tables.counts(connection, tables=settings.aurora.tables)
        return Loaded(source=previous.source, notes=("nothing new to load",), added={}, totals=totals)
    return store(shop, previous=previous, connection=connection, clients=clients, settings=settings)


def _next(
    previous: Previous | None, *, own: ShopData | None, packaged: Packaged, size: str, now: pd.Timestamp
) -> ShopData | None:
    """What to load now; None when everything is loaded."""
    wanted = own.source if own else packaged.source(size)
    if previous and previous.source != wanted:
        raise OtherDataLoaded(
            f"The application holds {previous.source}, not {wanted}: "
            "stop with `make down`, remove the folder .local, and start again"
        )
    if own:
        return None if previous and previous.progress == own.progress else own
    if previous is None:
        return packaged.load(size=size, today=now.date())
    try:
        return packaged.next_day(size=size, progress=previous.progress, newest=previous.newest, now=now)
    except DataSetEnded:
        return None


def store(
    shop: ShopData, *, previous: Previous | None, connection: Any, clients: Clients, settings: Settings
) -> Loaded:
    """Log first (its puts may be repeated), then one transaction: a load that dies is done again whole."""
    source = settings.aurora.tables
    events = _write_log(shop, clients=clients, settings=settings)
    added = tables.insert(connection, shop, tables=source)
    tables.remember(connection, shop, newest=_newest(shop, previous))
    totals = tables.counts(connection, tables=source)
    connection.commit()
    return Loaded(source=shop.source, notes=shop.notes, added={**added, "events": events}, totals=totals)


def _write_log(shop: ShopData, *, clients: Clients, settings: Settings) -> int:
    """Events written; none where there is no log."""
    if settings.sources.application_log is None:
        return 0
    return log.write(
        clients("dynamodb"), table=settings.application_log_table, events=shop.events, log=settings.log
    )


def _newest(shop: ShopData, previous: Previous | None) -> pd.Timestamp:
    times = [
        shop.orders.ordered_at.max(),
        shop.events.occurred_at.max(),
        previous.newest if previous else pd.NaT,
    ]
    return max(pd.Timestamp(time) for time in times if not pd.isna(time))
