"""Parquet files for COPY and UNLOAD."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from osusume_endpoint.redshift.columns import Column


def parquet_rows(content: bytes, columns: Sequence[Column], *, serialize: bool) -> Iterator[list[str | None]]:
    """Text values by position, as COPY reads columnar files. Raises ValueError where the schemas differ."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(content))
    fields = list(file.schema_arrow)
    if len(fields) != len(columns):
        raise ValueError(
            f"Unmatched number of columns between table and file. Table columns: {len(columns)}, "
            f"Data columns: {len(fields)}"
        )
    for field, column in zip(fields, columns, strict=True):
        _check_type(field, column, serialize=serialize)
    for batch in file.iter_batches(65536):
        lists = [column.to_pylist() for column in batch.columns]
        for row in zip(*lists, strict=True):
            yield [_text(value, column) for value, column in zip(row, columns, strict=True)]


def _check_type(field: Any, column: Column, *, serialize: bool) -> None:
    import pyarrow.types as kinds

    nested = kinds.is_nested(field.type)
    if nested:
        if column.kind == "jsonb" and serialize:
            return
        raise ValueError(f"column {column.name}: nested Parquet needs a SUPER column and SERIALIZETOJSON")
    fits = {
        "int2": kinds.is_int8(field.type) or kinds.is_int16(field.type) or kinds.is_int32(field.type),
        "int4": kinds.is_int8(field.type) or kinds.is_int16(field.type) or kinds.is_int32(field.type),
        "int8": kinds.is_int64(field.type),
        "float4": kinds.is_float32(field.type),
        "float8": kinds.is_float64(field.type),
        "bool": kinds.is_boolean(field.type),
        "date": kinds.is_date32(field.type),
        "timestamp": kinds.is_timestamp(field.type),
        "timestamptz": kinds.is_timestamp(field.type),
        "numeric": kinds.is_decimal(field.type),
        "varchar": kinds.is_string(field.type) or kinds.is_large_string(field.type),
        "bpchar": kinds.is_string(field.type) or kinds.is_large_string(field.type),
        "jsonb": True,
    }
    if not fits.get(column.kind, False):
        raise ValueError(
            f"File has an incompatible Parquet schema for column '{field.name}'. "
            f"Column type: {column.kind}, Parquet schema: {field.type}"
        )


def _text(value: Any, column: Column) -> str | None:
    if value is None:
        return None
    if column.kind == "jsonb":
        return json.dumps(value, default=str)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, str) and column.length is not None and len(value.encode()) > column.length:
        raise ValueError(f"column {column.name}: The length of the data column {column.name} is longer than "
                         f"the length defined in the table. Table: {column.length}")  # fmt: skip
    return str(value)


def to_parquet(names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64(),
        "float4": pa.float32(), "float8": pa.float64(),
        "bool": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("us"),
        "timestamptz": pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = []
    for kind, values in zip(kinds, columns, strict=True):
        if kind == "numeric":
            arrays.append(pa.array(values, type=pa.decimal128(38, _scale(values))))
        elif kind in types:
            arrays.append(pa.array(values, type=types[kind]))
        else:
            arrays.append(pa.array([_plain(value) for value in values], type=pa.string()))
    sink = io.BytesIO()
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), sink)
    return sink.getvalue()


def _scale(values: Sequence[Any]) -> int:
    return max((-value.as_tuple().exponent for value in values if value is not None), default=0)


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)
