"""Parquet, and Arrow's types as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from local.demo.files.part import SAMPLED, Keep, Part, TableRefused, cleaned, frame_of


def read(path: Path, *, name: str, keep: Keep, partition: Mapping[str, str]) -> Part:
    """`partition`: columns that folders named `column=value` give. Raises TableRefused."""
    try:
        table = _stored(path, keep)
        columns = list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise TableRefused(f"it can't be read as Parquet: {' '.join(str(error).split())}") from None
    names = [*columns, *partition]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        of = "a folder has it too" if twice in partition else "it stands twice"
        raise TableRefused(f"a column is named {twice}, and {of}: rename one")
    for column in filter(keep, partition):
        table = table.append_column(column, pa.array([partition[column]] * len(table), pa.string()))
    texts = {column: text_of(table.column(column)) for column in table.column_names}
    return Part(
        name,
        [*columns, *partition],
        frame_of(texts),
        np.arange(1, len(table) + 1),
        {column: _first(chunks) for column, chunks in texts.items()},
        "Parquet",
    )


def _stored(path: Path, keep: Keep) -> pa.Table:
    file = pq.ParquetFile(path)
    return file.read(columns=[column for column in file.schema_arrow.names if keep(column)])


def _first(chunks: list[pa.Array]) -> list[str]:
    return [value or "" for chunk in chunks[:1] for value in chunk[:SAMPLED].to_pylist()]


def text_of(column: pa.ChunkedArray) -> list[pa.Array]:
    """The column's chunks as text: whole numbers without a fraction, times as ISO 8601."""
    return [cleaned(_text(chunk)) for chunk in column.chunks] or [pa.nulls(0, pa.string())]


def _text(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _text(values.dictionary_decode())
    if pa.types.is_decimal(kind):
        return _plain_decimals(values)
    if pa.types.is_floating(kind):
        return _plain_floats(values)
    if pa.types.is_timestamp(kind):
        return _iso(values)
    if pa.types.is_nested(kind):
        return pa.array([_nested(value) for value in values.to_pylist()], pa.string())
    try:
        return pc.cast(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TableRefused(f"a column of the type {kind} is no text: {error}") from None


def _plain_decimals(values: pa.Array) -> pa.Array:
    """Decimals as text, without an exponent (Arrow writes 0E-9) and without a fraction of zeros."""
    texts = [None if value is None else format(value, "f") for value in values.to_pylist()]
    return pc.replace_substring_regex(pa.array(texts, pa.string()), r"\.0+$", "")


def _plain_floats(values: pa.Array) -> pa.Array:
    """An id that a null made a float, 56.0, is 56 again; NaN is pandas' null."""
    texts = pc.cast(values, pa.string())
    whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), 2.0**63))
    integers = pc.cast(pc.if_else(whole, values, pa.scalar(0, values.type)), pa.int64(), safe=False)
    plain = pc.if_else(whole, pc.cast(integers, pa.string()), texts)
    return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.string()), plain)


def _iso(values: pa.Array) -> pa.Array:
    """UTC where the type has a zone, else local."""
    if values.type.tz:
        utc = pc.cast(values, pa.timestamp(values.type.unit, "UTC"))
        return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ")
    return pc.strftime(values, format="%Y-%m-%dT%H:%M:%S")


def _nested(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "|".join(value)
    return json.dumps(value, ensure_ascii=False, default=str)
