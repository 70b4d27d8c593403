"""The application's tables -> raw zone, all as they were at one moment."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import DataFrame, SparkSession

from glue_jobs import database, forgotten, parts, session
from glue_jobs.database import Source, SourceRefused
from glue_jobs.forgotten import Forgotten
from glue_jobs.parts import Reading

ARGUMENTS = [
    "raw_bucket",
    "secret_name",
    "address",
    "certificate_file",
    "reading",
    "tables",
    "columns",
    "user_columns",
    "control_table",
    "forgetting_secret",
    "run_id",
]
FETCH_SIZE = "10000"  # rows a round trip; the driver's default reads a whole table into memory
# A date may be infinite, which Spark reads of times alone: such a date becomes the day that it makes of such a time.
ENDS = {"infinity": "9999-12-31", "-infinity": "0001-01-01"}
# PostgreSQL up to 16, and from 17 on.
_NO_SNAPSHOT = re.compile(r'invalid snapshot identifier|snapshot "[^"]*" does not exist')
CONFIG_KEYS = {
    "users": "datasets.users.fields",
    "items": "datasets.items.fields",
    "actions": "datasets.actions.fields",
    "orders": "datasets.interactions.order_columns or fields",
}


def main() -> None:
    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    secrets = boto3.client("secretsmanager")
    secret = secrets.get_secret_value(SecretId=arguments["secret_name"])
    spark = session.start("extract-aurora")
    run(
        spark=spark,
        source=Source.from_secret(
            json.loads(secret["SecretString"]),
            address=json.loads(arguments["address"]),
            certificates=database.certificates(spark, json.loads(arguments["certificate_file"])),
        ),
        reading=Reading(**json.loads(arguments["reading"])),
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
    reading: Reading,
    tables: Mapping[str, str],
    columns: Mapping[str, Sequence[str]],
    target: Any,
    user_columns: Mapping[str, str],
    left_out: Forgotten,
) -> None:
    """Tables without the rows of users whom `left_out` knows; `user_columns` are the columns of their ids."""
    with database.connection(spark, source) as connected:
        for name, table in tables.items():
            check(name=name, table=table, wanted=columns[name], present=present_columns(connected, table))
        snapshot = database.first_value(connected, "select pg_export_snapshot()")
        for name, table in tables.items():
            dates = present_columns(connected, table, kind="date")
            asked = selection(table=table, columns=columns[name], dates=dates)
            key = user_columns.get(name, columns[name][0])
            divided = parts.conditions(connected, table=table, asked=asked, key=key, reading=reading)
            rows = read(spark, source, queries=[where(asked, one) for one in divided], snapshot=snapshot)
            if name in user_columns:
                rows = left_out.without(rows, user_columns[name])
            write(rows, target(name))


def write(rows: DataFrame, path: str) -> None:
    """Raises SourceRefused where a reader came to another instance than the one whose snapshot it was told."""
    try:
        rows.write.mode("overwrite").parquet(path)
    except Exception as error:
        if not _NO_SNAPSHOT.search(str(error)):
            raise
        raise SourceRefused(
            "the snapshot that all tables are read of is not on the instance that a connection came to: "
            "sources.aurora.endpoint must lead to one instance, the writer's or one reader's; after a failover, "
            "run again"
        ) from error


def present_columns(connected: Any, table: str, *, kind: str = "%") -> list[str]:
    """Names of columns whose type is like `kind`; empty where there is no such table or no right to read it."""
    schema, _, name = table.partition(".")
    return database.values(
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
    named = {column: database.quoted(column) for column in dict.fromkeys(columns)}
    ends = " ".join(f"when '{end}' then date '{day}'" for end, day in ENDS.items())
    selected = [
        f"case {name} {ends} else {name} end as {name}" if column in dates else name
        for column, name in named.items()
    ]
    return f"select {', '.join(selected)} from {table}"


def where(asked: str, condition: str) -> str:
    return f"{asked} where {condition}" if condition else asked


def read(spark: SparkSession, source: Source, *, queries: Sequence[str], snapshot: str) -> DataFrame:
    """The rows of all queries, of each over a connection of its own, as many at once as the job has processors."""
    begin = (
        f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'"
    )
    options = {
        "url": source.url,
        "user": source.username,
        "password": source.password,
        "driver": database.DRIVER,
        # Spark turns auto-commit off where there is a fetch size, and does so before the statement below: the
        # transaction that the statement sets is the one that the query runs in.
        "fetchsize": FETCH_SIZE,
        "sessionInitStatement": begin,
    }
    asked = spark.read.format("jdbc").options(**options)
    return reduce(DataFrame.unionAll, [asked.option("query", query).load() for query in queries])


if __name__ == "__main__":
    main()
