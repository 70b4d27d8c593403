"""CSV and its kin: any delimiter, quoting, line end and encoding; fields are never shifted."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pyarrow as pa

from local.demo.files import content as contents
from local.demo.files import dialect as dialects
from local.demo.files.content import Content, Encoding
from local.demo.files.dialect import Dialect
from local.demo.files.mapping import Layout
from local.demo.files.part import SAMPLED, Keep, Part, TableRefused, display, frame_of, text_array

ROWS = 50_000  # turned into columns at once
MARK = "\ufeff \t"  # of a file that was put behind another one
UNSEEN = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))  # in a header's names
MOSTLY = 0.9  # of the rows
HEAD = 1_000  # lines looked at for the delimiter
Record = tuple[int, list[str]]
Say = Callable[[str], None]


@dataclass
class _Oddities:
    """Rows that differ from the header, counted; `first` is the first one's number and fields."""

    repeated_headers: int = 0
    blank: int = 0
    trailing: int = 0
    short: int = 0
    first_short: tuple[int, int] = (0, 0)
    long: list[tuple[int, int]] = field(default_factory=list)
    rows: int = 0


def read(content: Content, *, layout: Layout, keep: Keep, known: Collection[str], say: Say) -> Part:
    """Raises TableRefused, Unreadable. `known`: upper-case column names that tell a delimiter."""
    encoding = Encoding(layout.encoding) if layout.encoding else contents.detect(content)
    codec = "utf-8-sig" if encoding.name == "utf-8" else encoding.name
    try:
        _check_json(content, codec)
        dialect = _dialect(content, codec, layout, known)
        with contents.text_lines(content, codec) as lines:
            part = _read(content.name, dialects.records(lines, dialect), dialect, layout, keep, say)
    except UnicodeError:
        raise contents.undecodable(content, encoding.name) from None
    return Part(part.file, part.columns, part.frame, part.rows, part.sample, _how(dialect, encoding, layout))


def _check_json(content: Content, codec: str) -> None:
    with contents.text_lines(content, codec) as lines:
        first = next((line for line in islice(lines, HEAD) if line.strip()), "")
    if re.search(r'\A[\s\[]*\{\s*("|\Z)', first):
        raise TableRefused("it is JSON: name it .jsonl, or .json where it is one list")


def _dialect(content: Content, codec: str, layout: Layout, known: Collection[str]) -> Dialect:
    if layout.delimiter:
        return Dialect(layout.delimiter, layout.quote, layout.escape)
    with contents.text_lines(content, codec) as lines:
        head = list(islice(lines, HEAD))
    return dialects.detect(head, known=known, quote=layout.quote, escape=layout.escape)


def _how(dialect: Dialect, encoding: Encoding, layout: Layout) -> str:
    given = " (as mapping.yaml says)" if layout.encoding else ""
    guessed = f" (guessed: {encoding.example!r}; else give `encoding:`)" if encoding.example else ""
    return f"{dialect.title}-separated, {encoding.title}{given}{guessed}"


def _read(
    file: str, records: Iterator[Record], dialect: Dialect, layout: Layout, keep: Keep, say: Say
) -> Part:
    header, first = _header(records, layout, say)
    wanted = {name: position for position, name in enumerate(header) if keep(name)}
    odd = _Oddities()
    chunks: dict[str, list[pa.Array]] = {name: [] for name in wanted}
    numbers: list[np.ndarray] = []
    sample: list[list[str]] = []
    for batch in _batches(_chain(first, records)):
        rows = _regular(batch, header, odd)
        sample = sample or [row for _, row in rows[:SAMPLED]]
        numbers.append(np.fromiter((number for number, _ in rows), dtype=np.int64, count=len(rows)))
        columns = list(zip(*(row for _, row in rows), strict=True))
        for name, position in wanted.items():
            chunks[name].append(text_array(columns[position] if columns else [], layout.null))
    _judge(odd, header, dialect, say)
    columns_sample = {
        display(name, position): [row[position] for row in sample] for position, name in enumerate(header)
    }
    rows_of = np.concatenate(numbers) if numbers else np.empty(0, dtype=np.int64)
    shown = [display(name, position) for position, name in enumerate(header)]
    return Part(file, shown, frame_of(chunks), rows_of, columns_sample)


def _chain(first: Record | None, records: Iterator[Record]) -> Iterator[Record]:
    if first:
        yield first
    yield from records


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, ROWS)):
        yield batch


def _header(records: Iterator[Record], layout: Layout, say: Say) -> tuple[list[str], Record | None]:
    """The columns' names, and the record that was read to find them when it is a row."""
    first = next(records, None)
    if first and len(first[1]) <= 2 and first[1][0].lower().startswith("sep="):
        first = next(records, None)  # Excel's `sep=;`
    while first and not any(map(str.strip, first[1])):
        first = next(records, None)
    if first is None:
        raise TableRefused("the file is empty: give a header and rows")
    if layout.header is None:
        return _named(first[1]), None
    if not layout.header:
        return [str(n) for n in range(1, len(first[1]) + 1)], first
    return _given_header(first, layout.header, say)


def _given_header(first: Record, header: tuple[str, ...], say: Say) -> tuple[list[str], Record | None]:
    if len(first[1]) != len(header):
        raise TableRefused(
            f"it has {len(first[1])} fields, `header` in mapping.yaml names {len(header)}: name them all in order",
            row=first[0],
        )
    if [name.strip().upper() for name in first[1]] == [name.upper() for name in header]:
        say("the first line is the header that mapping.yaml gives: it is no row")
        return list(header), None
    return list(header), first


def _named(fields: list[str]) -> list[str]:
    """Trailing fields without a name are not columns: a delimiter at the end of each line."""
    names = [name.translate(UNSEEN).strip() for name in fields]
    while len(names) > 1 and not names[-1]:
        names.pop()
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise TableRefused(f"the header names {twice[0]} twice: rename one")
    return names


def _regular(batch: list[Record], header: list[str], odd: _Oddities) -> list[Record]:
    """The batch's rows with exactly the header's fields; what differs is counted in `odd`."""
    width = len(header)
    odd.rows += len(batch)
    if all(len(row) == width and row[0] and header[0] not in row[0] for _, row in batch):
        return batch
    rows = []
    for number, row in batch:
        if len(row) != width:
            row = _fitted(number, row, width, odd)
        if not any(map(str.strip, row)):
            odd.blank += 1
        elif [name.strip(MARK).strip() for name in row] == header:
            odd.repeated_headers += 1
        else:
            rows.append((number, row))
    return rows


def _fitted(number: int, row: list[str], width: int, odd: _Oddities) -> list[str]:
    if len(row) > width:
        if any(map(str.strip, row[width:])):
            odd.long.append((number, len(row)))
        else:
            odd.trailing += 1
        return row[:width]
    if any(map(str.strip, row)):
        odd.first_short = odd.first_short if odd.short else (number, len(row))
        odd.short += 1
    return row + [""] * (width - len(row))


def _judge(odd: _Oddities, header: list[str], dialect: Dialect, say: Say) -> None:
    if odd.long:
        raise _too_long(odd, len(header), dialect)
    if odd.trailing:
        say(f"{odd.trailing:,} rows end with an extra {dialect.title}: the empty field is left out")
    if odd.short:
        row, fields = odd.first_short
        say(
            f"{odd.short:,} rows have fewer fields than the header, such as row {row:,} with {fields} of "
            f"{len(header)}: what is missing counts as empty"
        )
    if odd.repeated_headers:
        say(f"the header stands {odd.repeated_headers:,} more times inside: left out")
    if odd.blank:
        say(f"{odd.blank:,} rows hold nothing: left out")


def _too_long(odd: _Oddities, width: int, dialect: Dialect) -> TableRefused:
    (row, fields), more = odd.long[0], len(odd.long) - 1
    if width == 1 and len(odd.long) > MOSTLY * odd.rows:
        return TableRefused(
            f"its first line has 1 field, row {row} has {fields}: remove what stands above the header",
            row=1,
        )
    if len(odd.long) == odd.rows and {seen for _, seen in odd.long} == {width + 1} and more:
        return TableRefused(
            f"every row has {fields} fields, the header names {width}: name the column that it lacks (R"
            " writes row names without one)",
            row=row,
            more=more,
        )
    what = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}.get(
        dialect.delimiter, "the delimiter"
    )
    return TableRefused(
        f"Expected {width} fields in line {row}, saw {fields}: quote fields that hold {what}",
        row=row,
        more=more,
    )
