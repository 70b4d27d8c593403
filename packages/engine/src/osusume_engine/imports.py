"""Bulk records: CSV files checked against a schema and written as one Parquet file.

Failure reasons follow the developer guide's "Error messages" and its quotas on values.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from osusume_engine.schemas import INTERACTIONS, Field, Schema
from osusume_engine.values import (
    CJK,
    MAX_EPOCH_SECONDS,
    MAX_TEXT_LENGTH,
    MAX_TEXT_LENGTH_CJK,
    NUMBER,
    most_characters,
)

MIN_INTERACTIONS = 1_000
MAX_EVENT_TYPES_AND_COLUMNS = 10

_ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
}
_NUMBER = rf"^\s*{NUMBER}\s*$"
_PATTERNS = {
    "int": r"^[+-]?\d{1,10}$",
    "long": r"^[+-]?\d{1,19}$",
    "float": _NUMBER,
    "double": _NUMBER,
    "boolean": r"^(true|false)$",
}


# Before a comma, a line's end or another quote, the backslash may be the value's own.
_ESCAPED_QUOTE = re.compile(rb'\\"[^",\r\n]')


class ImportFailure(ValueError):
    """The failureReason of an import job."""


@dataclass
class ImportReport:
    rows: int = 0
    event_types: set[str] = field(default_factory=set)


def arrow_schema(schema: Schema) -> pa.Schema:
    return pa.schema([pa.field(f.name, _ARROW[f.type], nullable=f.nullable) for f in schema.fields])


def import_files(*, schema: Schema, sources: Sequence[Path], target: Path) -> ImportReport:
    """Write the records of the CSV files to `target` (Parquet); ImportFailure leaves no file behind."""
    report = ImportReport()
    partial = target.with_suffix(".partial")
    try:
        with pq.ParquetWriter(partial, arrow_schema(schema)) as writer:
            for source in sources:
                for batch in _batches(schema, source):
                    writer.write_batch(batch)
                    _count(report, batch)
        _check_totals(schema, report)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return report


def _count(report: ImportReport, batch: pa.RecordBatch) -> None:
    report.rows += batch.num_rows
    if "EVENT_TYPE" in batch.schema.names:
        types = pc.unique(batch.column("EVENT_TYPE")).to_pylist()
        report.event_types.update(name for name in types if name is not None)


def _check_totals(schema: Schema, report: ImportReport) -> None:
    if report.rows == 0:
        raise ImportFailure("Input CSV has no records")
    if schema.dataset_type != INTERACTIONS:
        return
    if report.rows < MIN_INTERACTIONS:
        raise ImportFailure(
            f"The import has {report.rows} interactions records: at least {MIN_INTERACTIONS} are required"
        )
    # EVENT_TYPE and EVENT_VALUE count as optional columns beside custom metadata.
    columns = [n for n in schema.names if n not in ("USER_ID", "ITEM_ID", "TIMESTAMP", *_UNCOUNTED)]
    if len(report.event_types) + len(columns) > MAX_EVENT_TYPES_AND_COLUMNS:
        raise ImportFailure(
            f"{len(report.event_types)} distinct event types and {len(columns)} optional columns are more"
            f" than {MAX_EVENT_TYPES_AND_COLUMNS} in total"
        )


_UNCOUNTED = ("IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE")


def _header(source: Path) -> list[str]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as lines:
            return next(csv.reader(lines), [])
    except UnicodeDecodeError:
        raise ImportFailure(f"Input CSV {source.name} is not encoded in UTF-8") from None


def _check_header(schema: Schema, source: Path) -> list[str]:
    header = _header(source)
    missing = [name for name in schema.names if name not in header]
    if missing:
        raise ImportFailure(f"Input CSV is missing the following columns: [{', '.join(missing)}]")
    # Columns that the schema lacks are passed over, as the index that pandas writes.
    if len(set(header)) != len(header):
        raise ImportFailure(f"Input CSV {source.name} names a column twice: {header}")
    return header


def _escape(source: Path) -> str | Literal[False]:
    """The backslash of files that write a quote so, as the guide does; AWS's notebooks double quotes."""
    rest = b""
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            if _ESCAPED_QUOTE.search(rest + chunk):
                return "\\"
            rest = (rest + chunk)[-2:]
    return False


def _batches(schema: Schema, source: Path) -> Iterator[pa.RecordBatch]:
    header = _check_header(schema, source)
    convert = pacsv.ConvertOptions(
        column_types={name: pa.string() for name in header},
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=True,
    )
    first_row = 2
    try:
        reader = pacsv.open_csv(
            source,
            read_options=pacsv.ReadOptions(block_size=8 << 20),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, escape_char=_escape(source)),
            convert_options=convert,
        )
        for batch in reader:
            yield _typed(schema, batch, source.name, first_row)
            first_row += batch.num_rows
    except pa.ArrowInvalid as error:
        if "Empty CSV file" not in str(error):
            raise ImportFailure(f"Input CSV {source.name} can't be parsed: {error}") from None


def _typed(schema: Schema, batch: pa.RecordBatch, file: str, first_row: int) -> pa.RecordBatch:
    columns = []
    for entry in schema.fields:
        position = batch.schema.get_field_index(entry.name)
        check = _ColumnCheck(entry, batch.column(position), file, first_row)
        columns.append(check.typed())
    return pa.RecordBatch.from_arrays(columns, schema=arrow_schema(schema))


@dataclass(frozen=True)
class _ColumnCheck:
    field: Field
    values: pa.Array
    file: str
    first_row: int

    def typed(self) -> pa.Array:
        if not self.field.nullable:
            self._refuse(pc.is_null(self.values), "is empty but the schema does not allow null")
        if self.field.type == "string":
            return self._text()
        pattern = _PATTERNS[self.field.type]
        valid = pc.match_substring_regex(self.values, pattern)
        self._refuse(pc.invert(valid), f"is not of type {self.field.type}")
        typed = self._cast()
        if self.field.type in ("float", "double"):  # 1e999 is well formed, and read as infinity
            self._refuse(pc.is_inf(typed), f"is too large for type {self.field.type}")
        return self._timestamps(typed)

    def _cast(self) -> pa.Array:
        try:
            return pc.cast(pc.utf8_trim_whitespace(self.values), _ARROW[self.field.type])
        except pa.ArrowInvalid as error:
            raise ImportFailure(f"Column {self.field.name} of {self.file}: {error}") from None

    def _timestamps(self, typed: pa.Array) -> pa.Array:
        if self.field.name.endswith("TIMESTAMP"):
            wrong = pc.or_(pc.greater(typed, MAX_EPOCH_SECONDS), pc.less(typed, 0))
            self._refuse(wrong, "is not in Unix epoch time in seconds")
        return typed

    def _text(self) -> pa.Array:
        if self.field.textual:
            return self._cut()
        limit = most_characters(self.field)
        self._refuse(pc.greater(pc.utf8_length(self.values), limit), f"is longer than {limit} characters")
        return self.values

    def _cut(self) -> pa.Array:
        """The service cuts a longer text and refuses none ("Textual metadata", guide)."""
        wide = pc.match_substring_regex(self.values, CJK.pattern)
        short = pc.utf8_slice_codeunits(self.values, 0, MAX_TEXT_LENGTH_CJK)
        return pc.if_else(wide, short, pc.utf8_slice_codeunits(self.values, 0, MAX_TEXT_LENGTH))

    def _refuse(self, wrong: pa.Array, why: str) -> None:
        rows = pc.indices_nonzero(pc.fill_null(wrong, False))
        if len(rows):
            self._fail(rows[0].as_py(), why)

    def _fail(self, row: int, why: str) -> None:
        value = self.values[row].as_py()
        shown = value if value is None or len(value) < 60 else f"{value[:57]}..."
        raise ImportFailure(
            f"Column {self.field.name} has the value {shown!r} that {why}"
            f" (row {self.first_row + row} of {self.file})"
        )
