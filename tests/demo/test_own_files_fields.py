"""Metadata of a configuration with typed and required fields: what the application's columns and Personalize take."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest

from config import settings
from config.settings import DatasetField, ItemsDataset, Settings
from local.demo import loader
from tests.demo.conftest import FakeClients
from tests.demo.test_loader import select
from tests.demo.written import Content, put, read, refusal, rows, text

ROWS = rows()
FIELDS = (
    DatasetField(name="ITEM_ID", column="item_id"),
    DatasetField(name="CREATION_TIMESTAMP", column="released", type="long"),
    DatasetField(name="PRICE", column="price", type="float"),
    DatasetField(name="STOCK", column="stock", type="int", nullable=True),
    DatasetField(name="VIEWS", column="views", type="long", nullable=True),
    DatasetField(name="SALE", column="sale", type="boolean", nullable=True),
    DatasetField(name="STORY", column="story", textual=True, nullable=True),
)


@pytest.fixture
def typed() -> Settings:
    dev = settings.load("dev")
    datasets = dev.datasets.model_copy(update={"items": ItemsDataset(fields=FIELDS)})
    return dev.model_copy(update={"datasets": datasets})


def shop(items: str) -> dict[str, Content]:
    return {"interactions.csv": text(ROWS), "items.csv": items}


def listed(header: str, row: str, count: int = 30) -> str:
    return f"ITEM_ID,PRICE,{header}\n" + "".join(f"i{n},9.5,{row if n == 1 else ''}\n" for n in range(count))


@pytest.mark.parametrize(
    ("header", "value", "words"),
    [
        ("STOCK", "2147483648", "2147483648 does not fit int (-2147483648 to 2147483647)"),
        ("STOCK", "1.5", "'1.5' is not a whole number (int)"),
        ("VIEWS", "9223372036854775808", "does not fit long"),
        ("VIEWS", "many", "'many' is not a whole number (long)"),
        ("SALE", "perhaps", "'perhaps' is not true or false: write one of them"),
        ("STORY", "x" * 20_001, "it has 20,001 characters, Personalize takes 20,000 of a text: shorten it"),
        (
            "STORY",
            "日本" * 3_501,
            "it has 7,002 characters, Personalize takes 7,000 of a text in Chinese or Japanese",
        ),
        ("STORY", "a\x00b", "'a\\x00b' holds a NUL character"),
        ("CREATION_TIMESTAMP", "1927-01-10", "1927-01-10 is before 1970, Personalize takes times since then"),
    ],
)
def test_a_field_of_another_type_or_length_is_refused(
    tmp_path: Path, typed: Settings, header: str, value: str, words: str
) -> None:
    line = refusal(put(tmp_path, shop(listed(header, value))), typed.datasets)
    assert line.startswith(f"items.csv, row 3, column {header}: ")
    assert words in line


def test_a_required_field_that_many_lack_is_refused_and_that_few_lack_is_told(
    tmp_path: Path, typed: Settings
) -> None:
    assert refusal(put(tmp_path, shop(listed("SALE", "true", count=20))), typed.datasets) == (
        "10 of 30 items have no PRICE, which the configuration requires (such as 'i20'): give it in items.csv, "
        "or set nullable in datasets.items.fields"
    )
    put(tmp_path, shop(listed("SALE", "true", count=29)))
    notes = read(tmp_path, typed.datasets).notes
    assert (
        "Warning: 1 of 30 items have no PRICE, which the configuration requires (such as 'i29'): they get no metadata"
    ) in notes


def test_typed_fields_reach_the_application_s_columns(
    tmp_path: Path, typed: Settings, clients: FakeClients
) -> None:
    """Of a number without digits beyond 53 bits, with the largest that a field takes."""
    header = "CREATION_TIMESTAMP,STOCK,VIEWS,SALE,STORY"
    put(tmp_path, shop(listed(header, '2026-01-31,2147483647,9223372036854775807,yes,"a ""b"", c\\d"')))
    loader.load(clients=clients, settings=typed, size="small", folder=tmp_path)
    query = (
        "select item_id, released, price, stock, views, sale, story from public.items where item_id = 'i1'"
    )
    assert select(clients, query) == [("i1", 1_769_817_600, 9.5, 2**31 - 1, 2**63 - 1, True, 'a "b", c\\d')]


def test_an_application_of_an_earlier_version_takes_the_values_too(
    tmp_path: Path, clients: FakeClients
) -> None:
    with closing(loader.connect(clients, secret="osusume-dev/aurora")) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "create table public.orders (order_id text, user_id text, item_id text, quantity int, "
            "sales_value numeric(10,2), ordered_at timestamptz, primary key (order_id, item_id)); "
            "insert into public.orders values ('o', 'u', 'i', 1, 1.25, '2025-01-01')"
        )
        connection.commit()
    table = [(*row, "100000000.001") for row in ROWS]
    put(tmp_path, {"interactions.csv": text(table, ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_VALUE"))})
    loader.load(clients=clients, settings=settings.load("dev"), size="small", folder=tmp_path)
    query = "select distinct sales_value::float from public.orders order by 1"
    assert select(clients, query) == [(1.25,), (100_000_000.001,)]


def test_values_reach_the_application_exactly(tmp_path: Path, clients: FakeClients) -> None:
    values = ["0.004", "", "100000000", "1e18", "0.123456789"]
    table = [(*row, values[n % 5]) for n, row in enumerate(ROWS)]
    put(tmp_path, {"interactions.csv": text(table, ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_VALUE"))})
    loader.load(clients=clients, settings=settings.load("dev"), size="small", folder=tmp_path)
    found = select(clients, "select sales_value::text from public.orders order by ordered_at limit 5")
    assert [value and re.sub(r"\.0*$|(?<=[1-9])0+$", "", value) for (value,) in found] == [
        "0.004",
        None,
        "100000000",
        "1000000000000000000",
        "0.123456789",
    ]
