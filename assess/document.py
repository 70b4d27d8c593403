"""What is told, before it is drawn: sections of paragraphs, tables, pictures and code. One for every output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "good", "bad", "warn", "note"]


@dataclass(frozen=True)
class Text:
    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Table:
    """The first column is text, the others are numbers where `numeric`."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: bool = True


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    shown: str
    low: float | None = None
    high: float | None = None
    strong: bool = False


@dataclass(frozen=True)
class Bars:
    """Horizontal bars; where they have low and high, points with intervals."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Columns:
    """Upright bars over time or classes."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Code:
    text: str


Block = Text | Table | Bars | Columns | Code


@dataclass(frozen=True)
class Part:
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    parts: Sequence[Part]  # the first may have an empty title


@dataclass(frozen=True)
class Document:
    language: str
    title: str
    lead: Sequence[Text]
    sections: Sequence[Section]
    contents: str  # the title of the list of sections
    foot: str
