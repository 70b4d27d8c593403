"""The application's tables in PostgreSQL, and how rows get into them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from psycopg2 import sql

from config.limits import EVENT_VALUE_DECIMALS, EVENT_VALUE_DIGITS
from config.settings import Datasets, SourceTables
from local.demo.shop import ShopData

BASE_COLUMNS = {
    "users": {
        "user_id": "text primary key",
        "age": "text",
        "income": "text",
        "household_size": "text",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
    "items": {
        "item_id": "text primary key",
        "department": "text",
        "category": "text",
        "brand": "text",
        "title": "text",
        "title_ja": "text",  # where the shop has a second name
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
    "orders": {
        "order_id": "text",
        "user_id": "text",
        "item_id": "text",
        "quantity": "int",
        # As exact as the pipeline is (plain_number in glue_jobs/transforms/text.py).
        "sales_value": f"numeric({EVENT_VALUE_DIGITS},{EVENT_VALUE_DECIMALS})",
        "ordered_at": "timestamptz",
    },
}
KEYS = {"users": ("user_id",), "items": ("item_id",), "orders": ("order_id", "item_id")}
TYPES = {
    "string": "text",
    "int": "bigint",
    "long": "bigint",
    "float": "double precision",
    "double": "double precision",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class Previous:
    """What the last load left, so that the next continues from it."""

    source: str
    progress: dict[str, str]
    newest: pd.Timestamp


def create(connection: Any, *, tables: SourceTables, datasets: Datasets) -> None:
    columns = {
        "users": {**_configured(datasets.fields("users")), **BASE_COLUMNS["users"]},
        "items": {**_configured(datasets.fields("items")), **BASE_COLUMNS["items"]},
        "orders": {**BASE_COLUMNS["orders"], "primary key": "(order_id, item_id)"},
    }
    with connection.cursor() as cursor:
        for name in given(tables):
            kinds = columns[name]
            listed = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
            statement = sql.SQL(f"create table if not exists {{}} ({listed})")
            cursor.execute(statement.format(_identifier(tables, name)))
        orders = _identifier(tables, "orders")
        cursor.execute(sql.SQL("create index if not exists orders_by_user on {} (user_id)").format(orders))
        items = _identifier(tables, "items")
        cursor.execute(sql.SQL("alter table {} add column if not exists title_ja text").format(items))
        # A database of an earlier version rounds to cents; nothing is rewritten where the type is this one.
        widen = sql.SQL("alter table {} alter column sales_value type {}")
        cursor.execute(widen.format(orders, sql.SQL(BASE_COLUMNS["orders"]["sales_value"])))
        # The demo's own note; the application and the pipeline never read it.
        cursor.execute("create schema if not exists demo")
        cursor.execute(
            "create table if not exists demo.loads (id int generated always as identity, "
            "loaded_at timestamptz default now(), source text, progress text, newest timestamptz)"
        )


def _configured(fields: Any) -> dict[str, str]:
    return {field.column: TYPES[field.type] for field in fields}


def given(tables: SourceTables) -> list[str]:
    """Tables that the configuration names: orders, and users and items where there are datasets of them."""
    return [name for name in KEYS if getattr(tables, name) is not None]


def _identifier(tables: SourceTables, name: str) -> sql.Identifier:
    return sql.Identifier(*getattr(tables, name).split("."))


def previous(connection: Any) -> Previous | None:
    with connection.cursor() as cursor:
        cursor.execute("select source, progress, newest from demo.loads order by id desc limit 1")
        row = cursor.fetchone()
    return Previous(row[0], json.loads(row[1]), pd.Timestamp(row[2]).tz_convert("UTC")) if row else None


def insert(connection: Any, shop: ShopData, *, tables: SourceTables) -> dict[str, int]:
    """Rows added or changed, by table. Users and items are brought up to date, orders are never changed."""
    counts = {}
    frames = {"users": shop.users, "items": shop.items, "orders": shop.orders}
    with connection.cursor() as cursor:
        for name in given(tables):
            counts[name] = _upsert(cursor, frames[name], table=_identifier(tables, name), key=KEYS[name])
    return counts


def _upsert(cursor: Any, frame: pd.DataFrame, *, table: sql.Identifier, key: tuple[str, ...]) -> int:
    if frame.empty:
        return 0
    columns = list(frame.columns)
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    cursor.execute(sql.SQL("create temp table arriving (like {}) on commit drop").format(table))
    cursor.copy_expert(
        sql.SQL("copy arriving ({}) from stdin (format csv)").format(listed),
        io.StringIO(frame.to_csv(index=False, header=False)),
    )
    statement = sql.SQL("insert into {} ({}) select {} from arriving on conflict ({}) do {}")
    conflict = sql.SQL(", ").join(map(sql.Identifier, key))
    action = _update(columns, key) if len(key) == 1 else sql.SQL("nothing")
    cursor.execute(statement.format(table, listed, listed, conflict, action))
    count = int(cursor.rowcount)
    cursor.execute("drop table arriving")
    return count


def _update(columns: list[str], key: tuple[str, ...]) -> sql.Composable:
    pairs = [
        sql.SQL("{} = excluded.{}").format(sql.Identifier(column), sql.Identifier(column))
        for column in columns
        if column not in (*key, "created_at")
    ]
    return sql.SQL("update set {}").format(sql.SQL(", ").join(pairs))


def remember(connection: Any, shop: ShopData, *, newest: pd.Timestamp) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into demo.loads (source, progress, newest) values (%s, %s, %s)",
            (shop.source, json.dumps(shop.progress), newest.to_pydatetime()),
        )


def counts(connection: Any, *, tables: SourceTables) -> Mapping[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for name in given(tables):
            cursor.execute(sql.SQL("select count(*) from {}").format(_identifier(tables, name)))
            found[name] = int(cursor.fetchone()[0])
        return found
