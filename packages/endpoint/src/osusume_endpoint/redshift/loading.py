"""COPY: objects of S3, read with the attached role, into a table."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg2

from osusume_endpoint.redshift import columnar
from osusume_endpoint.redshift.columns import Column
from osusume_endpoint.redshift.errors import NotTranslatable
from osusume_endpoint.redshift.options import Copy, Options
from osusume_endpoint.redshift.tokens import scan, solid, unquote

csv.field_size_limit(1 << 24)

# What COPY reads without TIMEFORMAT 'auto': no T, no zone.
_PLAIN_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2}(\.\d+)?)?")
_PLAIN_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_BATCH = 16 << 20  # bytes of CSV per COPY to PostgreSQL


class CopyFailed(Exception):
    """A refused COPY, worded as Redshift words it; `detail` is the row of sys_load_error_detail, where there is one."""

    def __init__(self, message: str, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.detail = detail


class Unreadable(ValueError):
    """What is wrong with a value, where it is known."""

    def __init__(self, reason: str, *, code: int, column: Column, line: int = 0) -> None:
        super().__init__(f"column {column.name}: {reason}")
        self.reason, self.code, self.column, self.line = reason, code, column, line


Fetch = Callable[[str], bytes]


def copy(cursor: Any, statement: Copy, *, objects: Iterable[str], fetch: Fetch) -> int:
    """Rows loaded. `objects` are s3:// locations."""
    options = statement.options
    _check_supported(options)
    columns = target_columns(cursor, statement)
    rows = 0
    for location in objects:
        try:
            rows += _load(cursor, statement, columns, location, fetch(location))
        except (psycopg2.DataError, psycopg2.IntegrityError) as error:
            reason = ValueError(error.diag.message_primary or str(error))
            raise _failure(statement, location, reason) from None
        except (ValueError, UnicodeDecodeError, OSError) as error:
            raise _failure(statement, location, error) from None
    return rows


def _failure(statement: Copy, location: str, error: Exception) -> CopyFailed:
    table = unquote(solid(scan(statement.table))[-1])
    message = (
        f"Load into table '{table}' failed. Check 'sys_load_error_detail' system table for details. "
        f"[local: {location}: {error}]"
    )
    return CopyFailed(message, {"table": statement.table, "file_name": location, **_detail(error)})


def _detail(error: Exception) -> dict[str, Any]:
    """Codes are those of the guide's "Load error reference"; 1200 is a parse error that it doesn't know."""
    if not isinstance(error, Unreadable):
        return {"error_code": 1200, "error_message": str(error)}
    return {
        "line_number": error.line,
        "column_name": error.column.name,
        "column_type": error.column.kind,
        "column_length": "" if error.column.length is None else str(error.column.length),
        "error_code": error.code,
        "error_message": error.reason,
    }


def _check_supported(options: Options) -> None:
    if options["max_error"]:
        raise NotTranslatable("COPY MAXERROR")
    if options["encoding"] not in (None, "UTF8", "utf8"):
        raise NotTranslatable(f"COPY ENCODING {options['encoding']}")
    if options["compression"] == "zstd":
        raise NotTranslatable("COPY ZSTD")
    time_formats = (None, "auto", "epochsecs", "epochmillisecs")
    if options["time_format"] not in time_formats or options["date_format"] not in (
        None,
        "auto",
        "YYYY-MM-DD",
    ):
        raise NotTranslatable("COPY with a TIMEFORMAT or DATEFORMAT other than 'auto'")


def target_columns(cursor: Any, statement: Copy) -> list[Column]:
    cursor.execute("select %s::regclass::oid", (statement.table,))
    cursor.execute(
        """
        select a.attname, t.typname,
               case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 0 then a.atttypmod - 4 end,
               a.attidentity
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = %s and a.attnum > 0 and not a.attisdropped order by a.attnum
        """,
        (cursor.fetchone()[0],),
    )
    found = cursor.fetchall()
    by_name = {name: Column(name, kind, length) for name, kind, length, _ in found}
    if not statement.columns:
        return [by_name[name] for name, _, _, identity in found if identity != "a"]
    missing = [name for name in statement.columns if name not in by_name]
    if missing:
        raise CopyFailed(f'column "{missing[0]}" of relation "{statement.table}" does not exist')
    return [by_name[name] for name in statement.columns]


def _load(cursor: Any, statement: Copy, columns: list[Column], location: str, content: bytes) -> int:
    options = statement.options
    if options.format == "PARQUET":
        if not content:
            return 0
        rows: Iterable[list[str | None]] = columnar.parquet_rows(
            content, columns, serialize=options["serialize"]
        )
    else:
        text = _decompressed(content, options, location).decode(
            "utf-8", errors="replace" if options["accept_invalid"] else "strict"
        )
        read = _json_rows if options.format == "JSON" else _delimited_rows
        rows = (
            _converted(row, columns, options, line=line)
            for line, row in enumerate(read(text, columns, options), 1)
        )
    return 0 if options["no_load"] and list(rows) is not None else _send(cursor, statement, columns, rows)


def _decompressed(content: bytes, options: Options, location: str) -> bytes:
    if options["compression"] == "gzip":
        return gzip.decompress(content)
    if options["compression"] == "bz2":
        return bz2.decompress(content)
    if content[:2] == b"\x1f\x8b":
        raise ValueError("the file is gzip and the COPY has no GZIP")
    return content


def _delimited_rows(text: str, columns: list[Column], options: Options) -> Iterator[list[str | None]]:
    is_csv = options.format == "CSV"
    delimiter = str(options["delimiter"] or ("," if is_csv else "|")).replace("\\t", "\t")
    quote: dict[str, Any] = {"quotechar": options["quote"] or '"'} if is_csv else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, **quote)
    null = "\\N" if options["null"] is None else str(options["null"])
    for number, row in enumerate(reader):
        if number < int(options["ignore_header"] or 0) or (not row and options["ignore_blank_lines"]):
            continue
        if not row and len(columns) > 1:
            raise ValueError(f"line {reader.line_num}: Delimiter not found")
        if len(row) < len(columns) and options["fill_record"]:
            row += [null] * (len(columns) - len(row))
        if len(row) < len(columns):
            raise ValueError(f"line {reader.line_num}: Delimiter not found")
        if len(row) > len(columns):
            raise ValueError(f"line {reader.line_num}: Extra column(s) found")
        yield [None if value == null else value for value in row]


def _json_rows(text: str, columns: list[Column], options: Options) -> Iterator[list[str | None]]:
    fold = options.json_mode == "auto ignorecase"
    for document in _documents(text):
        if not isinstance(document, dict):
            raise ValueError(f"Invalid JSON format: expected an object, got {json.dumps(document)[:80]}")
        values: Mapping[str, Any] = {k.lower(): v for k, v in document.items()} if fold else document
        yield [_json_text(values.get(column.name), column) for column in columns]


def _documents(text: str) -> Iterator[Any]:
    """Objects one after another, on lines of their own or not."""
    decoder, position = json.JSONDecoder(), 0
    blank = re.compile(r"\s*")
    while True:
        position = blank.match(text, position).end()  # type: ignore[union-attr]
        if position >= len(text):
            return
        document, position = decoder.raw_decode(text, position)
        yield document


def _json_text(value: Any, column: Column) -> str | None:
    if column.kind == "jsonb":
        return None if value is None else json.dumps(value)
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":"))


def _converted(
    row: list[str | None], columns: list[Column], options: Options, *, line: int
) -> list[str | None]:
    try:
        return [_value(value, column, options) for value, column in zip(row, columns, strict=True)]
    except Unreadable as error:
        error.line = line
        raise


def _value(value: str | None, column: Column, options: Options) -> str | None:
    if value is None:
        return None
    if column.is_text:
        return _text_value(value, column, options)
    value = value.strip()
    if value == "":
        return None
    if column.kind in ("timestamp", "timestamptz"):
        return _timestamp(value, column, str(options["time_format"] or ""))
    if column.kind == "date" and options["date_format"] != "auto" and not _PLAIN_DATE.fullmatch(value):
        reason = f"Invalid Date Format or value {value!r}: use DATEFORMAT 'auto'"
        raise Unreadable(reason, code=1205, column=column)
    return value


def _text_value(value: str, column: Column, options: Options) -> str | None:
    if options["trim_blanks"]:
        value = value.rstrip()
    if (value == "" and options["empty_as_null"]) or (not value.strip() and options["blanks_as_null"]):
        return None
    if column.length is not None and len(value.encode()) > column.length:
        if not options["truncate"]:
            reason = f"String length exceeds DDL length {column.length}"
            raise Unreadable(reason, code=1204, column=column)
        # Lengths are bytes in Redshift: cut there, without half a character.
        value = value.encode()[: column.length].decode("utf-8", errors="ignore")
    return value


def _timestamp(value: str, column: Column, time_format: str) -> str:
    if time_format in ("epochsecs", "epochmillisecs"):
        seconds = float(value) / (1000 if time_format == "epochmillisecs" else 1)
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    if time_format != "auto" and column.kind == "timestamp" and not _PLAIN_TIMESTAMP.fullmatch(value):
        reason = f"Invalid timestamp format or value {value!r}: use TIMEFORMAT 'auto'"
        raise Unreadable(reason, code=1206, column=column)
    return value


def _send(cursor: Any, statement: Copy, columns: list[Column], rows: Iterable[list[str | None]]) -> int:
    names = ", ".join('"' + column.name.replace('"', '""') + '"' for column in columns)
    command = f"COPY {statement.table} ({names}) FROM STDIN WITH (FORMAT csv, NULL '\\N')"
    buffer, count = io.StringIO(), 0
    for row in rows:
        buffer.write(",".join(_csv_field(value) for value in row) + "\n")
        count += 1
        if buffer.tell() > _BATCH:
            _flush(cursor, command, buffer)
            buffer = io.StringIO()
    if buffer.tell():
        _flush(cursor, command, buffer)
    return count


def _flush(cursor: Any, command: str, buffer: io.StringIO) -> None:
    buffer.seek(0)
    cursor.copy_expert(command, buffer)


def _csv_field(value: str | None) -> str:
    """Every value is quoted, so that only the bare \\N is NULL."""
    return "\\N" if value is None else '"' + value.replace('"', '""') + '"'
