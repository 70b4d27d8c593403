"""The Data API as a connection: what the loader writes through it is what PostgreSQL's own driver would have."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from psycopg2 import sql

from local.demo.data_api import BATCH, Connection, numbered, rendered


class Recorded:
    """The calls, in order; answers are empty."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**given: Any) -> dict[str, Any]:
            self.calls.append((name, given))
            return {"transactionId": "t"}

        return call


def connection(client: Any) -> Connection:
    return Connection(client, cluster="c", secret="s", database="d")


def test_identifiers_are_quoted_as_postgresql_wants_them() -> None:
    statement = sql.SQL("select {} from {}").format(sql.Identifier('a"b'), sql.Identifier("public", "users"))
    assert rendered(statement) == 'select "a""b" from "public"."users"'


def test_values_are_parameters_and_never_text_of_the_statement() -> None:
    moment = datetime(2026, 11, 27, tzinfo=UTC)
    text, parameters = numbered("insert into t values (%s, %s, %s)", ["'; drop", None, moment])
    assert text == "insert into t values (:p0, :p1, :p2::timestamptz)"
    assert [parameter["value"] for parameter in parameters] == [
        {"stringValue": "'; drop"},
        {"isNull": True},
        {"stringValue": "2026-11-27T00:00:00+00:00"},
    ]


def test_everything_is_one_transaction_until_it_is_committed() -> None:
    client = Recorded()
    opened = connection(client)
    with opened.cursor() as cursor:
        cursor.execute("select 1")
        cursor.execute("select 2")
    opened.commit()
    opened.close()
    names = [name for name, _ in client.calls]
    assert names == ["begin_transaction", "execute_statement", "execute_statement", "commit_transaction"]
    assert client.calls[1][1]["transactionId"] == "t"


def test_what_is_not_committed_is_undone() -> None:
    client = Recorded()
    opened = connection(client)
    with opened.cursor() as cursor:
        cursor.execute("select 1")
    opened.close()
    assert client.calls[-1][0] == "rollback_transaction"


@pytest.mark.parametrize("rows", [1, BATCH, BATCH + 1, 3 * BATCH])
def test_rows_go_in_requests_of_bounded_size(rows: int) -> None:
    client = Recorded()
    copy = sql.SQL("copy arriving ({}) from stdin (format csv)").format(
        sql.SQL(", ").join(map(sql.Identifier, ["user_id", "age"]))
    )
    with connection(client).cursor() as cursor:
        cursor.copy_expert(copy, StringIO("u1,\n" * rows))
    statements = [given for name, given in client.calls if name == "execute_statement"]
    assert len(statements) == -(-rows // BATCH)
    assert statements[0]["sql"] == (
        'insert into arriving ("user_id", "age") select "user_id", "age" '
        "from json_populate_recordset(null::arriving, :rows::json)"
    )
    assert '{"user_id": "u1", "age": null}' in statements[0]["parameters"][0]["value"]["stringValue"]
