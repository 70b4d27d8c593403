"""The session: one connection, and the files that frames come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import duckdb

from . import macros
from . import types as T
from .files import Files
from .frame import DataFrame
from .reader import Reader


class Settings:
    """Spark's settings, which mean nothing here: the session's time zone is always UTC."""

    def set(self, name: str, value: str) -> None: ...


class Catalog:
    """Nothing is cached but tables of the connection, which end with it."""

    def clearCache(self) -> None: ...


class SparkSession:
    """`files` reaches what paths name."""

    def __init__(self, *, files: Files, settings: dict[str, Any] | None = None) -> None:
        self.connection = duckdb.connect(config=settings or {})
        macros.install(self.connection)
        self.files, self.conf, self.catalog = files, Settings(), Catalog()
        self._numbers: Iterator[int] = count()

    @property
    def read(self) -> Reader:
        return Reader(self)

    def createDataFrame(self, rows: Sequence[Sequence[Any]], schema: T.StructType | str) -> DataFrame:
        columns = T.columns(schema) if isinstance(schema, str) else schema
        empty = ", ".join(f"CAST(NULL AS {f.dataType.duckdb}) AS {T.quoted(f.name)}" for f in columns)
        if not rows:
            return DataFrame(self, f"SELECT {empty} WHERE false")
        name = self.table(f"SELECT {empty} WHERE false")
        places = ", ".join("?" for _ in columns)
        self.connection.executemany(f"INSERT INTO {name} VALUES ({places})", [list(row) for row in rows])
        return DataFrame(self, f"SELECT * FROM {name}")

    def range(self, start: int, end: int, step: int, **_named: int) -> DataFrame:
        return DataFrame(self, f"SELECT range AS id FROM range({start}, {end}, {step})")

    def table(self, sql: str) -> str:
        """The name of a temporary table that holds the rows of a query."""
        name = f"kept_{next(self._numbers)}"
        self.connection.execute(f"CREATE TEMP TABLE {name} AS {sql}")
        return name

    def stop(self) -> None:
        self.connection.close()
