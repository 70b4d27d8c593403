"""Frames: a query that has not run yet, and what Spark's DataFrame does with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import types as T
from .column import Column, column_or_name, reference
from .functions import INPUT_FILE, expr
from .scope import Scope

if TYPE_CHECKING:
    from .session import SparkSession
    from .writer import Writer


class Row(dict[str, Any]):
    """A row of a result, by name or by position."""

    def __getitem__(self, key: str | int) -> Any:
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)

    def __iter__(self) -> Any:
        return iter(self.values())


class DataFrame:
    """`file` says that the rows know the file that they were read from."""

    def __init__(self, session: SparkSession, sql: str, *, file: bool = False) -> None:
        self.sparkSession, self.sql, self._file = session, sql, file

    @cached_property
    def schema(self) -> T.StructType:
        relation = self.sparkSession.connection.sql(self.sql)
        found = zip(relation.columns, relation.types, strict=True)
        return T.StructType(
            [T.StructField(name, T.of_duckdb(kind)) for name, kind in found if name != INPUT_FILE]
        )

    @cached_property
    def scope(self) -> Scope:
        known = {field.name: field.dataType for field in self.schema}
        more = {INPUT_FILE: T.StringType()} if self._file else {}
        return Scope(self.sparkSession.connection, {**known, **more})

    @property
    def columns(self) -> list[str]:
        return self.schema.names

    @property
    def dtypes(self) -> list[tuple[str, str]]:
        return [(field.name, field.dataType.name) for field in self.schema]

    def select(self, *columns: Any) -> DataFrame:
        given = columns[0] if len(columns) == 1 and isinstance(columns[0], list) else columns
        chosen = [one for name in given for one in self._expanded(name)]
        return self._of(self._selection(chosen), rest="")

    def _expanded(self, given: Any) -> list[Column]:
        """A star is every column, or every field of a struct."""
        if isinstance(given, Column):
            return [given]
        if given == "*":
            return [reference(f"`{name}`") for name in self.columns]
        if not given.endswith(".*"):
            return [reference(given)]
        outer = given.removesuffix(".*")
        kind = self.schema[outer].dataType
        names = kind.names if isinstance(kind, T.StructType) else []
        return [reference(f"`{outer}`.`{name}`") for name in names]

    def _selection(self, columns: Sequence[Column]) -> str:
        return ", ".join(
            f"{one.build(self.scope)} AS {T.quoted(one.name or f'_{n}')}" for n, one in enumerate(columns)
        )

    def _of(self, selection: str, *, rest: str) -> DataFrame:
        hidden = f", {T.quoted(INPUT_FILE)}" if self._file else ""
        return DataFrame(
            self.sparkSession, f"SELECT {selection}{hidden} FROM ({self.sql}) {rest}", file=self._file
        )

    def where(self, condition: Column | str) -> DataFrame:
        tested = expr(condition) if isinstance(condition, str) else condition
        return DataFrame(
            self.sparkSession,
            f"SELECT * FROM ({self.sql}) WHERE {tested.build(self.scope)}",
            file=self._file,
        )

    filter = where

    def withColumn(self, name: str, column: Column) -> DataFrame:
        return self.withColumns({name: column})

    def withColumns(self, columns: Mapping[str, Column]) -> DataFrame:
        """A column that is there already is replaced in its place."""
        new = {name.lower(): column.alias(name) for name, column in columns.items()}
        old = [new.pop(name.lower(), reference(f"`{name}`")) for name in self.columns]
        return self.select(*old, *new.values())

    def withColumnRenamed(self, name: str, new: str) -> DataFrame:
        return self.select(
            *(
                reference(f"`{one}`").alias(new if one.lower() == name.lower() else one)
                for one in self.columns
            )
        )

    def drop(self, *names: str) -> DataFrame:
        gone = {name.lower() for name in names}
        return self.select(*(reference(f"`{name}`") for name in self.columns if name.lower() not in gone))

    def distinct(self) -> DataFrame:
        return self.select("*")._without_file("SELECT DISTINCT * FROM ({})")

    def dropDuplicates(self, keys: Sequence[str] | None = None) -> DataFrame:
        if keys is None:
            return self.distinct()
        names = ", ".join(map(T.quoted, keys))
        return self._without_file(f"SELECT DISTINCT ON ({names}) * FROM ({{}})")

    def _without_file(self, sql: str) -> DataFrame:
        columns = ", ".join(map(T.quoted, self.columns))
        return DataFrame(self.sparkSession, sql.format(f"SELECT {columns} FROM ({self.sql})"))

    def groupBy(self, *keys: Any) -> Grouped:
        return Grouped(self, [column_or_name(key) for key in keys])

    def agg(self, *columns: Column) -> DataFrame:
        return self.groupBy().agg(*columns)

    def aggregated(self, keys: Sequence[Column], columns: Sequence[Column]) -> DataFrame:
        by = ", ".join(str(n) for n in range(1, len(keys) + 1))
        group = f"GROUP BY {by}" if keys else ""
        selection = self._selection([*keys, *columns])
        return DataFrame(self.sparkSession, f"SELECT {selection} FROM ({self.sql}) {group}")

    def join(self, other: DataFrame, on: str, how: str) -> DataFrame:
        """Joined by one column of both, which comes first."""
        key = T.quoted(on)
        mine = [f"one.{T.quoted(name)}" for name in self.columns if name.lower() != on.lower()]
        theirs = [f"other.{T.quoted(name)}" for name in other.columns if name.lower() != on.lower()]
        selection = ", ".join([f"one.{key}", *mine, *theirs])
        return DataFrame(
            self.sparkSession,
            f"SELECT {selection} FROM ({self.sql}) AS one {how} JOIN ({other.sql}) AS other"
            f" ON one.{key} = other.{key}",
        )

    def crossJoin(self, other: DataFrame) -> DataFrame:
        return DataFrame(self.sparkSession, f"SELECT * FROM ({self.sql}) CROSS JOIN ({other.sql})")

    def union(self, other: DataFrame) -> DataFrame:
        """All rows of both, columns by their position."""
        one, two = self._without_file("{}"), other._without_file("{}")
        return DataFrame(self.sparkSession, f"({one.sql}) UNION ALL ({two.sql})")

    def unionByName(self, other: DataFrame) -> DataFrame:
        return self.union(other.select(*(f"`{name}`" for name in self.columns)))

    def orderBy(self, *keys: Any) -> DataFrame:
        parts = [
            key.build(self.scope) if isinstance(key, Column) else f"{T.quoted(key)} ASC NULLS FIRST"
            for key in keys
        ]
        return self._of("*", rest=f"ORDER BY {', '.join(parts)}")

    def limit(self, rows: int) -> DataFrame:
        return DataFrame(self.sparkSession, f"{self.sql} LIMIT {rows}", file=self._file)

    def coalesce(self, partitions: int) -> DataFrame:
        """A result is one file here, whatever is asked."""
        return self

    def persist(self, level: str) -> DataFrame:
        name = self.sparkSession.table(self.sql)
        return DataFrame(self.sparkSession, f"SELECT * FROM {name}", file=self._file)

    def count(self) -> int:
        found: int = self._fetched(f"SELECT count(*) FROM ({self.sql})")[0][0]
        return found

    def isEmpty(self) -> bool:
        return not self._fetched(f"SELECT 1 FROM ({self.sql}) LIMIT 1")

    def collect(self) -> list[Row]:
        names = self.columns
        visible = ", ".join(map(T.quoted, names))
        rows = self._fetched(f"SELECT {visible} FROM ({self.sql})")
        return [Row(zip(names, row, strict=True)) for row in rows]

    def first(self) -> Row | None:
        return next(iter(self.limit(1).collect()), None)

    def _fetched(self, sql: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.sparkSession.connection.execute(sql).fetchall()
        return found

    @property
    def write(self) -> Writer:
        from .writer import Writer

        return Writer(self)


class Grouped:
    def __init__(self, frame: DataFrame, keys: Sequence[Column]) -> None:
        self._frame, self._keys = frame, keys

    def agg(self, *columns: Column) -> DataFrame:
        return self._frame.aggregated(self._keys, columns)

    def count(self) -> DataFrame:
        return self.agg(Column(lambda _: "count(*)", name="count"))
