"""Large tables are read in parts, under a writer, against the real server: none twice, none lost, one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.glue_jobs.conftest import jdbc_driver
from tests.glue_jobs.test_extract_aurora import extracted, server, sql

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not jdbc_driver(), reason="the PostgreSQL JDBC driver is not installed: make install"),
]
__all__ = ["extracted", "server", "sql"]  # fixtures
ORDERS, PAID = 3000, 100
SHOP = f"""
drop table if exists paid, spent cascade;
create table paid (order_id bigint primary key, who text, amount bigint);
create table spent (who text primary key, amount bigint);
insert into paid select n, 'u' || n % 50, {PAID} from generate_series(1, {ORDERS}) n;
insert into spent select who, sum(amount) from paid group by who;
grant select on paid, spent to app;
"""
COLUMNS = {"orders": ["who", "order_id", "amount"], "users": ["who", "amount"]}
TABLES = {"orders": "public.paid", "users": "public.spent"}


class Writer:
    """Orders come, change and go meanwhile; at each commit there are ORDERS of them, and each user's sum is right."""

    def __init__(self, server: Any) -> None:
        self.server, self.commits, self.stopped = server, 0, threading.Event()
        self.thread = threading.Thread(target=self.write)

    def write(self) -> None:
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            while not self.stopped.is_set():
                oldest = self.commits + 1
                cursor.execute(
                    f"begin; delete from paid where order_id = {oldest};"
                    f"insert into paid select {oldest + ORDERS}, 'u' || {oldest} % 50, {PAID};"
                    # Each changed row moves to another place in the table.
                    f"update paid set amount = amount + 1 where order_id % 40 = {oldest} % 40;"
                    "update spent set amount = (select sum(amount) from paid where paid.who = spent.who);"
                    "commit"
                )
                self.commits += 1

    def __enter__(self) -> Writer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()


def parts_of(path: Path) -> int:
    return len([file for file in path.iterdir() if file.suffix == ".parquet"])


def test_parts_that_are_read_while_orders_change_are_of_one_moment(
    extracted: Any, sql: Callable[[str], None], server: Any, tmp_path: Path
) -> None:
    sql(SHOP)
    extracted(COLUMNS, TABLES, connections=7, rows=250)
    assert parts_of(tmp_path / "orders") == 7
    with Writer(server) as writer:
        before = writer.commits
        read = extracted(COLUMNS, TABLES, connections=7, rows=250)
        during = writer.commits - before
    orders = [tuple(row) for row in read("orders").select("order_id", "who", "amount").collect()]
    assert during > 3
    # Rows move when they change: ranges of pages may be empty by then, and make no file.
    assert 1 < parts_of(tmp_path / "orders") <= 7
    assert len(orders) == ORDERS == len({order for order, _, _ in orders})
    spent: dict[str, int] = {}
    for _, who, amount in orders:
        spent[who] = spent.get(who, 0) + amount
    assert spent == {row["who"]: row["amount"] for row in read("users").collect()}


def test_a_table_below_the_size_is_read_over_one_connection(
    extracted: Any, sql: Callable[[str], None], tmp_path: Path
) -> None:
    sql(SHOP + "analyze paid")
    extracted(COLUMNS, TABLES, connections=7, rows=ORDERS)
    assert parts_of(tmp_path / "orders") == 1
    extracted(COLUMNS, TABLES, connections=7, rows=ORDERS - 1)
    assert parts_of(tmp_path / "orders") == 2


KINDS = {
    "a table without a key": "create table odd as select who, order_id, amount from paid",
    "one with gaps": "create table odd as select * from paid; delete from odd where order_id % 3 > 0",
    "rows that repeat": "create table odd as select who, 1 as order_id, amount from paid",
    "no row": "create table odd (who text, order_id bigint, amount bigint)",
    "partitions": (
        "create table odd (who text, order_id bigint, amount bigint) partition by range (order_id);"
        "create table odd_1 partition of odd for values from (0) to (500);"
        "create table odd_2 partition of odd default; insert into odd select who, order_id, amount from paid"
    ),
    "partitions of partitions": (
        "create table odd (who text, order_id bigint, amount bigint) partition by range (order_id);"
        "create table odd_1 partition of odd for values from (0) to (2000);"
        "create table odd_2 partition of odd default partition by list (amount);"
        "create table odd_3 partition of odd_2 default; insert into odd select who, order_id, amount from paid"
    ),
    "a child that inherits": (
        "create table odd as select who, order_id, amount from paid where order_id < 10;"
        "create table odd_1 () inherits (odd); insert into odd_1 select who, order_id, amount from paid"
    ),
    "a view": "create view odd as select who, order_id, amount from paid",
    "a view whose key is null": "create view odd as select nullif(who, 'u7') as who, order_id, amount from paid",
    "a view of numbers": "create view odd as select order_id as who, order_id, amount from paid",
    "a materialized view": "create materialized view odd as select who, order_id, amount from paid",
    "a table of another name": (
        'create schema if not exists "select"; drop table if exists "select".t;'
        'create table "select".t as select who, order_id, amount from paid; create view odd as select * from "select".t'
    ),
}  # fmt: skip
KIND = {"a view": "view", "a view whose key is null": "view", "a view of numbers": "view",
        "a materialized view": "materialized view", "a table of another name": "view"}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_of_whatever_is_called_a_table_is_in_one_part(
    kind: str, spark: Any, sql: Callable[[str], None], server: Any
) -> None:
    """By the server itself, which counts what each part's condition selects."""
    from glue_jobs import database, parts

    sql(f"{SHOP} {KINDS[kind]}; grant select on odd to app")
    asked = "select who, order_id, amount from public.odd"
    try:
        with database.connection(spark, source_of(server)) as connected:
            found = parts.conditions(
                connected,
                table="public.odd",
                asked=asked,
                key="who",
                reading=parts.Reading(connections=5, rows=100),
            )
            counted = [
                int(database.first_value(connected, f"select count(*) from ({asked} where {one}) x"))
                for one in found
            ]
            there = int(database.first_value(connected, "select count(*) from public.odd"))
            once = " + ".join(f"coalesce(({one}), false)::int" for one in found)
            wrong = database.first_value(connected, f"select count(*) from public.odd where {once} <> 1")
    finally:
        sql(f"drop {KIND.get(kind, 'table')} odd cascade")
    assert (sum(counted), wrong, len(found)) == (there, "0", 5)
    assert all("ctid" in one for one in found) == (kind != "no row" and KIND.get(kind) != "view")


def source_of(server: Any) -> Any:
    from glue_jobs.database import Source

    at = server.address
    return Source(f"jdbc:postgresql://{at.host}:{at.port}/postgres", "app", "p")


def test_a_table_of_fewer_blocks_than_connections_has_a_part_for_each_block() -> None:
    from glue_jobs.parts import by_place

    assert by_place(1, 8) == ("",)
    assert by_place(2, 8) == ("ctid < '(1,0)'", "ctid >= '(1,0)'")
    assert by_place(8, 2) == ("ctid < '(4,0)'", "ctid >= '(4,0)'")


@pytest.mark.parametrize(
    ("rows", "wanted"), [(0, 1), (1, 1), (100, 1), (101, 2), (799, 8), (800, 8), (9999, 8)]
)
def test_one_connection_more_for_every_so_many_rows_up_to_the_most(rows: int, wanted: int) -> None:
    from glue_jobs.parts import Reading

    assert Reading(connections=8, rows=100).parts(rows) == wanted
    assert Reading(connections=1, rows=100).parts(rows) == 1


def test_a_reader_that_comes_to_another_instance_is_refused_with_the_cure(
    extracted: Any, sql: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another instance doesn't know the snapshot; the server says so in its own words."""
    from glue_jobs import extract_aurora

    sql(SHOP)
    read = extract_aurora.read
    monkeypatch.setattr(
        extract_aurora,
        "read",
        lambda *given, queries, snapshot: read(*given, queries=queries, snapshot="00000099-00000001-1"),
    )
    with pytest.raises(
        extract_aurora.SourceRefused, match=r"endpoint must lead to one instance, the writer's"
    ):
        extracted(COLUMNS, TABLES, connections=3, rows=100)


def test_a_server_that_ends_idle_transactions_does_not_end_the_one_of_the_snapshot(
    extracted: Any, sql: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    from glue_jobs import extract_aurora

    sql(SHOP + "alter role app set idle_in_transaction_session_timeout = '200ms'")
    read = extract_aurora.read

    def late(*given: Any, **named: Any) -> Any:
        time.sleep(0.5)
        return read(*given, **named)

    monkeypatch.setattr(extract_aurora, "read", late)
    assert extracted(COLUMNS, TABLES)("orders").count() == ORDERS
