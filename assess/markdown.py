"""The document as Markdown: pictures become tables."""

from __future__ import annotations

from collections.abc import Iterator

from assess.document import Block, Code, Document, Table, Text

_MARKS = {"good": "✓ ", "bad": "✗ ", "warn": "! "}


def markdown(document: Document) -> str:
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield f"# {_one_line(document.title)}"
    for text in document.lead:
        yield from ("", _marked(text))
    for section in document.sections:
        yield from ("", f"## {_one_line(section.title)}")
        for part in section.parts:
            if part.title:
                yield from ("", f"### {_one_line(part.title)}")
            for block in part.blocks:
                yield ""
                yield from _block(block)
    yield from ("", document.foot)


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield _marked(block)
    elif isinstance(block, Code):
        yield from ("```yaml", block.text.rstrip("\n"), "```")
    elif isinstance(block, Table):
        yield from _table(block)
    else:
        yield from _table(Table((block.title, ""), [(bar.label, bar.shown) for bar in block.bars]))


def _marked(text: Text) -> str:
    return _MARKS.get(text.tone, "") + _escaped(text.text)


def _table(table: Table) -> Iterator[str]:
    yield _row(table.head)
    aligned = "--:" if table.numeric else "---"
    yield "|" + "|".join(["---", *[aligned] * (len(table.head) - 1)]) + "|"
    yield from map(_row, table.rows)


def _row(cells: object) -> str:
    return "| " + " | ".join(_escaped(str(cell)) for cell in cells) + " |"  # type: ignore[attr-defined]


def _escaped(text: str) -> str:
    line = _one_line(text)
    for mark in "\\`*_|<[":
        line = line.replace(mark, f"\\{mark}")
    return line


def _one_line(text: str) -> str:
    return " ".join(text.split())
