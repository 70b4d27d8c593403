"""The application's tables -> raw zone, all as they were at one moment."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

from glue_jobs import forgotten, session
from glue_jobs.forgotten import Forgotten

ARGUMENTS = [
    "raw_bucket",
    "secret_name",
    "address",
    "tables",
    "columns",
    "user_columns",
    "control_table",
    "forgetting_secret",
    "run_id",
]
ADDRESS = ("host", "port", "dbname")
DRIVER = "org.postgresql.Driver"
FETCH_SIZE = "10000"  # rows a round trip; the driver's default reads a whole table into memory
# A date may be infinite, which Spark reads of times alone: such a date becomes the day that it makes of such a time.
ENDS = {"infinity": "9999-12-31", "-infinity": "0001-01-01"}
CONFIG_KEYS = {
    "users": "datasets.users.fields",
    "items": "datasets.items.fields",
    "actions": "datasets.actions.fields",
    "orders": "datasets.interactions.order_columns or fields",
}


class SourceRefused(RuntimeError):
    """A configured table or column isn't in the database, or nothing says where the database is."""


@dataclass(frozen=True)
class Source:
    url: str
    username: str
    password: str

    @classmethod
    def from_secret(cls, secret: Mapping[str, Any], *, address: Mapping[str, str]) -> Source:
        """`secret` as RDS writes it: with host, port and dbname, or without where `address` has them.

        Raises SourceRefused for what neither has.
        """
        known = {**secret, **address}
        lacks = [name for name in (*ADDRESS, "username", "password") if name not in known]
        if lacks:
            raise SourceRefused(
                f"the secret of the database has no {', '.join(lacks)}: add it to the secret; of an existing cluster, "
                "sources.aurora.endpoint, port and database say where it is"
            )
        place = f"{known['host']}:{known['port']}/{known['dbname']}"
        return cls(f"jdbc:postgresql://{place}?sslmode=require", secret["username"], secret["password"])


def main() -> None:
    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    secrets = boto3.client("secretsmanager")
    secret = secrets.get_secret_value(SecretId=arguments["secret_name"])
    run(
        spark=session.start("extract-aurora"),
        source=Source.from_secret(
            json.loads(secret["SecretString"]), address=json.loads(arguments["address"])
        ),
        tables=json.loads(arguments["tables"]),
        columns=json.loads(arguments["columns"]),
        target=lambda table: session.raw_table(arguments["raw_bucket"], arguments["run_id"], table),
        user_columns=json.loads(arguments["user_columns"]),
        left_out=forgotten.read(
            boto3.client("dynamodb"),
            secrets,
            table=arguments["control_table"],
            secret=arguments["forgetting_secret"],
        ),
    )


def run(
    *,
    spark: SparkSession,
    source: Source,
    tables: Mapping[str, str],
    columns: Mapping[str, Sequence[str]],
    target: Any,
    user_columns: Mapping[str, str],
    left_out: Forgotten,
) -> None:
    """Tables without the rows of users whom `left_out` knows; `user_columns` are the columns of their ids."""
    with connection(spark, source) as connected:
        for name, table in tables.items():
            check(name=name, table=table, wanted=columns[name], present=present_columns(connected, table))
        snapshot = first_value(connected, "select pg_export_snapshot()")
        for name, table in tables.items():
            dates = present_columns(connected, table, kind="date")
            asked = selection(table=table, columns=columns[name], dates=dates)
            rows = read(spark, source, asked=asked, snapshot=snapshot)
            if name in user_columns:
                rows = left_out.without(rows, user_columns[name])
            rows.write.mode("overwrite").parquet(target(name))


@contextmanager
def connection(spark: SparkSession, source: Source) -> Iterator[Any]:
    """A read-only transaction that stays open while the tables are read: the snapshot lives as long as it."""
    jvm: Any = spark._jvm
    properties = jvm.java.util.Properties()
    properties.setProperty("user", source.username)
    properties.setProperty("password", source.password)
    connected = jvm.org.postgresql.Driver().connect(source.url, properties)
    try:
        connected.setReadOnly(True)
        connected.setAutoCommit(False)
        connected.setTransactionIsolation(jvm.java.sql.Connection.TRANSACTION_REPEATABLE_READ)
        yield connected
    finally:
        connected.close()


def values(connected: Any, sql: str, *parameters: str) -> list[str]:
    """The first column of a small result."""
    statement = connected.prepareStatement(sql)
    for position, parameter in enumerate(parameters, start=1):
        statement.setString(position, parameter)
    rows = statement.executeQuery()
    found = []
    while rows.next():
        found.append(rows.getString(1))
    statement.close()
    return found


def first_value(connected: Any, sql: str) -> str:
    return values(connected, sql)[0]


def present_columns(connected: Any, table: str, *, kind: str = "%") -> list[str]:
    """Names of columns whose type is like `kind`; empty where there is no such table or no right to read it."""
    schema, _, name = table.partition(".")
    return values(
        connected,
        "select column_name from information_schema.columns "
        "where table_schema = ? and table_name = ? and data_type like ? order by ordinal_position",
        schema,
        name,
        kind,
    )


def check(*, name: str, table: str, wanted: Sequence[str], present: Sequence[str]) -> None:
    """Raises SourceRefused that names table, column and configuration key."""
    if not present:
        raise SourceRefused(
            f"table {table} is not in the database or may not be read: "
            f"correct sources.aurora.tables.{name} or grant select on it"
        )
    missing = [column for column in wanted if column not in present]
    if missing:
        raise SourceRefused(
            f"table {table} has no column {', '.join(missing)}: correct {CONFIG_KEYS[name]} "
            f"(columns are {', '.join(present)})"
        )


def selection(*, table: str, columns: Sequence[str], dates: Sequence[str]) -> str:
    """The query for these columns, each once; those of `dates` as days that Spark can read."""
    named = {column: '"' + column.replace('"', '""') + '"' for column in dict.fromkeys(columns)}
    ends = " ".join(f"when '{end}' then date '{day}'" for end, day in ENDS.items())
    parts = [
        f"case {name} {ends} else {name} end as {name}" if column in dates else name
        for column, name in named.items()
    ]
    return f"select {', '.join(parts)} from {table}"


def read(spark: SparkSession, source: Source, *, asked: str, snapshot: str) -> Any:
    begin = f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{snapshot}'"
    options = {
        "url": source.url,
        "user": source.username,
        "password": source.password,
        "driver": DRIVER,
        "query": asked,
        "fetchsize": FETCH_SIZE,
        "sessionInitStatement": begin,
    }
    return spark.read.format("jdbc").options(**options).load()


if __name__ == "__main__":
    main()
