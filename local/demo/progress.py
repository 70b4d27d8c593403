"""Follows a run to its end: a tree where somebody looks, else a line for each state that ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

from local.demo import live
from local.demo.history import ITERATION, RUNNING, Execution, Failure, StateRun

POLL_SECONDS = 0.5
QUIET_SECONDS = 10.0  # in lines, say what runs when nothing finished for so long
BOOKKEEPING = ("Pass", "Choice", "Succeed", "Fail")


class RunFailed(RuntimeError):
    """The execution did not succeed; the message names state, error, cause and log."""

    @classmethod
    def of(cls, failure: Failure, *, logs: Path) -> RunFailed:
        return cls(
            f"The run failed in {failure.workflow} › {failure.state}\n"
            f"  error: {failure.error}\n  cause: {_in_words(failure.cause)}\n  logs:  {logs}"
        )


def _in_words(cause: str) -> str:
    """What a service says inside the JSON that Step Functions hands on (a Glue run, a function's error)."""
    try:
        value = json.loads(cause)
    except ValueError:
        return cause
    keys = ("ErrorMessage", "errorMessage", "cause", "Cause")
    inner = next((value[key] for key in keys if isinstance(value, dict) and value.get(key)), None)
    return _in_words(str(inner)) if inner else cause


@dataclass(frozen=True)
class Run:
    execution: Execution
    seconds: float

    def steps(self) -> list[tuple[str, float]]:
        """Seconds by `workflow › state`, of states outside of iterations, in the order first entered."""
        totals: dict[str, float] = {}
        end = datetime.now(UTC)
        for execution in self.execution.everything():
            for state in execution.states:
                if not state.item and state.kind not in BOOKKEEPING:
                    totals[state.path] = totals.get(state.path, 0.0) + state.seconds(end)
        return list(totals.items())


def follow(
    client: Any,
    arn: str,
    *,
    logs: Path,
    out: TextIO = sys.stdout,
    sleep: Callable[[float], None] = time.sleep,
) -> Run:
    """Returns when the execution succeeded. Raises RunFailed."""
    execution, started = Execution(arn), time.monotonic()
    display: Display = live.LiveTree(out) if live.is_for(out) else Lines(out)
    try:
        while True:
            execution.refresh(client)
            display.show(execution)
            if execution.status != RUNNING:
                break
            sleep(POLL_SECONDS)
    finally:
        display.end()
    if execution.status != "SUCCEEDED":
        raise RunFailed.of(execution.failure(), logs=logs)
    return Run(execution, time.monotonic() - started)


class Display(Protocol):
    def show(self, execution: Execution) -> None:
        """What is known of it now."""
        ...

    def end(self) -> None:
        """Nothing more comes; also after a failure."""
        ...


class Lines:
    """Finished states as lines, and now and then what runs: for pipes, CI and terminals that can't do more."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told: dict[str, int] = {}
        self._done: set[int] = set()
        self._spoke = time.monotonic()

    def show(self, execution: Execution) -> None:
        states = [state for each in execution.everything() for state in each.states]
        now = datetime.now(UTC)
        finished = [state for state in states if state.exited and id(state) not in self._done]
        # What ended at one moment: the inner state, entered last, before what contains it.
        finished.sort(key=lambda state: state.entered, reverse=True)
        for state in sorted(finished, key=lambda state: state.exited or now):
            self._done.add(id(state))
            self._tell(state, now)
        # Of a Map its rounds, not the states inside: those of a wait loop change all the time.
        running = [s for s in states if s.exited is None and _stands_for_itself(s)]
        self._status(running, now)

    def end(self) -> None:
        """Each line is out already."""

    def _tell(self, state: StateRun, now: datetime) -> None:
        """Tells of a state; of a wait loop only the first round."""
        if state.kind in BOOKKEEPING or state.kind == "Wait":
            return
        self._told[state.path] = self._told.get(state.path, 0) + 1
        if self._told[state.path] == 1:
            self._line(f"  {state.seconds(now):6.1f} s  {state.path}")

    def _status(self, running: list[StateRun], now: datetime) -> None:
        # Outer states contain the inner ones: the newest says most.
        names = [f"{s.path} ({s.seconds(now):.0f} s)" for s in running if not _contains(s, running)]
        if names and time.monotonic() - self._spoke > QUIET_SECONDS:
            self._line("   …  " + ", ".join(names))

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()
        self._spoke = time.monotonic()


def _stands_for_itself(state: StateRun) -> bool:
    return state.kind == ITERATION or not (state.item or state.kind in BOOKKEEPING)


def _contains(state: StateRun, running: list[StateRun]) -> bool:
    """A Map, a Parallel or a nested execution that has a running state inside."""
    others = [o for o in running if o is not state and o.entered >= state.entered]
    if state.kind in ("Map", "Parallel"):
        return any(other.workflow == state.workflow for other in others)
    started = state.name.lower().removeprefix("run")
    return any(other.workflow == started != state.workflow for other in others)
