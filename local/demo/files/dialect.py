"""How a text file separates its fields, by its first lines."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from local.demo.files.part import TableRefused

DELIMITERS = (",", ";", "\t", "|", "::")  # "::" is MovieLens 1M's
LOOKED_AT = 200  # records
LONGEST = 1 << 24  # characters of a field; the csv module's own limit is 131,072
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "::": "two colons", " ": "blank"}


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    quote: str | None = '"'
    escape: str | None = None

    @property
    def title(self) -> str:
        return _NAMES.get(self.delimiter, repr(self.delimiter))


def detect(head: Sequence[str], *, known: Collection[str], quote: str | None, escape: str | None) -> Dialect:
    """The delimiter that gives known column names, then the most alike records, then the most fields."""
    declared = head[0].strip().lower() if head else ""
    if declared.startswith("sep=") and len(declared) == 5:  # Excel's own line
        return Dialect(declared[4], quote, escape)
    dialects = [Dialect(delimiter, quote, escape) for delimiter in DELIMITERS]
    return max(dialects, key=lambda dialect: _score(head, dialect, known))


def _score(head: Sequence[str], dialect: Dialect, known: Collection[str]) -> tuple[int, float, int]:
    rows: list[list[str]] = []
    # The last field may be cut off where the head ends.
    with suppress(TableRefused):
        rows.extend(row for _, row in islice(records(head, dialect), LOOKED_AT))
    if not rows or len(rows[0]) == 1:
        return (0, 0.0, 0)
    names = sum(name.strip().upper() in known for name in rows[0])
    alike = Counter(len(row) for row in rows).most_common(1)[0][1] / len(rows)
    return (names, alike, len(rows[0]))


def records(lines: Iterable[str], dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, fields) of each record that isn't a blank line.

    Raises TableRefused where quotes don't match.
    """
    if len(dialect.delimiter) > 1:
        yield from _plain(lines, dialect.delimiter)
        return
    csv.field_size_limit(LONGEST)
    reader = csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=True,
        # `"a", "b"`: blanks around fields are cut in any case.
        skipinitialspace=dialect.delimiter not in (" ", "\t"),
    )
    before = 0
    try:
        for row in reader:
            if row:
                yield before + 1, row
            before = reader.line_num
    except csv.Error as error:
        raise _refused(error, before + 1, dialect) from None


def _plain(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if text:
            yield number, text.split(delimiter)


def _refused(error: csv.Error, row: int, dialect: Dialect) -> TableRefused:
    reason = str(error)
    if "field larger" in reason or "unexpected end" in reason:
        cure = f"a field begins with {dialect.quote} and doesn't end: close it"
    elif "expected after" in reason:
        cure = f"text follows a closing {dialect.quote}: write {dialect.quote} inside a quoted field twice"
    else:
        return TableRefused(f"it can't be read: {reason}", row=row)
    return TableRefused(f"{cure}, or write `quote: none` in mapping.yaml if quotes are plain text", row=row)
