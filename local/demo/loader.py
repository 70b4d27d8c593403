"""Puts a shop into the application's database and log; a second time, only what is new."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2

from config.settings import Settings
from local.demo import complete_journey, log, own_files, tables
from local.demo.shop import ShopData
from local.demo.tables import Previous

Clients = Callable[[str], Any]  # service name -> boto3 client


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


def load(*, clients: Clients, settings: Settings, size: str, folder: Path | None) -> Loaded:
    """Raises OwnFilesRefused or OtherDataLoaded before anything is changed."""
    now = pd.Timestamp(datetime.now(UTC))
    own = own_files.read(folder, datasets=settings.datasets, now=now) if folder else None
    with closing(connect(clients, secret=settings.aurora_secret)) as connection:
        tables.create(connection, tables=settings.sources.aurora.tables, datasets=settings.datasets)
        previous = tables.previous(connection)
        shop = _next(previous, own=own, size=size, now=now)
        if shop is None:
            assert previous is not None
            totals = tables.counts(connection, tables=settings.sources.aurora.tables)
            return Loaded(source=previous.source, notes=("nothing new to load",), added={}, totals=totals)
        return store(shop, previous=previous, connection=connection, clients=clients, settings=settings)


def _next(
    previous: Previous | None, *, own: ShopData | None, size: str, now: pd.Timestamp
) -> ShopData | None:
    """What to load now; None when everything is loaded."""
    wanted = own.source if own else complete_journey.source(size)
    if previous and previous.source != wanted:
        raise OtherDataLoaded(
            f"The application holds {previous.source}, not {wanted}: "
            "stop with `make down`, remove the folder .local, and start again"
        )
    if own:
        return None if previous and previous.progress == own.progress else own
    if previous is None:
        return complete_journey.load(size=size, today=now.date())
    try:
        return complete_journey.next_day(
            size=size, progress=previous.progress, newest=previous.newest, now=now
        )
    except complete_journey.DataSetEnded:
        return None


def store(
    shop: ShopData, *, previous: Previous | None, connection: Any, clients: Clients, settings: Settings
) -> Loaded:
    """Log first (its puts may be repeated), then one transaction: a load that dies is done again whole."""
    source = settings.sources.aurora.tables
    events = log.write(
        clients("dynamodb"),
        table=settings.application_log_table,
        events=shop.events,
        log=settings.sources.application_log,
    )
    added = tables.insert(connection, shop, tables=source)
    tables.remember(connection, shop, newest=_newest(shop, previous))
    totals = tables.counts(connection, tables=source)
    connection.commit()
    return Loaded(source=shop.source, notes=shop.notes, added={**added, "events": events}, totals=totals)


def _newest(shop: ShopData, previous: Previous | None) -> pd.Timestamp:
    times = [
        shop.orders.ordered_at.max(),
        shop.events.occurred_at.max(),
        previous.newest if previous else pd.NaT,
    ]
    return max(pd.Timestamp(time) for time in times if not pd.isna(time))
