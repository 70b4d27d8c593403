"""pyspark.sql.functions, as far as the jobs use it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import types as T
from .column import (
    Case,
    Column,
    call,
    column_or_literal,
    column_or_name,
    expression,
    json_path,
    literal,
    reference,
    text,
    tried,
)

if TYPE_CHECKING:
    from .frame import DataFrame
    from .scope import Scope

INPUT_FILE = "_input_file"
_TRY_CAST = re.compile(r"try_cast\((.+) as ([a-z]+(?:\(\d+, ?\d+\))?)\)")
_CAST = re.compile(r"cast\((.+) as ([a-z]+)\)")
_FORMAT = re.compile(r"format_number\((.+), '0\.#+'\)")
_NAME = re.compile(r"`[^`]+`|[A-Za-z_][\w.`]*")
_PATTERNS = {"yyyy-MM-dd HH:mm:ss": "spark_formatted"}


def col(name: str) -> Column:
    return reference(name)


def lit(value: Any) -> Column:
    return literal(value)


def when(condition: Column, value: Any) -> Case:
    return Case(((condition, column_or_literal(value)),))


def expr(sql: str) -> Column:
    """Casts that are tried, and conditions that Spark and DuckDB write alike."""
    for pattern, made in ((_FORMAT, _formatted), (_TRY_CAST, _tried), (_CAST, _cast)):
        found = pattern.fullmatch(sql)
        if found:
            return made(*found.groups())
    return reference(sql) if _NAME.fullmatch(sql) else Column(lambda _: f"({sql})")


def _tried(inner: str, kind: str) -> Column:
    return tried(expr(inner), kind)


def _cast(inner: str, kind: str) -> Column:
    return expr(inner).cast(kind)


def _formatted(inner: str) -> Column:
    """java.text.DecimalFormat's `0.###`: no exponent, no zeros at the end."""
    number = expr(inner)
    return Column(lambda on: f"rtrim(rtrim(CAST({number.build(on)} AS VARCHAR), '0'), '.')")


def coalesce(*columns: Column | str) -> Column:
    return call("coalesce", *map(column_or_name, columns))


def struct(*columns: Any) -> Column:
    given = columns[0] if len(columns) == 1 and isinstance(columns[0], list | tuple) else columns
    named = [(one.name or f"col{n}", one) for n, one in enumerate(map(column_or_name, given), start=1)]
    return Column(
        lambda on: f"struct_pack({', '.join(f'{T.quoted(name)} := {one.build(on)}' for name, one in named)})"
    )


def array(*columns: Any) -> Column:
    given = columns[0] if len(columns) == 1 and isinstance(columns[0], list | tuple) else columns
    return call("list_value", *map(column_or_name, given))


def create_map(*pairs: Column) -> Column:
    """The texts of keys and values, in turn."""
    return Column(
        lambda on: f"map([{_joined(pairs[::2], on)}], CAST([{_joined(pairs[1::2], on)}] AS VARCHAR[]))"
    )


def _joined(columns: tuple[Column, ...], on: Scope) -> str:
    return ", ".join(column.build(on) for column in columns)


def length(column: Column | str) -> Column:
    return call("length", column_or_name(column))


def octet_length(column: Column | str) -> Column:
    inner = column_or_name(column)
    return Column(lambda on: f"octet_length(encode(CAST({inner.build(on)} AS VARCHAR)))")


def sha2(column: Column | str, _bits: int) -> Column:
    return call("sha256", column_or_name(column))


def unhex(column: Column | str) -> Column:
    return call("unhex", column_or_name(column))


def encode(column: Column | str, _charset: str) -> Column:
    return call("encode", column_or_name(column))


def concat(*columns: Column | str) -> Column:
    """Null where one is."""
    parts = tuple(map(column_or_name, columns))
    return Column(lambda on: f"({' || '.join(part.build(on) for part in parts)})")


def concat_ws(separator: str, *columns: Column | str) -> Column:
    return call("concat_ws", literal(separator), *map(column_or_name, columns))


def regexp_replace(column: Column | str, pattern: str, replacement: str) -> Column:
    patterns = (literal(expression(pattern)), literal(replacement), literal("g"))
    return call("regexp_replace", column_or_name(column), *patterns)


def regexp_extract(column: Column | str, pattern: str, group: int) -> Column:
    return call("regexp_extract", column_or_name(column), literal(expression(pattern)), literal(group))


def split(column: Column | str, pattern: str) -> Column:
    return call("string_split_regex", column_or_name(column), literal(expression(pattern)))


def substring(column: Column | str, start: int, characters: int) -> Column:
    return call("substring", column_or_name(column), literal(start), literal(characters))


def to_json(column: Column | str) -> Column:
    """Fields of structs that are null are left out, at every depth but within lists."""
    inner = column_or_name(column)

    def build(on: Scope) -> str:
        sql = inner.build(on)
        if isinstance(on.type_of(sql), T.StructType):
            return f"CAST(json_merge_patch('{{}}', to_json({sql})) AS VARCHAR)"
        return f"CAST(to_json({sql}) AS VARCHAR)"

    return Column(build)


def from_json(column: Column | str, schema: str) -> Column:
    """JSON to be read key by key; null where the text is none."""
    return Column(lambda on: f"TRY_CAST({column_or_name(column).build(on)} AS JSON)")


def element_at(column: Column | str, key: Any) -> Column:
    inner = column_or_name(column)

    def build(on: Scope) -> str:
        sql = inner.build(on)
        if isinstance(on.type_of(sql), T.JsonType):
            return f"json_extract({sql}, {text(json_path(key))})"
        return f"map_extract_value({sql}, {column_or_literal(key).build(on)})"

    return Column(build)


def _each(function: str, column: Column | str, made: Callable[[Column], Column]) -> Column:
    inner = column_or_name(column)

    def build(on: Scope) -> str:
        items = inner.build(on)
        kind = on.type_of(items)
        name = on.fresh("item")
        body = made(Column(lambda _: T.quoted(name))).build(on.within(name, kind))
        return f"{function}({items}, lambda {T.quoted(name)}: {body})"

    return Column(build)


def transform(column: Column | str, made: Callable[[Column], Column]) -> Column:
    return _each("list_transform", column, made)


def filter(column: Column | str, made: Callable[[Column], Column]) -> Column:  # noqa: A001
    return _each("list_filter", column, made)


def exists(column: Column | str, made: Callable[[Column], Column]) -> Column:
    return call("list_bool_or", _each("list_transform", column, made))


def slice(column: Column | str, start: int, length: int) -> Column:  # noqa: A001
    return call("list_slice", column_or_name(column), literal(start), literal(start + length - 1))


def array_join(column: Column | str, separator: str) -> Column:
    return call("array_to_string", column_or_name(column), literal(separator))


def sort_array(column: Column | str) -> Column:
    return call("list_sort", column_or_name(column))


def explode(column: Column | str) -> Column:
    return call("unnest", column_or_name(column))


def floor(column: Column | str) -> Column:
    return call("floor", column_or_name(column))


def timestamp_seconds(column: Column | str) -> Column:
    inner = column_or_name(column)
    return Column(lambda on: f"make_timestamptz({inner.build(on)} * 1000000)")


def try_to_timestamp(column: Column | str) -> Column:
    return tried(column_or_name(column), "timestamp")


def unix_millis(column: Column | str) -> Column:
    return call("spark_millis", column_or_name(column))


def date_format(column: Column | str, pattern: str) -> Column:
    inner = column_or_name(column)
    return Column(lambda on: f"{_PATTERNS[pattern]}(timezone('UTC', {inner.build(on)}))")


def input_file_name() -> Column:
    return reference(INPUT_FILE)


def broadcast(frame: DataFrame) -> DataFrame:
    return frame


def desc(name: str) -> Column:
    return Column(lambda on: f"{reference(name).build(on)} DESC NULLS LAST")


def count(name: str) -> Column:
    return Column(lambda on: f"count({'*' if name == '*' else reference(name).build(on)})")


def count_if(condition: Column) -> Column:
    return Column(lambda on: f"CAST(coalesce(count_if({condition.build(on)}), 0) AS BIGINT)")


def sum(column: Column | str) -> Column:  # noqa: A001
    inner = column_or_name(column)
    return Column(lambda on: f"CAST(sum({inner.build(on)}) AS BIGINT)", name=inner.name)


def avg(column: Column | str) -> Column:
    return call("avg", column_or_name(column))


def min(column: Column | str) -> Column:  # noqa: A001
    return call("min", column_or_name(column))


def max(column: Column | str) -> Column:  # noqa: A001
    """The largest value; structs compare by their fields in turn, where null is the smallest."""
    inner = column_or_name(column)

    def build(on: Scope) -> str:
        sql = inner.build(on)
        kind = on.type_of(sql)
        if isinstance(kind, T.StructType):
            return f"arg_max({sql}, {_ordered(sql, kind)})"
        return f"max({sql})"

    return Column(build)


def max_by(column: Column, ordering: Column) -> Column:
    def build(on: Scope) -> str:
        order = ordering.build(on)
        return f"arg_max({column.build(on)}, {_ordered(order, on.type_of(order))})"

    return Column(build)


def _ordered(sql: str, kind: T.DataType) -> str:
    """What DuckDB orders as Spark orders a struct: it takes null for the largest."""
    assert isinstance(kind, T.StructType)
    fields = [f"struct_extract({sql}, {text(name)})" for name in kind.names]
    parts = [f"'p{i}': {f} IS NOT NULL, 'v{i}': {f}" for i, f in enumerate(fields)]
    return f"{{{', '.join(parts)}}}"


def collect_list(column: Column | str) -> Column:
    """The values without nulls; an empty list where there is nothing."""
    inner = column_or_name(column)
    return Column(lambda on: f"coalesce(list({inner.build(on)}) FILTER ({inner.build(on)} IS NOT NULL), [])")
