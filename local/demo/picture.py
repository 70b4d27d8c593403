"""docs/demo.svg: the terminal at the end of a run that was recorded (`make demo`, --record)."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from local.demo import recording, steps
from local.demo.live import tree
from local.demo.recording import Recording

WIDTH = 118
# Fonts are the reader's own: a picture that asks another host for one is broken where it may not.
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
        for line in lines:
            console.print(Text(line), no_wrap=True, crop=True)
    text = console.export_svg(title=run.command, unique_id="run")
    return _FONT_FACE.sub("", text).rstrip() + "\n"
