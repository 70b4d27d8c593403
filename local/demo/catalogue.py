"""The application's own tables, asked for what a person would want to know of a list: names and purchases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from config.settings import SourceTables
from local.demo import tables

ENOUGH_BUYERS = 20  # for what goes with an item to be more than chance


@dataclass(frozen=True)
class Named:
    """What an item is called. `second` is its name in the shop's other language, `category` where it stands."""

    title: str
    second: str = ""
    category: str = ""


def _in_words(category: str) -> str:
    """`FLUID MILK` as `Fluid Milk`; a name that is written as one stays."""
    return category.title() if category.isupper() or category.islower() else category


@dataclass(frozen=True)
class Catalogue:
    connection: Any
    tables: SourceTables

    def named(self, items: Iterable[str]) -> dict[str, Named]:
        """Every item has a name: the id where the shop gives none, or doesn't know it."""
        wanted = list(dict.fromkeys(items))
        rows = self._select(
            "select item_id, title, title_ja, category from {items} where item_id = any(%s)", wanted
        )
        known = {
            item: Named(title or item, second or "", _in_words(category or ""))
            for item, title, second, category in rows
        }
        return {item: known.get(item, Named(item)) for item in wanted}

    def regular_user(self) -> str | None:
        """A user with a median number of orders: neither the heaviest buyer nor a newcomer.

        Where nobody ordered, the one in the middle of the users' ids; None where there is no user.
        """
        rows = self._select(
            "select user_id from {orders} group by user_id "
            "order by count(distinct order_id), user_id "
            "offset (select count(distinct user_id) / 2 from {orders}) limit 1"
        )
        rows = rows or self._select(
            "select user_id from {users} order by user_id offset (select count(*) / 2 from {users}) limit 1"
        )
        return str(rows[0][0]) if rows else None

    def has_orders(self) -> bool:
        return bool(self._select("select 1 from {orders} limit 1"))

    def purchases(self, user: str) -> list[tuple[str, str]]:
        """(item, day) of every item that the user bought, the newest first."""
        rows = self._select(
            "select item_id, to_char(max(ordered_at), 'Dy DD Mon') from {orders} where user_id = %s "
            "group by item_id order by max(ordered_at) desc, item_id",
            user,
        )
        return [(item, day) for item, day in rows]

    def telling(self, items: Sequence[str], *, count: int) -> list[str]:
        """The items that say most about who bought them: those of the fewest buyers, if these are enough."""
        rows = self._select(
            "select item_id, count(distinct user_id) from {orders} where item_id = any(%s) group by item_id",
            list(items),
        )
        buyers = dict(rows)
        by_buyers = sorted(items, key=lambda item: (buyers.get(item, 0) < ENOUGH_BUYERS, buyers.get(item, 0)))
        return by_buyers[:count]

    def _select(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        names = {
            name: sql.Identifier(*getattr(self.tables, name).split(".")) for name in tables.given(self.tables)
        }
        with self.connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(**names), values)
            return list(cursor.fetchall())
