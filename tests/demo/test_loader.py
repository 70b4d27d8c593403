"""Loading the application's database (embedded PostgreSQL) and log (a fake of BatchWriteItem)."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from config.settings import Settings
from local.demo import complete_journey, loader, tables
from local.demo.corner_shop import source as corner_shop
from local.demo.generated import generate
from local.demo.log import item_of
from local.demo.problems import OwnFilesRefused
from local.demo.shop import ShopData
from tests import example
from tests.demo.conftest import FakeClients
from tests.demo.test_own_files import good_interactions, write

NOW = pd.Timestamp("2026-11-24T04:00:00Z")


@pytest.fixture
def dev() -> Settings:
    return example.settings()


def select(clients: FakeClients, statement: str) -> list[tuple[Any, ...]]:
    with closing(loader.connect(clients, secret="osusume-dev/aurora")) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall())


def load_generated(clients: FakeClients, dev: Settings, shop: ShopData) -> loader.Loaded:
    with closing(loader.connect(clients, secret=dev.aurora_secret)) as connection:
        tables.create(connection, tables=dev.sources.aurora.tables, datasets=dev.datasets)
        return loader.store(shop, previous=None, connection=connection, clients=clients, settings=dev)


def test_every_row_and_event_of_a_shop_arrives(clients: FakeClients, dev: Settings) -> None:
    shop = generate(now=NOW).shop
    loaded = load_generated(clients, dev, shop)
    assert loaded.totals == {"users": 121, "items": 72, "orders": 1443}
    assert loaded.added == {"users": 121, "items": 72, "orders": 1443, "events": len(shop.events)}
    assert len(clients.log.items) == len(shop.events) > 500
    assert select(clients, "select count(*), min(sales_value), max(ordered_at) from public.orders") == [
        (1443, 1, shop.orders.ordered_at.max().to_pydatetime())
    ]
    assert select(clients, "select department, title from public.items where item_id = 'i3-07'") == [
        ("department 3", "Item 3-07")
    ]


def test_loading_again_changes_nothing(clients: FakeClients, dev: Settings) -> None:
    shop = generate(now=NOW).shop
    load_generated(clients, dev, shop)
    again = load_generated(clients, dev, shop)
    assert again.totals == {"users": 121, "items": 72, "orders": 1443}
    assert again.added["orders"] == 0
    assert len(clients.log.items) == len(shop.events)


def test_own_files_load_once_and_their_additions_later(
    clients: FakeClients, dev: Settings, tmp_path: Path
) -> None:
    write(tmp_path, good_interactions(1200))
    first = loader.load(clients=clients, settings=dev, size="small", folder=tmp_path)
    assert first.added == {"users": 60, "items": 37, "orders": 800, "events": 400}
    second = loader.load(clients=clients, settings=dev, size="small", folder=tmp_path)
    assert (second.added, second.totals["orders"]) == ({}, 800)
    write(tmp_path, good_interactions(1500))
    third = loader.load(clients=clients, settings=dev, size="small", folder=tmp_path)
    assert (third.added["orders"], third.totals["orders"], len(clients.log.items)) == (200, 1000, 500)


def test_refused_files_leave_the_database_untouched(
    clients: FakeClients, dev: Settings, tmp_path: Path
) -> None:
    write(tmp_path, good_interactions(10))
    with pytest.raises(OwnFilesRefused):
        loader.load(clients=clients, settings=dev, size="small", folder=tmp_path)
    assert select(
        clients, "select count(*) from information_schema.tables where table_schema = 'public'"
    ) == [(0,)]
    assert clients.log.items == {}


def test_another_data_set_is_refused_with_the_way_out(
    clients: FakeClients, dev: Settings, tmp_path: Path
) -> None:
    loader.load(clients=clients, settings=dev, size="small", folder=write(tmp_path))
    with pytest.raises(
        loader.OtherDataLoaded, match=r"holds own files .*, not Complete Journey .*`make down`"
    ):
        loader.load(clients=clients, settings=dev, size="small", folder=None)


@pytest.mark.slow
def test_the_demo_s_second_load_adds_the_next_day_only(clients: FakeClients, dev: Settings) -> None:
    first = loader.load(clients=clients, settings=dev, size="small", folder=None)
    newest = select(clients, "select max(ordered_at) from public.orders")[0][0]
    second = loader.load(clients=clients, settings=dev, size="small", folder=None)
    assert first.source == second.source == "Complete Journey (small)"
    assert 200 < second.added["orders"] < 2000
    assert (second.added["users"], second.added["items"]) == (0, 0)
    assert second.totals["orders"] == first.totals["orders"] + second.added["orders"]
    later = select(clients, f"select count(*) from public.orders where ordered_at >= '{newest.isoformat()}'")
    assert second.added["orders"] <= later[0][0] <= second.added["orders"] + 50
    assert select(clients, "select max(ordered_at) < now() from public.orders") == [(True,)]


@pytest.mark.slow
def test_the_generated_shop_loads_with_both_names_and_then_a_day_more(
    clients: FakeClients, dev: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = replace(corner_shop.SIZES["small"], households=60, visits=100)
    monkeypatch.setitem(corner_shop.SIZES, "small", tiny)
    load = partial(loader.load, clients=clients, settings=dev, size="small", folder=None)
    first, second = load(packaged=corner_shop), load(packaged=corner_shop)
    assert first.source == second.source == "generated shop (small)"
    assert 0 < second.added["orders"] < first.added["orders"] / 20
    assert second.totals["orders"] == first.totals["orders"] + second.added["orders"]
    assert select(clients, "select title, title_ja from public.items where item_id = 'coffee-beans'") == [
        ("Coffee beans, 200 g (Daily Basket)", "デイリーバスケット コーヒー豆")
    ]
    assert select(clients, "select count(*) from public.items where title is null or title_ja is null") == [
        (0,)
    ]
    assert select(clients, "select max(ordered_at) < now() from public.orders") == [(True,)]
    with pytest.raises(loader.OtherDataLoaded, match=r"holds generated shop \(small\), not Complete Journey"):
        load()


def test_a_database_of_an_earlier_version_gets_the_column_for_second_names(
    clients: FakeClients, dev: Settings
) -> None:
    load_generated(clients, dev, generate(now=NOW).shop)
    with closing(loader.connect(clients, secret=dev.aurora_secret)) as connection:
        connection.cursor().execute("alter table public.items drop column title_ja")
        connection.commit()
    load_generated(clients, dev, generate(now=NOW).shop)
    assert select(clients, "select count(*) from public.items where title_ja is null") == [(72,)]


def test_a_data_set_that_ended_adds_nothing(
    clients: FakeClients, dev: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = generate(now=NOW).shop
    ended = {"first": "2017-11-01", "initial_end": "2017-12-11", "end": "2018-01-01", "shift_days": "3000"}
    load_generated(
        clients,
        dev,
        ShopData(
            source=complete_journey.source("small"),
            users=shop.users,
            items=shop.items,
            orders=shop.orders,
            events=shop.events,
            progress=ended,
        ),
    )
    loaded = loader.load(clients=clients, settings=dev, size="small", folder=None)
    assert (loaded.added, loaded.notes) == ({}, ("nothing new to load",))


def test_an_event_becomes_the_item_that_the_pipeline_reads() -> None:
    events = generate(now=NOW).shop.events
    impression = item_of(next(e for e in events.itertuples(index=False) if e.event_type == "impression"))
    click = item_of(next(e for e in events.itertuples(index=False) if e.event_type == "click"))
    assert set(impression) == {
        "user_id",
        "event_key",
        "event_id",
        "event_type",
        "timestamp",
        "session_id",
        "impression",
        "simulated",
        "device",
    }
    assert set(click) == (set(impression) - {"impression"}) | {"item_id"}
    assert click["simulated"] == {"BOOL": True}
    stamp, _, event_id = click["event_key"]["S"].partition("#")
    assert event_id == click["event_id"]["S"]
    assert pd.Timestamp(stamp).value // 1_000_000 == int(click["timestamp"]["N"])
    assert all(set(shown) == {"S"} for shown in impression["impression"]["L"])
