"""The extraction's user, made in a real PostgreSQL: what it may do, and that twice is as once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from botocore.exceptions import ClientError

from lambdas.grant_reader.environment import Environment
from lambdas.grant_reader.handler import DatabaseResuming, ReaderNotGranted, run
from lambdas.grant_reader.verifier import scram
from osusume_endpoint.rds import placeholders

SETTINGS = Environment(
    cluster_arn="arn:cluster",
    administrator_secret_arn="arn:administrator",
    reader_secret_arn="arn:reader",
    database="postgres",
    tables=["public.users", "shop.Orders"],
)


class Secrets:
    def __init__(self, password: str) -> None:
        self.password = password

    def get_secret_value(self, *, SecretId: str) -> Any:
        assert SecretId == "arn:reader"
        return {"SecretString": json.dumps({"username": "extraction", "password": self.password})}


class DataApi:
    """The Data API's transactions on a connection of the administrator; what it ran is kept."""

    def __init__(self, server: Any) -> None:
        self.server, self.ran = server, []
        self.connection: Any = None

    def begin_transaction(self, *, resourceArn: str, secretArn: str, database: str) -> Any:
        assert (resourceArn, secretArn, database) == ("arn:cluster", "arn:administrator", "postgres")
        self.connection = self.server.connect()
        self.connection.autocommit = False
        return {"transactionId": "t"}

    def execute_statement(self, *, sql: str, parameters: list[Any], transactionId: str, **_: Any) -> Any:
        assert transactionId == "t"
        self.ran.append(sql)
        given = {one["name"]: one["value"]["stringValue"] for one in parameters}
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(placeholders.replace(sql, lambda name: f"'{given[name]}'") if given else sql)
        except psycopg2.Error as error:
            message = f"{error}".strip()
            raise ClientError(
                {"Error": {"Code": "DatabaseErrorException", "Message": message}}, "x"
            ) from None

    def commit_transaction(self, **_: Any) -> None:
        self.connection.commit()
        self.connection.close()

    def rollback_transaction(self, **_: Any) -> None:
        self.connection.rollback()
        self.connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from osusume_endpoint import postgres

    running = postgres.start(home=tmp_path_factory.mktemp("aurora"))
    connection = running.connect()
    with connection.cursor() as cursor:
        cursor.execute(
            "create schema shop; create table users (user_id text); create table secrets (s text);"
            "create table shop.\"Orders\" (order_id text); insert into users values ('u1')"
        )
    connection.close()
    yield running
    running.stop()


def logged_in(server: Any, password: str) -> Any:
    address = server.address
    connection = psycopg2.connect(
        host=address.host, port=address.port, user="extraction", password=password, dbname="postgres"
    )
    connection.autocommit = True
    return connection


def refused(connection: Any, sql: str) -> bool:
    with connection.cursor() as cursor:
        try:
            cursor.execute(sql)
        except psycopg2.errors.InsufficientPrivilege:
            return True
    return False


def test_the_user_reads_the_configured_tables_and_nothing_else(server: Any) -> None:
    answer = run(rds=DataApi(server), secrets=Secrets("first"), settings=SETTINGS)
    assert answer == {"user": "extraction", "tables": ["public.users", "shop.Orders"]}
    connection = logged_in(server, "first")
    with connection.cursor() as cursor:
        cursor.execute("select * from users")
        assert cursor.fetchall() == [("u1",)]
        cursor.execute('select count(*) from shop."Orders"')
    for sql in (
        "select * from secrets",
        "insert into users values ('u2')",
        "delete from users",
        "create table shop.mine (n int)",
        "create role other",
    ):
        assert refused(connection, sql), sql
    connection.close()


def test_again_with_another_password_is_the_same_user(server: Any) -> None:
    for password in ("second", "second", "third"):
        run(rds=DataApi(server), secrets=Secrets(password), settings=SETTINGS)
    logged_in(server, "third").close()


def test_no_statement_holds_the_password(server: Any) -> None:
    api = DataApi(server)
    run(rds=api, secrets=Secrets("a-password-of-its-own"), settings=SETTINGS)
    assert len(api.ran) == 7 and not [sql for sql in api.ran if "a-password-of-its-own" in sql]
    with server.connect().cursor() as cursor:
        cursor.execute("select rolpassword from pg_authid where rolname = 'extraction'")
        assert cursor.fetchone()[0].startswith("SCRAM-SHA-256$4096:")


def test_the_verifier_is_the_one_that_postgresql_makes(server: Any) -> None:
    """Of the same password and salt: PostgreSQL is the oracle."""
    import base64

    with server.connect().cursor() as cursor:
        cursor.execute("set password_encryption = 'scram-sha-256'; create role oracle password 'p'")
        cursor.execute("select rolpassword from pg_authid where rolname = 'oracle'")
        made = cursor.fetchone()[0]
    salt = base64.b64decode(made.split("$")[1].split(":")[1])
    assert scram("p", salt=salt) == made


def test_a_table_that_is_not_there_yet_changes_nothing_and_is_named(server: Any) -> None:
    settings = Environment(**{**SETTINGS.__dict__, "tables": ["public.users", "public.nothing"]})
    with pytest.raises(
        ReaderNotGranted, match=r'select on "public"\."nothing".*does not exist.*create the table'
    ):
        run(rds=DataApi(server), secrets=Secrets("fourth"), settings=settings)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        logged_in(server, "fourth")


def test_a_cluster_that_wakes_up_is_told_from_one_that_refuses() -> None:
    class Asleep:
        def begin_transaction(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "DatabaseResumingException", "Message": "resuming"}}, "x")

    class Denied:
        def begin_transaction(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "x")

    class Dies:
        def begin_transaction(self, **_: Any) -> Any:
            return {"transactionId": "t"}

        def execute_statement(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "DatabaseUnavailableException", "Message": "closed"}}, "x")

    for server in (Asleep(), Dies()):
        with pytest.raises(DatabaseResuming):
            run(rds=server, secrets=Secrets("p"), settings=SETTINGS)
    with pytest.raises(ClientError, match="AccessDenied"):
        run(rds=Denied(), secrets=Secrets("p"), settings=SETTINGS)
