"""The document on a terminal, by rich."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text as Line

from assess.document import Bars, Block, Code, Columns, Document, Table, Text

_STYLES = {"good": "green", "bad": "bold red", "warn": "yellow", "note": "dim"}
LENGTH = 30  # of the longest bar


def show(document: Document, console: Console) -> None:
    console.print(Line(document.title, style="bold"))
    for text in document.lead:
        console.print(Line(text.text, style=_STYLES.get(text.tone, "")))
    for section in document.sections:
        console.print(Line(f"\n{section.title}\n{'─' * 40}", style="bold"))
        for part in section.parts:
            if part.title:
                console.print(Line(f"\n{part.title}", style="bold"))
            for block in part.blocks:
                _show(block, console)


def _show(block: Block, console: Console) -> None:
    if isinstance(block, Text):
        console.print(Line(block.text, style=_STYLES.get(block.tone, "")))
    elif isinstance(block, Table):
        console.print(_grid(block))
    elif isinstance(block, Code):
        console.print(Line(block.text), soft_wrap=True)
    else:
        console.print(_bars(block))


def _grid(table: Table) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(table.head):
        grid.add_column(Line(name), justify="right" if table.numeric and at else "left")
    for row in table.rows:
        grid.add_row(*(Line(cell) for cell in row))
    return grid


def _bars(picture: Bars | Columns) -> Grid:
    grid = Grid(box=None, title=Line(picture.title, style="dim"), title_justify="left")
    top = max([bar.value for bar in picture.bars] + [1e-9])
    for bar in picture.bars:
        length = round(max(bar.value, 0) / top * LENGTH)
        grid.add_row(Line(bar.label), Line("█" * length, style="blue"), Line(bar.shown))
    return grid
