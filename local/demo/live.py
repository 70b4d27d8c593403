"""A run on a terminal: the tree of its steps, drawn again at every look, and left whole at the end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.segment import Segment, Segments
from rich.text import Text
from rich.tree import Tree

from local.demo import steps
from local.demo.history import Execution
from local.demo.steps import Outcome, Step

MARKS: Mapping[Outcome, tuple[str, str]] = {  # sign and colour
    Outcome.DONE: ("✓", "green"),
    Outcome.RUNNING: ("…", "yellow"),
    Outcome.CAUGHT: ("!", "yellow"),
    Outcome.FAILED: ("✗", "red"),
}


def is_for(out: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a person looks who sees lines change: no pipe, no CI, no terminal that can't, nobody who declined."""
    plain = environment.get("NO_COLOR") or environment.get("CI")
    return out.isatty() and not plain and environment.get("TERM", "dumb") not in ("dumb", "unknown")


class LiveTree:
    """What ended is folded up while the run goes on, so that what runs stays on the screen."""

    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out, highlight=False)
        # Drawn at each look; what others print meanwhile is theirs.
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._execution: Execution | None = None

    def show(self, execution: Execution) -> None:
        self._execution = execution
        self._live.start()
        self._live.update(self._end_of(tree(_now(execution), folded=True)), refresh=True)

    def end(self) -> None:
        self._live.stop()
        if self._execution is not None:
            self._console.print(tree(_now(self._execution)))

    def _end_of(self, drawn: Tree) -> Segments:
        """The tree's last lines, as many as the terminal has: there it runs."""
        lines = self._console.render_lines(drawn, pad=False)[-max(1, self._console.height - 1) :]
        return Segments([segment for line in lines for segment in (*line, Segment.line())])


def _now(execution: Execution) -> Step:
    return steps.of_execution(execution, now=datetime.now(UTC))


def tree(step: Step, *, folded: bool = False) -> Tree:
    """`folded`: without what is inside of steps that went well."""
    drawn = Tree(label(step, folded=folded), guide_style="bright_black")
    _grow(drawn, step, folded=folded)
    return drawn


def _grow(drawn: Tree, step: Step, *, folded: bool) -> None:
    for inner in step.steps:
        branch = drawn.add(label(inner, folded=folded))
        if not (folded and inner.outcome is Outcome.DONE):
            _grow(branch, inner, folded=folded)


def label(step: Step, *, folded: bool = False) -> Text:
    sign, colour = MARKS[step.outcome]
    text = Text.assemble((sign, colour), " ", step.name, (f"  {step.seconds:.1f} s", "cyan"))
    if step.times > 1:
        text.append(f"  {step.times} times", "bright_black")
    if step.note:
        text.append(f"  {step.note}", colour if step.outcome is not Outcome.DONE else "bright_black")
    inside = sum(1 for _ in steps.walk(step)) - 1
    if folded and inside and step.outcome is Outcome.DONE:
        text.append(f"  {inside} step{'s' if inside > 1 else ''} inside", "bright_black")
    return text
