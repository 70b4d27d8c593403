"""Expressions: each becomes SQL when a frame, whose types it may ask for, takes it up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import types as T

if TYPE_CHECKING:
    from .scope import Scope

Build = Callable[["Scope"], str]
_PART = re.compile(r"`([^`]*)`|([^.`]+)")
_TIMES = (T.TimestampType, T.TimestampNTZType, T.DateType)
_NUMBERS = (T.IntegerType, T.ShortType, T.LongType, T.FloatType, T.DoubleType, T.DecimalType)
_FROM_TEXT = {
    "string": "{0}",
    "bigint": "TRY_CAST(spark_whole({0}) AS BIGINT)",
    "int": "TRY_CAST(spark_whole({0}) AS INTEGER)",
    "double": "spark_double({0})",
    "float": "TRY_CAST(spark_double({0}) AS FLOAT)",
    "boolean": "spark_boolean({0})",
    "timestamp": "spark_timestamp({0})",
    "date": "CAST(spark_timestamp({0}) AS DATE)",
}


class Column:
    """`name` is what the column is called where nothing renames it."""

    def __init__(self, build: Build, *, name: str = "") -> None:
        self.build, self.name = build, name

    __hash__ = object.__hash__

    def alias(self, *names: str) -> Column:
        return Column(self.build, name=names[0])

    def cast(self, kind: str) -> Column:
        wanted = T.parsed(kind)
        return Column(lambda on: _cast(self.build(on), on, wanted), name=self.name)

    def isNull(self) -> Column:
        return Column(lambda on: f"({self.build(on)} IS NULL)")

    def isNotNull(self) -> Column:
        return Column(lambda on: f"({self.build(on)} IS NOT NULL)")

    def isin(self, *values: Any) -> Column:
        if not values:
            return literal(False)
        options = [column_or_literal(value) for value in values]
        return Column(lambda on: f"({self.build(on)} IN ({', '.join(one.build(on) for one in options)}))")

    def between(self, low: Any, high: Any) -> Column:
        return (self >= low) & (self <= high)

    def rlike(self, pattern: str) -> Column:
        return Column(lambda on: f"regexp_matches({self.build(on)}, {text(expression(pattern))})")

    def contains(self, other: Any) -> Column:
        return call("contains", self, column_or_literal(other))

    def startswith(self, other: Any) -> Column:
        return call("starts_with", self, column_or_literal(other))

    def substr(self, start: Any, length: Any) -> Column:
        return call("substring", self, column_or_literal(start), column_or_literal(length))

    def __getitem__(self, name: str) -> Column:
        return Column(lambda on: _item(self.build(on), on, name), name=name)

    def __eq__(self, other: object) -> Column:  # type: ignore[override]
        return _binary("=", self, other)

    def __ne__(self, other: object) -> Column:  # type: ignore[override]
        return _binary("<>", self, other)

    def __lt__(self, other: Any) -> Column:
        return _binary("<", self, other)

    def __le__(self, other: Any) -> Column:
        return _binary("<=", self, other)

    def __gt__(self, other: Any) -> Column:
        return _binary(">", self, other)

    def __ge__(self, other: Any) -> Column:
        return _binary(">=", self, other)

    def __and__(self, other: Any) -> Column:
        return _binary("AND", self, other)

    def __or__(self, other: Any) -> Column:
        return _binary("OR", self, other)

    def __invert__(self) -> Column:
        return Column(lambda on: f"(NOT {self.build(on)})")

    def __add__(self, other: Any) -> Column:
        return _binary("+", self, other)

    def __sub__(self, other: Any) -> Column:
        return _binary("-", self, other)

    def __mul__(self, other: Any) -> Column:
        return _binary("*", self, other)

    def __truediv__(self, other: Any) -> Column:
        """A quotient of whole numbers has a fraction, as in Spark."""
        return _binary("/", self, other)


class Case(Column):
    """when ... when ... otherwise; null where no condition is true and nothing is said otherwise."""

    def __init__(self, branches: tuple[tuple[Column, Column], ...], rest: Column | None = None) -> None:
        super().__init__(self._sql)
        self._branches, self._rest = branches, rest

    def when(self, condition: Column, value: Any) -> Case:
        return Case((*self._branches, (condition, column_or_literal(value))))

    def otherwise(self, value: Any) -> Case:
        return Case(self._branches, column_or_literal(value))

    def _sql(self, on: Scope) -> str:
        branches = " ".join(f"WHEN {c.build(on)} THEN {v.build(on)}" for c, v in self._branches)
        rest = f" ELSE {self._rest.build(on)}" if self._rest is not None else ""
        return f"(CASE {branches}{rest} END)"


def reference(path: str) -> Column:
    """A column, or a field of one: `image.user_id.S`, with back quotes around a name that has a dot."""
    parts = [quoted or plain for quoted, plain in _PART.findall(path)]
    sql = ".".join(map(T.quoted, parts))
    return Column(lambda _: sql if len(parts) == 1 else f"({sql})", name=parts[-1])


def literal(value: Any) -> Column:
    if isinstance(value, Column):
        return value
    if value is None:
        return Column(lambda _: "NULL")
    if isinstance(value, bool):
        return Column(lambda _: str(value).lower())
    if isinstance(value, int):
        return Column(lambda _: f"CAST({value} AS {'INTEGER' if abs(value) < 2**31 else 'BIGINT'})")
    if isinstance(value, float):
        return Column(lambda _: f"CAST('{value!r}' AS DOUBLE)")
    return Column(lambda _: text(str(value)))


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def expression(pattern: str) -> str:
    r"""A regular expression of Java for RE2, which writes \u000B as \x{000B}."""
    return re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", pattern)


def column_or_literal(value: Any) -> Column:
    return value if isinstance(value, Column) else literal(value)


def column_or_name(value: Any) -> Column:
    return value if isinstance(value, Column) else reference(value)


def call(function: str, *arguments: Column, name: str = "") -> Column:
    return Column(lambda on: f"{function}({', '.join(one.build(on) for one in arguments)})", name=name)


def _binary(operator: str, one: Column, other: object) -> Column:
    right = column_or_literal(other)
    return Column(lambda on: f"({one.build(on)} {operator} {right.build(on)})")


def _item(sql: str, on: Scope, name: str) -> str:
    kind = on.type_of(sql)
    if isinstance(kind, T.MapType):
        return f"map_extract_value({sql}, {text(name)})"
    if isinstance(kind, T.JsonType):
        return f"json_extract_string({sql}, {text(json_path(name))})"
    return f"struct_extract({sql}, {text(name)})"


def json_path(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def tried(column: Column, kind: str) -> Column:
    """Spark's try_cast: null where the value is none of the type."""
    wanted = T.parsed(kind)

    def build(on: Scope) -> str:
        sql = column.build(on)
        if isinstance(on.type_of(sql), T.StringType) and wanted.name in _FROM_TEXT:
            return _FROM_TEXT[wanted.name].format(sql)
        return _cast(sql, on, wanted)

    return Column(build, name=column.name)


def _cast(sql: str, on: Scope, wanted: T.DataType) -> str:
    kind = on.type_of(sql)
    if isinstance(wanted, T.StringType):
        return _as_text(sql, kind)
    if isinstance(wanted, T.TimestampType) and isinstance(kind, _NUMBERS):
        return f"make_timestamptz(CAST(floor(TRY_CAST({sql} AS DECIMAL(28, 6)) * 1000000) AS BIGINT))"
    if isinstance(wanted, T.LongType) and isinstance(kind, _TIMES):
        return f"spark_seconds(CAST({sql} AS TIMESTAMP WITH TIME ZONE))"
    if isinstance(wanted, T.LongType | T.IntegerType) and isinstance(kind, T.DoubleType | T.DecimalType):
        return f"TRY_CAST(trunc({sql}) AS {wanted.duckdb})"
    if isinstance(wanted, T.DecimalType) and isinstance(kind, T.DoubleType | T.FloatType):
        # By its shortest text, as java.math.BigDecimal has it; a float is a double first.
        return f"TRY_CAST(CAST(CAST({sql} AS DOUBLE) AS VARCHAR) AS {wanted.duckdb})"
    return f"TRY_CAST({sql} AS {wanted.duckdb})"


def _as_text(sql: str, kind: T.DataType) -> str:
    if isinstance(kind, T.DoubleType):
        return f"spark_double_text({sql})"
    if isinstance(kind, T.FloatType):
        return f"spark_double_text(TRY_CAST(CAST({sql} AS VARCHAR) AS DOUBLE))"
    if isinstance(kind, T.TimestampType):
        return f"spark_time(timezone('UTC', {sql}))"
    if isinstance(kind, T.TimestampNTZType):
        return f"spark_time({sql})"
    if isinstance(kind, T.DecimalType) and kind.scale > 6:
        return f"spark_decimal_text(CAST({sql} AS VARCHAR), {kind.scale})"
    return f"CAST({sql} AS VARCHAR)"
