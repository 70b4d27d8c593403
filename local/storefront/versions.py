"""Versions that readers see, and the way back: `make rollback`, asked for by the page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from config import layout
from local.repository import REPOSITORY
from operations import control
from operations.place import Place

SECONDS = 120
Row = dict[str, Any]
Command = Callable[[Sequence[str]], tuple[int, str]]


class NotAsked(ValueError):
    """A request that is not one of the page's; the message says what is wrong."""


def served(place: Place) -> list[Row]:
    """[{list, current, previous, arn, previous_arn, updated_at, promoted_arn}]; `current` is empty before a run."""
    published = [one.name for one in place.settings.solutions if one.publishes]
    return [_served(place, name) for name in published]


def _served(place: Place, name: str) -> Row:
    key = {layout.PK: layout.POINTER.of(list=name), layout.SK: layout.POINTER_SK}
    pointer = control.read(place, table=place.names.recommendations_table, key=key)
    serving = control.item(place, layout.SERVING.of(solution=name))
    current, previous = pointer.get("current", ""), pointer.get("previous", "")
    return {
        "list": name,
        "current": current,
        "previous": "" if previous == current else previous,
        "arn": pointer.get("solution_version_arn", ""),
        "previous_arn": pointer.get("previous_solution_version_arn", ""),
        "updated_at": pointer.get("updated_at", ""),
        "promoted_arn": serving.get("solution_version_arn", ""),
    }


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """The command is `make rollback`'s own, in a process of its own, as the operator."""

    place: Place
    command: Command

    def back(self, given: Any) -> Row:
        """`given`: {list, current}, what the page showed when the person confirmed. {done, lines}. Raises NotAsked."""
        name, current = _named(given)
        shown = {row["list"]: row["current"] for row in served(self.place)}
        if name not in shown:
            raise NotAsked(f"list is {name[:80]!r}: give one of {', '.join(shown)}")
        if shown[name] != current:
            line = f"Nothing was done: {name} is at {shown[name] or 'no version'} by now, and no more at {current}"
            return {"done": False, "lines": [line]}
        code, text = self.command(
            ["rollback", "--environment", self.place.settings.environment, "--list", name]
        )
        return {"done": code == 0, "lines": [line for line in text.splitlines() if line.strip()]}


def _named(given: Any) -> tuple[str, str]:
    """(list, version) of the body. Raises NotAsked."""
    wanted = isinstance(given, dict) and set(given) == {"list", "current"}
    if not wanted or not all(isinstance(value, str) for value in given.values()):
        raise NotAsked('the body must be {"list": "...", "current": "..."} and nothing else')
    return given["list"], given["current"]


def run(arguments: Sequence[str]) -> tuple[int, str]:
    """(exit code, what was said) of `python -m local`."""
    done = subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout
