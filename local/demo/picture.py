"""docs/demo.svg: the terminal at the end of a run that was recorded (`make demo`, --record)."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from html import unescape
from itertools import takewhile

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from local.demo import places, recording, steps
from local.demo.live import tree
from local.demo.recording import Recording

WIDTH = 118
CELL = 12.2  # of rich's picture: 0.61 of a letter's height of 20
# Letters that take two cells, where the reader's font gives them two.
_WIDE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]+(?: [\u3000-\u9fff\uff00-\uffef]+)*")
# Fonts are the reader's own: a picture that asks another host for one is broken where it may not.
_TEXT = re.compile(r'(<text [^>]*)textLength="[0-9.]+"([^>]*>)([^<]*)</text>')
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def svg() -> str:
    return drawn(recording.read(recording.FILE))


def drawn(run: Recording) -> str:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold"), run.command))
    step = steps.of_execution(run.execution(), now=datetime.now(UTC))
    console.print(tree(step))
    for title, lines in run.told.items():
        console.print()
        console.print(Text(title, "bold"))
        # Of the lists those of one person: a picture of all of them is longer than a page.
        for line in takewhile(lambda line: not line.startswith(places.BESIDE), lines):
            console.print(_columns(line), no_wrap=True, crop=True)
    text = console.export_svg(title=run.command, unique_id="run")
    return _TEXT.sub(_measured, _FONT_FACE.sub("", text)).rstrip() + "\n"


def _measured(element: re.Match[str]) -> str:
    """A text element as long as its cells: rich counts letters, of which some take two."""
    start, rest, content = element.groups()
    return f'{start}textLength="{CELL * cell_len(unescape(content)):g}"{rest}{content}</text>'


def _columns(line: str) -> Text:
    """The line with Japanese in a colour of its own: it is placed apart then, and so is what follows it."""
    text = Text(line)
    for found in _WIDE.finditer(line):
        text.stylize("magenta", *found.span())
    return text
