"""`make sql`: a prompt on the marts, as the warehouse's reader sees them, through Redshift's Data API."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operations.place import Place, Refused, say
from operations.queries import Answer, warehouse_answer

HELP = r"Statements end with a semicolon. \d lists the marts, \d <mart> its columns, \q (or the end of the input) ends."
MARTS = "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
COLUMNS = (
    "select column_name, data_type from information_schema.columns "
    "where table_schema = 'marts' and table_name = '{mart}' order by ordinal_position"
)
WIDEST = 60  # characters of a cell
NUMBERS = (int, float)

Ask = Callable[[str], Answer]


def prompt(place: Place, lines: Iterable[str] | None = None) -> int:
    """1 where a statement failed and nobody was there to see it."""
    interactive = lines is None and sys.stdin.isatty()
    given = _typed() if interactive else (sys.stdin if lines is None else lines)
    if interactive:
        say(HELP)
    failed = run(given, lambda statement: warehouse_answer(place, statement))
    return 1 if failed and not interactive else 0


def run(lines: Iterable[str], ask: Ask) -> int:
    """Answers each statement; returns how many failed."""
    failed = 0
    for statement in statements(lines):
        started = time.monotonic()
        try:
            answer = ask(statement)
        except (Refused, BotoCoreError, ClientError) as error:
            failed += 1
            say(str(error))
            continue
        for line in table(answer):
            say(line)
        say(f"({len(answer.rows):,} rows, {time.monotonic() - started:.1f} s)")
    return failed


def statements(lines: Iterable[str]) -> Iterator[str]:
    """Statements without their semicolons; what stands last may have none."""
    held: list[str] = []
    for line in lines:
        text = line.strip()
        if not held and text.startswith("\\"):
            if text == r"\q":
                return
            yield _described(text)
            continue
        if text and not text.startswith("--"):
            held.append(text)
        if text.endswith(";"):
            yield " ".join(held).rstrip("; ")
            held = []
    if held:
        yield " ".join(held)


def _described(command: str) -> str:
    """The statement behind a command. What it does not know is asked as it is, and refused by the warehouse."""
    name, _, mart = command.partition(" ")
    if name != r"\d":
        return command
    known = "".join(c for c in mart.strip().removeprefix("marts.") if c.isalnum() or c == "_")
    return COLUMNS.format(mart=known) if known else MARTS


def _typed() -> Iterator[str]:
    import readline  # noqa: F401 (gives input() its history)

    while True:
        try:
            yield input("marts=> ")
        except EOFError:
            say("")
            return


def table(answer: Answer) -> Iterator[str]:
    """Numbers to the right, null as nothing."""
    cells = [[_text(value) for value in row] for row in answer.rows]
    widths = [max(map(len, column)) for column in zip(answer.names, *cells, strict=True)]
    yield "  ".join(name.ljust(width) for name, width in zip(answer.names, widths, strict=True)).rstrip()
    yield "  ".join("-" * width for width in widths)
    for row, texts in zip(answer.rows, cells, strict=True):
        yield _line(row, texts, widths)


def _line(row: Sequence[Any], texts: Sequence[str], widths: Sequence[int]) -> str:
    aligned = (
        text.rjust(width) if isinstance(value, NUMBERS) else text.ljust(width)
        for value, text, width in zip(row, texts, widths, strict=True)
    )
    return "  ".join(aligned).rstrip()


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4f}"
    text = "" if value is None else str(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
