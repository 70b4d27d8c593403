"""What is wrong with a person's own files, all of it in one message; and what was done that they should know."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN = 60  # characters of a value


class OwnFilesRefused(Exception):
    """Files that the pipeline would refuse later; nothing was changed. Each line names place and cure."""

    def __init__(self, folder: object, problems: Problems) -> None:
        self.lines = problems.lines
        listed = [f"  {line}" for line in (*problems.lines, *(f"(read) {note}" for note in problems.notes))]
        super().__init__(
            "\n".join([f"{folder}: {len(problems.lines)} problem(s), nothing was changed", *listed])
        )


@dataclass
class Problems:
    """lines refuse; warnings are allowed but suspicious; notes say what was read, and how."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, text: str, *, file: str = "", row: int | None = None, more: int = 0, column: str = ""
    ) -> None:
        """`more`: further rows of the same kind, of which only the first is shown."""
        self.lines.append(_line(text, file, row, more, column))

    def warn(
        self, text: str, *, file: str = "", row: int | None = None, more: int = 0, column: str = ""
    ) -> None:
        self.warnings.append(_line(text, file, row, more, column))

    def note(self, text: str, *, file: str = "") -> None:
        self.notes.append(_line(text, file, None, 0, ""))


def _line(text: str, file: str, row: int | None, more: int, column: str) -> str:
    where = [file] if file else []
    if row is not None:
        where.append(f"row {row:,}" + (f" (and {more:,} more)" if more else ""))
    if column:
        where.append(f"column {column}")
    return f"{', '.join(where)}: {text}" if where else text


def shown(value: object) -> str:
    """A value as a message shows it: one line, cut where it is long."""
    text = repr(str(value))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 4]}...{text[0]}"
