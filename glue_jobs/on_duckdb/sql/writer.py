"""Frames into files, with the names, the formats and the nulls that Spark's have."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import types as T
from .column import text

if TYPE_CHECKING:
    from .frame import DataFrame

PART = "part-00000"
ROWS = 10_000  # fetched at once


class Writer:
    """frame.write; `options` are those of the session module, which are always the same."""

    def __init__(self, frame: DataFrame, *, compression: str = "none") -> None:
        self._frame, self._compression = frame, compression

    def mode(self, mode: str) -> Writer:
        if mode != "overwrite":
            raise ValueError(f"mode is {mode!r}: only overwrite is there")
        return self

    def option(self, name: str, value: str) -> Writer:
        return Writer(self._frame, compression=value if name == "compression" else self._compression)

    def options(self, **named: str) -> Writer:
        return self

    def parquet(self, path: str) -> None:
        self._copied(path, f"{PART}.snappy.parquet", "FORMAT parquet, COMPRESSION snappy")

    def csv(self, path: str) -> None:
        """RFC 4180 with a header; null is an empty field."""
        self._copied(path, f"{PART}.csv", "FORMAT csv, HEADER true, QUOTE '\"', ESCAPE '\"', NULLSTR ''")

    def _copied(self, path: str, name: str, options: str) -> None:
        with self._frame.sparkSession.files.written(path) as folder:
            rows = self._frame.select("*")
            columns = ", ".join(map(T.quoted, rows.columns))
            self._connection.execute(
                f"COPY (SELECT {columns} FROM ({rows.sql})) TO {text(str(folder / name))} ({options})"
            )

    def json(self, path: str) -> None:
        """A line a row, without what is null in it."""
        opened = {"gzip": (".json.gz", gzip.open), "none": (".json", open)}
        end, opens = opened[self._compression]
        with self._frame.sparkSession.files.written(path) as folder:
            file = folder / f"{PART}{end}"
            with opens(file, "wt", encoding="utf-8", newline="\n") as out:  # type: ignore[operator]
                for line in self._lines():
                    out.write(f"{line}\n")

    def _lines(self) -> Iterator[str]:
        fields = ", ".join(f"{T.quoted(f.name)} := {_plain(f)}" for f in self._frame.schema)
        sql = f"SELECT CAST(json_merge_patch('{{}}', to_json(struct_pack({fields}))) AS VARCHAR)"
        found = self._connection.execute(f"{sql} FROM ({self._frame.sql})")
        while rows := found.fetchmany(ROWS):
            yield from (row[0] for row in rows)

    @property
    def _connection(self) -> Any:
        return self._frame.sparkSession.connection


def _plain(field: T.StructField) -> str:
    """A float by its own shortest text, not by that of the double that it would become."""
    name = T.quoted(field.name)
    if isinstance(field.dataType, T.FloatType):
        return f"CAST(CAST({name} AS VARCHAR) AS DOUBLE)"
    return name
