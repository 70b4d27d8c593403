"""Who visits and what things are called: the application's own database, read as the user who may only read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operations import queries
from operations.place import Place, Refused

USERS = 12  # shown of a search
NEWEST = 8  # purchases of a user


class NotKnown(RuntimeError):
    """The database can't be asked; the message says why and what helps."""


@dataclass(frozen=True)
class People:
    place: Place

    def users(self, search: str) -> list[dict[str, Any]]:
        """[{user, orders}] whose id contains `search`: those with most orders first, of equals the first by id.

        Of an application without a table of users those who ordered.
        """
        known = "{users}" if "{users}" in self._tables else "(select distinct user_id from {orders})"
        rows = self._rows(
            f"select u.user_id, count(distinct o.order_id) from {known} u left join {{orders}} o "
            "on o.user_id = u.user_id where position(:search in u.user_id) > 0 "
            f"group by u.user_id order by 2 desc, 1 limit {USERS}",
            search=search,
        )
        return [{"user": str(user), "orders": int(orders)} for user, orders in rows]

    def purchases(self, user: str) -> list[dict[str, str]]:
        """[{item, day}] of the database's orders, the newest first. What is bought on the page is an event."""
        rows = self._rows(
            "select item_id, to_char(max(ordered_at), 'YYYY-MM-DD') from {orders} where user_id = :buyer "
            f"group by item_id order by max(ordered_at) desc, item_id limit {NEWEST}",
            buyer=user,
        )
        return [{"item": str(item), "day": str(day)} for item, day in rows]

    def named(self, items: Sequence[str]) -> dict[str, dict[str, str]]:
        """Item -> {title, second, category} of those that the shop has a name for."""
        if "{items}" not in self._tables:
            return {}
        rows = self._rows(
            "select item_id, title, title_ja, category from {items} "
            "where item_id in (select json_array_elements_text(:wanted::json))",
            wanted=json.dumps(list(items)),
        )
        return {
            str(item): {"title": title or str(item), "second": second or "", "category": category or ""}
            for item, title, second, category in rows
        }

    def _rows(self, statement: str, **values: str) -> list[list[Any]]:
        try:
            answer = self.place.client("rds-data").execute_statement(
                **self._database,
                sql=self._with_tables(statement),
                parameters=[{"name": name, "value": {"stringValue": text}} for name, text in values.items()],
            )
        except (BotoCoreError, ClientError, Refused) as error:
            raise NotKnown(
                f"The shop's database gives no names; its reader may ask from the first run on: {error}"
            ) from error
        return [[_value(field) for field in row] for row in answer.get("records", [])]

    @cached_property
    def _database(self) -> dict[str, str]:
        secret = self.place.names.aurora_reader_secret
        return {
            "resourceArn": queries.cluster_arn(self.place),
            "secretArn": self.place.client("secretsmanager").describe_secret(SecretId=secret)["ARN"],
            "database": self.place.settings.aurora.database,
        }

    @property
    def _tables(self) -> dict[str, str]:
        """Quoted names by their places in a statement; none where the application has no database."""
        aurora = self.place.settings.sources.aurora
        given = (
            {name: getattr(aurora.tables, name) for name in ("users", "items", "orders")} if aurora else {}
        )
        return {f"{{{name}}}": _quoted(table) for name, table in given.items() if table}

    def _with_tables(self, statement: str) -> str:
        for place, table in self._tables.items():
            statement = statement.replace(place, table)
        return statement


def _quoted(table: str) -> str:
    return ".".join(f'"{part}"' for part in table.split("."))


def _value(field: dict[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
