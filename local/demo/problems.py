"""What is wrong with a person's own files, all of it in one message."""

from __future__ import annotations

from dataclasses import dataclass, field


class OwnFilesRefused(Exception):
    """Files that the pipeline would refuse later; nothing was changed. Each line names place and cure."""

    def __init__(self, folder: object, lines: list[str]) -> None:
        self.lines = lines
        listed = "\n".join(f"  {line}" for line in lines)
        super().__init__(f"{folder}: {len(lines)} problem(s), nothing was changed\n{listed}")


@dataclass
class Problems:
    lines: list[str] = field(default_factory=list)

    def add(
        self, text: str, *, file: str = "", row: int | None = None, more: int = 0, column: str = ""
    ) -> None:
        """`more`: further rows of the same kind, of which only the first is shown."""
        where = [file] if file else []
        if row is not None:
            where.append(f"row {row:,}" + (f" (and {more:,} more)" if more else ""))
        if column:
            where.append(f"column {column}")
        self.lines.append(f"{', '.join(where)}: {text}" if where else text)
