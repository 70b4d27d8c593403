"""The application's database through the RDS Data API, as far as the loader speaks to a connection.

So that an environment is filled in the same way here and on AWS, where its database lies in a private network.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TextIO

from psycopg2 import sql

BATCH = 500  # rows a statement: requests may have 4 MiB


class Connection:
    """One transaction, as psycopg2's: begun by the first statement, ended by `commit`."""

    def __init__(self, client: Any, *, cluster: str, secret: str, database: str) -> None:
        self._client = client
        self._place = {"resourceArn": cluster, "secretArn": secret}
        self._database = database
        self._transaction = ""

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        yield Cursor(self)

    def run(self, statement: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
        if not self._transaction:
            begun = self._client.begin_transaction(**self._place, database=self._database)
            self._transaction = begun["transactionId"]
        answer: dict[str, Any] = self._client.execute_statement(
            **self._place,
            database=self._database,
            transactionId=self._transaction,
            sql=statement,
            parameters=parameters,
        )
        return answer

    def commit(self) -> None:
        self._end(self._client.commit_transaction)

    def close(self) -> None:
        """What was not committed is undone."""
        self._end(self._client.rollback_transaction)

    def _end(self, call: Any) -> None:
        transaction, self._transaction = self._transaction, ""
        if transaction:
            call(**self._place, transactionId=transaction)


class Cursor:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self.rowcount = -1

    def execute(self, statement: str | sql.Composable, values: Sequence[object] = ()) -> None:
        text, parameters = numbered(rendered(statement), values)
        answer = self._connection.run(text, parameters)
        self._rows = [tuple(map(_value, row)) for row in answer.get("records", [])]
        self.rowcount = len(self._rows) or int(answer.get("numberOfRecordsUpdated", 0))

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def copy_expert(self, statement: sql.Composed, file: TextIO) -> None:
        """COPY of CSV into a table, the statement's only one, by inserts. An empty field is null."""
        table, *columns = _names(statement)
        rows = csv.reader(file)
        into = f"insert into {table} ({', '.join(columns)})"
        select = f"select {', '.join(columns)} from json_populate_recordset(null::{table}, :rows::json)"
        names = [column.strip('"') for column in columns]
        while batch := list(islice(rows, BATCH)):
            found = [dict(zip(names, (value or None for value in row), strict=True)) for row in batch]
            self._connection.run(f"{into} {select}", [_parameter("rows", json.dumps(found))])


def rendered(statement: str | sql.Composable) -> str:
    """The text of a statement, its identifiers quoted; psycopg2's own needs a connection."""
    if isinstance(statement, sql.Composed):
        return "".join(map(rendered, statement.seq))
    if isinstance(statement, sql.Identifier):
        return ".".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in statement.strings)
    return statement.string if isinstance(statement, sql.SQL) else str(statement)


def numbered(text: str, values: Sequence[object]) -> tuple[str, list[dict[str, Any]]]:
    """`%s` becomes `:p0` and so on."""
    first, *rest = text.split("%s")
    parameters = [_parameter(f"p{place}", value) for place, value in enumerate(values)]
    casts = [
        "::timestamptz" if hasattr(value, "isoformat") else "" for value in values
    ]  # the API has no type of its own for moments with a zone
    return first + "".join(f":p{place}{casts[place]}{part}" for place, part in enumerate(rest)), parameters


def _parameter(name: str, value: object) -> dict[str, Any]:
    if value is None:
        return {"name": name, "value": {"isNull": True}}
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return {"name": name, "value": {"stringValue": text}}


def _names(statement: sql.Composed) -> list[str]:
    """Table and columns of `copy <table> (<columns>) from stdin`."""
    text = rendered(statement)
    table, _, rest = text.removeprefix("copy ").partition(" (")
    return [table, *rest.partition(")")[0].split(", ")]


def _value(field: dict[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
