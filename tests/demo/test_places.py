"""Places of a shop, filled from the API's lists and the application's own rows, whatever these lack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from rich.cells import cell_len

from config.settings import ApplicationLog
from local.demo import loader, log, places, tables
from local.demo.catalogue import Catalogue, Named
from local.demo.generated import HELD_OUT_USER, generate
from local.demo.shop import ShopData
from tests import example
from tests.demo.conftest import FakeClients

NOW = pd.Timestamp("2026-11-24T04:00:00Z")
DEV = example.settings()
RUN = "20261124T030000Z"
NOTHING: places.Past = []


def stored(clients: FakeClients, shop: ShopData, connection: Any) -> Catalogue:
    source = DEV.sources.aurora.tables
    tables.create(connection, tables=source, datasets=DEV.datasets)
    loader.store(shop, previous=None, connection=connection, clients=clients, settings=DEV)
    return Catalogue(connection, source)


@pytest.fixture
def connection(clients: FakeClients) -> Iterator[Any]:
    with closing(loader.connect(clients, secret=DEV.aurora_secret)) as connection:
        yield connection


@pytest.fixture
def shop() -> ShopData:
    return generate(now=NOW).shop


@pytest.fixture
def catalogue(clients: FakeClients, connection: Any, shop: ShopData) -> Catalogue:
    return stored(clients, shop, connection)


class FakeApi:
    def __init__(self, personal: list[str] | None = None) -> None:
        self.paths: list[str] = []
        self._personal = personal or ["i0-00", "i5-11", "i0-01"]

    def get(self, path: str) -> dict[str, Any]:
        self.paths.append(path)
        source = "personal" if "/users/" in path else "related" if "/related" in path else "popular"
        ids = self._personal if source == "personal" else ["i0-00", "i5-11"]
        items = [{"itemId": item, "score": None} for item in ids]
        return {"items": items, "source": source, "version": RUN, "degraded": source == "popular"}


def told(api: FakeApi, catalogue: Catalogue, events: places.Events = lambda user: NOTHING) -> list[str]:
    return list(places.filled(api, catalogue, events))  # type: ignore[arg-type]


def below(lines: list[str], head: str) -> list[str]:
    """The lines of the place whose head begins so, until the next empty one."""
    start = next(n for n, line in enumerate(lines) if line.startswith(head)) + 1
    rest = lines[start:]
    return rest[: rest.index("")] if "" in rest else rest


def test_purchases_are_the_newest_first_and_names_have_their_category(catalogue: Catalogue) -> None:
    assert [item for item, _ in catalogue.purchases(HELD_OUT_USER)] == ["i0-00", "i0-01"]
    assert catalogue.named(["i0-00", "unknown"]) == {
        "i0-00": Named("Item 0-00", "", "Category 0"),
        "unknown": Named("unknown"),
    }


def test_the_user_shown_is_neither_the_newcomer_nor_chosen_at_random(catalogue: Catalogue) -> None:
    assert catalogue.regular_user() == catalogue.regular_user() != HELD_OUT_USER


def test_a_list_is_shown_as_what_was_bought_before_and_what_is_new(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Catalogue, "regular_user", lambda self: HELD_OUT_USER)
    api = FakeApi()
    lines = told(api, catalogue)
    assert api.paths == [
        "/v1/popular?numResults=6",
        "/v1/users/held-out/recommendations?numResults=25",
        "/v1/items/i0-00/related?numResults=6",
        "/v1/items/i0-01/related?numResults=6",
    ]
    assert [line.split()[3:5] for line in below(lines, "User held-out: bought last")] == [
        ["Item", "0-00"],
        ["Item", "0-01"],
    ]
    again = f"buy again: bought before, 2 of the 3 in the list (source personal, version {RUN})"
    assert again in lines and "new for you: never bought, 1 of the 3" in lines
    assert [line.split() for line in below(lines, "buy again")] == [
        ["Item", "0-00", "Category", "0"],
        ["Item", "0-01", "Category", "0"],
    ]
    assert [line.split() for line in below(lines, "new for you")] == [["Item", "5-11", "Category", "5"]]
    assert f"goes with Item 0-00 (source related, version {RUN})" in lines
    assert f"popular (source popular, version {RUN}, DEGRADED)" in lines


def test_a_list_of_nothing_new_says_so_and_names_the_rule(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Catalogue, "regular_user", lambda self: HELD_OUT_USER)
    lines = told(FakeApi(["i0-00", "i0-01"]), catalogue)
    assert "new for you: never bought, 0 of the 2" in lines
    assert below(lines, "new for you") == ["  none: publishing.min_never_bought keeps places for such items"]


def test_without_orders_a_user_is_shown_with_what_the_log_has_of_them(
    clients: FakeClients, connection: Any, shop: ShopData
) -> None:
    catalogue = stored(clients, replace(shop, orders=shop.orders.iloc[:0]), connection)
    lines = told(FakeApi(), catalogue, lambda user: [("i5-11", "Mon 23 Nov")])
    assert lines[0].endswith(": had last")
    assert [line.split()[:2] for line in below(lines, "once more: had before, 1 of")] == [["Item", "5-11"]]
    assert len(below(lines, "new for you: never had, 2 of")) == 2


def test_without_orders_and_log_the_lists_stand_alone(
    clients: FakeClients, connection: Any, shop: ShopData
) -> None:
    catalogue = stored(clients, replace(shop, orders=shop.orders.iloc[:0]), connection)
    lines = told(FakeApi(), catalogue)
    assert lines[0].endswith(": nothing had last")
    assert len(below(lines, "new for you: never had, 3 of")) == 3
    assert any(line.startswith("goes with Item 0-00 ") for line in lines)


def test_without_users_what_is_popular_is_left(clients: FakeClients, connection: Any, shop: ShopData) -> None:
    empty = replace(shop, users=shop.users.iloc[:0], orders=shop.orders.iloc[:0])
    catalogue = stored(clients, empty, connection)
    api = FakeApi()
    assert not any(line.startswith("User") for line in told(api, catalogue))
    assert api.paths == ["/v1/popular?numResults=6", "/v1/items/i0-00/related?numResults=6"]
    assert places.path_of(catalogue) == "/v1/popular?numResults=10"


def test_one_user_is_the_regular_one(clients: FakeClients, connection: Any, shop: ShopData) -> None:
    one = replace(shop, orders=shop.orders[shop.orders.user_id == HELD_OUT_USER])
    assert stored(clients, one, connection).regular_user() == HELD_OUT_USER


@pytest.mark.parametrize("missing", ["title", "category", "department", "brand"])
def test_items_that_lack_a_column_s_value_have_a_name_still(
    clients: FakeClients, connection: Any, shop: ShopData, missing: str
) -> None:
    catalogue = stored(clients, replace(shop, items=shop.items.assign(**{missing: None})), connection)
    name = catalogue.named(["i0-00"])["i0-00"]
    assert name.title == ("i0-00" if missing == "title" else "Item 0-00")
    assert name.category == ("" if missing == "category" else "Category 0")
    assert told(FakeApi(), catalogue)


def test_a_shop_without_any_item_shows_ids(clients: FakeClients, connection: Any, shop: ShopData) -> None:
    catalogue = stored(clients, replace(shop, items=shop.items.iloc[:0]), connection)
    assert below(told(FakeApi(), catalogue), "popular") == ["  i0-00", "  i5-11"]


def test_an_empty_list_of_the_api_is_an_empty_place(catalogue: Catalogue) -> None:
    class Empty(FakeApi):
        def get(self, path: str) -> dict[str, Any]:
            return super().get(path) | {"items": []}

    lines = told(Empty(), catalogue)
    assert "new for you: never bought, 0 of the 0" in lines
    assert below(lines, "popular") == []


@pytest.mark.parametrize(
    ("identifier", "escaped"), [("a/b", "a%2Fb"), ("a b?c#d", "a%20b%3Fc%23d"), ("ユーザー", "%E3%83%A6")]
)
def test_ids_are_escaped_in_paths(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, identifier: str, escaped: str
) -> None:
    monkeypatch.setattr(Catalogue, "regular_user", lambda self: identifier)
    api = FakeApi()
    told(api, catalogue)
    assert api.paths[1].startswith(f"/v1/users/{escaped}")
    assert api.paths[1].endswith("/recommendations?numResults=25")
    assert places.path_of(catalogue).startswith(f"/v1/users/{escaped}")


def test_names_of_both_languages_stand_in_columns_of_the_terminal_s_cells(
    clients: FakeClients, connection: Any, shop: ShopData
) -> None:
    items = shop.items.assign(title_ja="こもれび コーヒー豆")
    items.loc[items.item_id == "i5-11", ["title", "title_ja"]] = ["A" * 60, "豆" * 30]
    catalogue = stored(clients, replace(shop, items=items), connection)
    lines = below(told(FakeApi(), catalogue), "popular")
    before = [line[: line.index("Category")] for line in lines]
    assert [cell_len(line) for line in before] == [2 + places.TITLE + 2 + places.SECOND + 2] * 2
    assert "こもれび コーヒー豆" in lines[0]
    assert "A" * (places.TITLE - 1) + "…" in lines[1] and "豆" * 16 + "…" in lines[1]


def test_what_is_shown_beside_is_what_the_fewest_have_bought_but_enough(catalogue: Catalogue) -> None:
    cursor = catalogue.connection.cursor()
    cursor.execute("select item_id, count(distinct user_id) from orders group by 1 order by 2")
    buyers = dict(cursor.fetchall())
    some = [*list(buyers)[-3:], *list(buyers)[:2]]
    found = catalogue.telling(some, count=5)
    enough = [item for item in found if buyers[item] >= 20]
    assert set(found) == set(some)
    assert [buyers[item] for item in enough] == sorted(buyers[item] for item in enough)
    assert found[: len(enough)] == enough


TIMES = {
    "milliseconds": lambda at: {"N": str(at)},
    "seconds": lambda at: {"N": f"{at / 1000:.3f}"},
    "iso": lambda at: {"S": pd.Timestamp(at, unit="ms", tz="UTC").tz_convert("Asia/Tokyo").isoformat()},
}


@pytest.mark.parametrize("form", TIMES)
def test_what_a_user_did_last_is_read_from_the_log_without_impressions(form: str) -> None:
    at = TIMES[form]

    class Log:
        def query(self, **arguments: Any) -> dict[str, Any]:
            assert arguments["ScanIndexForward"] is False
            assert arguments["ExpressionAttributeValues"] == {":user": {"S": "u1"}}
            return {
                "Items": [
                    {"timestamp": at(1_764_000_000_000), "item_id": {"S": "b"}},
                    {"timestamp": at(1_763_990_000_000)},
                    {"timestamp": at(1_763_900_000_000), "item_id": {"S": "a"}},
                    {"timestamp": at(1_763_800_000_000), "item_id": {"S": "b"}},
                ]
            }

    configured = ApplicationLog(timestamp_format=form)
    assert log.newest(Log(), "table", "u1", log=configured) == [("b", "Mon 24 Nov"), ("a", "Sun 23 Nov")]
