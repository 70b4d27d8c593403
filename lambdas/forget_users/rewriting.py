"""Files without the rows of some users, each in the format that it has.

Lines are copied byte for byte; only those that may name a user are parsed.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lambdas.forget_users.contents import CSV, PARQUET, Content, Users, quotations

# Ids of such characters stand in every format as they are, so that a line without them needs no parsing.
_PLAIN = re.compile(r"[A-Za-z0-9_.:@-]+", re.ASCII)
_GZIP = b"\x1f\x8b"


class UnreadableRow(ValueError):
    """A row that may be of the user is not in its file's format, so it can't be told whose it is."""


def rewrite(source: Path, target: Path, *, content: Content, users: Users) -> int:
    """Writes `target` where rows are of the users; how many there were. With 0 nothing is written.

    Raises UnreadableRow.
    """
    if content.format == PARQUET:
        return _parquet(source, target, content=content, users=users)
    read = _opener(source)
    removed = sum(1 for _, of_user in _judged(read, source, content=content, users=users) if of_user)
    if removed:
        with (gzip.open if read is gzip.open else open)(target, "wb") as out:
            out.writelines(
                line for line, gone in _judged(read, source, content=content, users=users) if not gone
            )
    return removed


def _opener(source: Path) -> Callable[..., Any]:
    with source.open("rb") as file:
        return gzip.open if file.read(2) == _GZIP else open


def _judged(
    read: Callable[..., Any], source: Path, *, content: Content, users: Users
) -> Iterator[tuple[bytes, bool]]:
    """Each line, and whether it is of one of the users."""
    mentions = _mentions(users)
    with read(source, "rb") as lines:
        header = next(lines, b"") if content.format == CSV else b""
        if header:
            yield header, False
        names = _fields(header)
        for line in lines:
            yield line, mentions(line) and content.judge(_record(line, names, content), users)


def _mentions(users: Users) -> Callable[[bytes], bool]:
    """A quick look: False only where a line can't be of any of the users."""
    if all(_PLAIN.fullmatch(user) for user in users):
        pattern = re.compile("|".join(re.escape(user) for user in users).encode())
        return lambda line: pattern.search(line) is not None
    return lambda line: bool(line.strip())


def _record(line: bytes, names: list[str], content: Content) -> Any:
    if content.format == CSV:
        return dict(zip(names, _fields(line), strict=False))
    try:
        return json.loads(line)
    except ValueError:
        raise UnreadableRow(f"a line of {len(line)} bytes is no JSON") from None


def _fields(line: bytes) -> list[str]:
    return next(csv.reader([line.decode().rstrip("\r\n")]), [])


def _parquet(source: Path, target: Path, *, content: Content, users: Users) -> int:
    """pyarrow is imported here: only this function's layer has it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(source, coerce_int96_timestamp_unit="us")
    wanted = list(content.columns) or file.schema_arrow.names
    gone = [_mask(file.read_row_group(n, columns=wanted), content, users) for n in _groups(file)]
    removed = sum(sum(mask) for mask in gone)
    if removed:
        schema = _instants(file)
        with pq.ParquetWriter(target, schema, compression=_compression(file)) as writer:
            for number, mask in zip(_groups(file), gone, strict=True):
                kept = file.read_row_group(number).filter(pa.array([not one for one in mask]))
                writer.write_table(kept.cast(schema))
    return removed


def _groups(file: Any) -> range:
    return range(file.num_row_groups)


def _mask(rows: Any, content: Content, users: Users) -> list[bool]:
    """Which rows are of the users; a column that may hold more than an id is judged where it mentions one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = content.columns or rows.column_names
    texts = [rows[name].cast(pa.string()) for name in names]
    parts = [text for user in users for text in (user, *quotations(user))]
    pattern = "|".join(re.escape(part) for part in dict.fromkeys(parts))
    if not any(pc.any(pc.match_substring_regex(text, pattern)).as_py() for text in texts):
        return [False] * len(rows)
    table = pa.table(dict(zip(names, texts, strict=True)))
    return [content.judge(record, users) for record in table.to_pylist()]


def _instants(file: Any) -> Any:
    """The schema with INT96 as what Spark reads it as: an instant, in UTC."""
    import pyarrow as pa

    schema = file.schema_arrow
    for position in range(len(file.schema)):
        column = file.schema.column(position)
        if column.physical_type == "INT96" and "." not in column.path:
            at = schema.get_field_index(column.name)
            schema = schema.set(at, pa.field(column.name, pa.timestamp("us", tz="UTC")))
    return schema


def _compression(file: Any) -> str:
    if not file.num_row_groups:
        return "snappy"
    found = file.metadata.row_group(0).column(0).compression.lower()
    return "none" if found == "uncompressed" else str(found)
