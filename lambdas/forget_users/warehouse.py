"""Rows of the warehouse: of every table that has a column for a user, whoever made it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.forget_users.contents import Users
from lambdas.shared.statements import ended

# Views have none of their own; tables of other schemas are not the product's.
TABLES = (
    "select c.table_schema, c.table_name, c.column_name from svv_columns c join svv_tables t "
    "on t.table_schema = c.table_schema and t.table_name = c.table_name "
    "where t.table_type = 'BASE TABLE' and c.column_name in ('user_id', 'entity_id', 'source_key', 'unit_id') "
    "and c.table_schema not in ('information_schema', 'pg_catalog', 'pg_internal') order by 1, 2, 3"
)


class WarehouseRefused(RuntimeError):
    """The warehouse did not carry out a statement; the message has its reason, and no value."""


@dataclass(frozen=True)
class Warehouse:
    """`where` is what the Data API is told of every statement: workgroup, database, secret."""

    redshift_data: Any
    where: dict[str, str]
    lists_of_others: Sequence[str]
    sleep: Callable[[float], None] = time.sleep

    def remove(self, users: Users) -> int:
        """How many rows went. Raises WarehouseRefused."""
        found = self._run(TABLES, {})
        tables = [[str(field["stringValue"]) for field in row] for row in self._rows(found)]
        return sum(self._remove(*table, users=users) for table in tables)

    def _remove(self, schema: str, table: str, column: str, *, users: Users) -> int:
        condition, values = self._of_users(column, users)
        name = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, table))
        return int(self._run(f"delete from {name} where {condition}", values).get("ResultRows", 0))

    def _of_users(self, column: str, users: Users) -> tuple[str, dict[str, str]]:
        """Values travel as parameters: the text of a statement is shown in lists and logs."""
        ids = {f"u{number}": user for number, user in enumerate(users)}
        among = f"in ({', '.join(f':{name}' for name in ids)})"
        if column == "source_key":
            return self._quarantined(among, ids)
        if column == "entity_id" and self.lists_of_others:
            others = {f"s{number}": name for number, name in enumerate(self.lists_of_others)}
            listed = ", ".join(f":{name}" for name in others)
            return f"entity_id {among} and solution not in ({listed})", {**ids, **others}
        return f"{column} {among}", ids

    def _quarantined(self, among: str, ids: dict[str, str]) -> tuple[str, dict[str, str]]:
        quoted = {f"q{name}": json.dumps(user, ensure_ascii=False) for name, user in ids.items()}
        inside = " or ".join(f"strpos(source_key, :{name}) > 0" for name in quoted)
        condition = f"dataset <> 'items' and (source_key {among} or wrong_value {among} or {inside})"
        return condition, {**ids, **quoted}

    def _run(self, statement: str, values: dict[str, str]) -> dict[str, Any]:
        """The finished statement's description."""
        parameters = [{"name": name, "value": value} for name, value in values.items()]
        started = self.redshift_data.execute_statement(
            **self.where,
            Sql=statement,
            StatementName="forget",
            **({"Parameters": parameters} if parameters else {}),
        )
        seen = ended(self.redshift_data, started["Id"], sleep=self.sleep)
        if seen["Status"] != "FINISHED":
            raise WarehouseRefused(f"{statement}: {_without(seen.get('Error', 'no reason given'), values)}")
        return seen

    def _rows(self, finished: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        pages = self.redshift_data.get_paginator("get_statement_result").paginate(Id=finished["Id"])
        return (record for page in pages for record in page["Records"])


def _without(text: str, values: dict[str, str]) -> str:
    """An error may quote what was compared."""
    for value in values.values():
        text = text.replace(value, "?")
    return text
