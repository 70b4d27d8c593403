"""Parquet and JSON lines into frames, as Spark reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from . import types as T
from .column import text
from .frame import DataFrame
from .functions import INPUT_FILE

if TYPE_CHECKING:
    from .session import SparkSession

LARGEST_LINE = 64 << 20  # bytes


class PathNotFound(RuntimeError):
    """Nothing lies where a frame should be read from."""


class Reader:
    """spark.read; without a schema a Parquet file says itself what it holds."""

    def __init__(
        self, session: SparkSession, schema: T.StructType | None = None, *, pattern: str = "*"
    ) -> None:
        self._session, self._schema, self._pattern = session, schema, pattern

    def schema(self, schema: T.StructType) -> Reader:
        return Reader(self._session, schema, pattern=self._pattern)

    def options(self, *, pathGlobFilter: str, **_named: str) -> Reader:
        """Folders are always read with all that is below them."""
        return Reader(self._session, self._schema, pattern=pathGlobFilter)

    def parquet(self, *paths: str) -> DataFrame:
        files = self._files(paths)
        read = f"SELECT * FROM read_parquet({_listed(files)}, union_by_name = true)"
        if self._schema is None:
            return DataFrame(self._session, read)
        present = {name.lower() for name in DataFrame(self._session, read).columns}
        columns = [
            f"CAST({T.quoted(f.name) if f.name.lower() in present else 'NULL'} AS {f.dataType.duckdb})"
            f" AS {T.quoted(f.name)}"
            for f in self._schema
        ]
        return DataFrame(self._session, f"SELECT {', '.join(columns)} FROM ({read})")

    def json(self, path: str | list[str]) -> DataFrame:
        """A line that is no JSON is a row of nulls; so is a value that is not of its field's type."""
        assert self._schema is not None
        paths = [path] if isinstance(path, str) else path
        files = self._files(paths)
        if not files:
            return self._session.createDataFrame([], self._schema)
        lines = (
            f"SELECT json, filename FROM read_ndjson_objects({_listed(files)}, ignore_errors = true,"
            f" filename = true, maximum_object_size = {LARGEST_LINE})"
        )
        shape = text(json.dumps(_shape(self._schema)))
        made = f"SELECT json_transform(json, {shape}) AS line, filename FROM ({lines})"
        columns = [_field(field) for field in self._schema]
        return DataFrame(
            self._session, f"SELECT {', '.join(columns)}, filename AS {INPUT_FILE} FROM ({made})", file=True
        )

    def _files(self, paths: Sequence[str]) -> list[Path]:
        """Raises PathNotFound, as Spark's reader refuses a path without a file."""
        found = []
        for path in paths:
            files = self._session.files.read(path)
            if not files:
                raise PathNotFound(f"Path does not exist: {path}")
            found += [file for file in files if fnmatchcase(file.name, self._pattern)]
        return found


def _listed(files: list[Path]) -> str:
    return f"[{', '.join(text(str(file)) for file in files)}]"


def _shape(kind: T.DataType) -> object:
    """What json_transform makes of a line: a value that is of another kind becomes null, or its text."""
    if isinstance(kind, T.StructType):
        return {field.name: _shape(field.dataType) for field in kind}
    if isinstance(kind, T.ArrayType):
        return [_shape(kind.element)]
    return kind.duckdb


def _field(field: T.StructField) -> str:
    return f"struct_extract(line, {text(field.name)}) AS {T.quoted(field.name)}"
