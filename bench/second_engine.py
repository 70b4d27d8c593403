"""The marts once more, in DuckDB, from the SQL that dbt compiled for Redshift: are the rows the same?

The warehouse of this machine is PostgreSQL behind a dialect of ours. DuckDB shares no code with it, and sqlglot, which
puts the SQL into DuckDB's words, reads Redshift's by rules of its own: what both engines agree on is not our reading.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

SCHEMAS = ("landing", "staging", "marts")
MEMORY = "8GB"  # what is more goes to the folder
CLOSE = 1e-9  # relative: sums of floating-point numbers depend on their order
_NULL = r"\N"
# By information_schema's names.
_TYPES = {"character varying": "varchar", "timestamp without time zone": "timestamp", "numeric": "double"}
# Redshift's, with its third or second argument: null where the text is no JSON.
_MACROS = (
    "create macro redshift_json_array_length(document, lenient) as case when json_valid(document)"
    " and json_type(document) = 'ARRAY' then json_array_length(document) end",
    "create macro redshift_json_extract_array_element_text(document, place, lenient) as"
    " case when json_valid(document) then document ->> place end",
)
_RENAMED = {"json_array_length", "json_extract_array_element_text"}
_COLUMNS = (
    "select table_schema || '.' || table_name, column_name, data_type from information_schema.columns"
    f" where table_schema in {SCHEMAS} order by table_schema, table_name, ordinal_position"
)


class Tables:
    """The warehouse's tables and views by an administrator's psycopg2 connection, as they are now."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.columns: dict[str, dict[str, str]] = {}  # `schema.name`: column to information_schema's type
        with connection.cursor() as cursor:
            cursor.execute(_COLUMNS)
            for table, column, kind in cursor.fetchall():
                self.columns.setdefault(table, {})[column] = kind

    def dump(self, table: str, file: Path) -> None:
        with self._connection.cursor() as cursor, file.open("w", encoding="utf-8") as target:
            cursor.copy_expert(f"copy (select * from {table}) to stdout (format csv, null '{_NULL}')", target)


@dataclass(frozen=True)
class Model:
    name: str
    schema: str
    sql: str

    @property
    def table(self) -> str:
        return f"{self.schema}.{self.name}"


def models(target: Path) -> list[Model]:
    """The compiled models of dbt's target folder, each after those that it reads."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    left = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    made = []
    while left:
        ready = [key for key, node in left.items() if not left.keys() & set(node["depends_on"]["nodes"])]
        for node in [left.pop(key) for key in ready]:
            file = target / "compiled" / node["package_name"] / node["original_file_path"]
            made.append(Model(node["name"], node["schema"], file.read_text()))
    return made


def translated(sql: str) -> str:
    """Redshift's SELECT in DuckDB's words."""
    tree = sqlglot.parse_one(sql, read="redshift")
    for call in tree.find_all(exp.Anonymous):
        if call.name.lower() in _RENAMED:
            call.set("this", f"redshift_{call.name.lower()}")
    return tree.sql(dialect="duckdb")


class SecondEngine:
    """A database in memory under the warehouse's name, since compiled models name it."""

    def __init__(self, database: str, folder: Path) -> None:
        self._folder = folder
        self._connection = duckdb.connect()
        self._do(f"set temp_directory = '{folder}'; set memory_limit = '{MEMORY}'")
        self._do(f"attach ':memory:' as {database}; use {database}")
        for statement in (*(f"create schema {schema}" for schema in (*SCHEMAS, "theirs")), *_MACROS):
            self._do(statement)

    def land(self, tables: Tables) -> None:
        """Reads the landing tables, which the models are made of."""
        for table in tables.columns:
            if table.startswith("landing."):
                self._read(tables, table, into=table)

    def _read(self, tables: Tables, table: str, *, into: str) -> None:
        file = self._folder / f"{table}.csv"
        tables.dump(table, file)
        kinds = {name: _TYPES.get(kind, kind) for name, kind in tables.columns[table].items()}
        defined = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
        self._do(f"create or replace table {into} ({defined})")
        self._do(
            f"insert into {into} select * from read_csv('{file}', auto_detect = false,"
            f" header = false, delim = ',', quote = '\"', escape = '\"', nullstr = '{_NULL}',"
            f" columns = {json.dumps(kinds)}, allow_quoted_nulls = false)"
        )
        file.unlink()

    def build(self, made: Iterable[Model]) -> None:
        """Raises duckdb.Error, sqlglot.errors.ParseError for what can't be said in both."""
        for model in made:
            self._do(f"create or replace table {model.table} as {translated(model.sql)}")

    def count(self, table: str) -> int:
        [[found]] = self._rows(f"select count(*) from {table}")
        return int(found)

    def differing(self, table: str, tables: Tables) -> list[str]:
        """Rows of the warehouse's table that this engine hasn't, and its own: at most 100,000 each."""
        name = table.partition(".")[2]
        self._read(tables, table, into=f"theirs.{name}")
        named = ", ".join(f'"{column}"' for column in tables.columns[table])
        both = (f"select {named} from theirs.{name}", f"select {named} from {table}")
        # Rows that are equal to the last bit, as nearly all are, need no sorting.
        if self._sum(both[0]) == self._sum(both[1]):
            only: list[list[tuple[Any, ...]]] = [[], []]
        else:
            only = [self._rows(f"{a} except all {b} limit 100000") for a, b in (both, both[::-1])]
        self._do(f"drop table theirs.{name}")
        return list(_unlike(*(sorted(rows, key=_exact) for rows in only)))

    def _sum(self, query: str) -> tuple[Any, ...]:
        return self._rows(f"select count(*), sum(hash(row)) from ({query}) row")[0]

    def _do(self, statement: str) -> None:
        self._connection.execute(statement)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()


def _exact(row: Sequence[Any]) -> tuple[str, str]:
    """Whatever isn't a sum first: it pairs a row with the one that it should be."""
    return repr([value for value in row if not isinstance(value, float)]), repr(row)


def _unlike(theirs: list[tuple[Any, ...]], ours: list[tuple[Any, ...]]) -> Iterator[str]:
    if len(theirs) != len(ours):
        yield f"{len(theirs)} rows are the warehouse's alone and {len(ours)} the second engine's: " + str(
            (theirs or ours)[0]
        )
        return
    for one, other in zip(theirs, ours, strict=True):
        if not all(map(_same, one, other)):
            yield f"{one} is {other}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(one == other)
