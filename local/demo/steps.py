"""An execution's history as a tree of steps: workflow, its states, what each of them started or repeated.

Everything is told by the history: no workflow's or state's name is known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from local.demo.history import ITERATION, RUNNING, Execution, StateRun

UNTOLD = ("Pass", "Choice", "Succeed")  # they take no time and do nothing outside
LISTED = 8  # iterations of a Map that are named one by one


class Outcome(Enum):
    DONE = "done"
    RUNNING = "running"
    CAUGHT = "caught"  # an error that the workflow went on from
    FAILED = "failed"


@dataclass(kw_only=True)
class Step:
    """`times`: how often it ran; `seconds` of all of them, with the waits that followed."""

    name: str
    outcome: Outcome
    seconds: float
    times: int = 1
    note: str = ""
    steps: list[Step] = field(default_factory=list)


def of_execution(execution: Execution, *, now: datetime) -> Step:
    if execution.status != RUNNING and execution.newest is not None:
        now = execution.newest  # what it left open ended with it
    outer = [state for state in execution.states if not state.item and state.kind not in UNTOLD]
    return Step(
        name=execution.workflow,
        outcome=_outcome_of_execution(execution),
        seconds=_between(outer, now),
        steps=_steps(execution, outer, now=now),
    )


def _outcome_of_execution(execution: Execution) -> Outcome:
    if execution.status == RUNNING:
        return Outcome.RUNNING
    return Outcome.DONE if execution.status == "SUCCEEDED" else Outcome.FAILED


def _between(states: Sequence[StateRun], now: datetime) -> float:
    if not states:
        return 0.0
    ends = [state.exited or now for state in states]
    return (max(ends) - states[0].entered).total_seconds()


def _steps(execution: Execution, states: Sequence[StateRun], *, now: datetime) -> list[Step]:
    """One for each name, in the order in which they were entered first."""
    steps: dict[str, Step] = {}
    parallel: StateRun | None = None
    last: Step | None = None
    for state in states:
        if parallel is not None and parallel.contains(state):
            continue
        if state.kind == "Wait" and last is not None:
            last.seconds += state.seconds(now)
            last.outcome = Outcome.RUNNING if _is_open(state, execution) else last.outcome
            continue
        parallel = state if state.kind == "Parallel" else None
        inside = [other for other in states if state.contains(other)] if parallel else []
        last = _again(steps.get(state.name), _step(execution, state, inside, now=now))
        steps[state.name] = last
    return list(steps.values())


def _again(before: Step | None, step: Step) -> Step:
    if before is None:
        return step
    return Step(
        name=step.name,
        outcome=step.outcome,
        seconds=before.seconds + step.seconds,
        times=before.times + 1,
        note=step.note or before.note,
        steps=step.steps or before.steps,
    )


def _step(execution: Execution, state: StateRun, inside: Sequence[StateRun], *, now: datetime) -> Step:
    started = [child for child in execution.children if child.started_in == state.name]
    rounds = [other for other in execution.states if _is_round(other, of=state)]
    listed = len(rounds) <= LISTED
    return Step(
        # A state that did no more than to start an execution: one line says both.
        name=f"{state.name} → {started[0].workflow}" if len(started) == 1 else state.name,
        outcome=_outcome(state, execution),
        seconds=state.seconds(now),
        note=state.error if listed else _summary(rounds, now),
        steps=[
            *_executions(started, now=now),
            *_steps(execution, inside, now=now),
            *(_iteration(execution, one, now=now) for one in rounds if listed),
        ],
    )


def _executions(started: Sequence[Execution], *, now: datetime) -> list[Step]:
    found = [of_execution(child, now=now) for child in started]
    return found[0].steps if len(found) == 1 else found


def _is_round(other: StateRun, *, of: StateRun) -> bool:
    return other.kind == ITERATION and other.name == of.name and of.contains(other)


def _outcome(state: StateRun, execution: Execution) -> Outcome:
    if state.exited is not None and state.kind != ITERATION:
        return Outcome.CAUGHT if state.error else Outcome.DONE
    if state.exited is not None:
        return Outcome.FAILED if state.error else Outcome.DONE
    return Outcome.RUNNING if _is_open(state, execution) else Outcome.FAILED


def _is_open(state: StateRun, execution: Execution) -> bool:
    """A state without an end, of an execution that still runs; a Fail state has none either."""
    return state.exited is None and execution.status == RUNNING and state.kind != "Fail"


def _iteration(execution: Execution, one: StateRun, *, now: datetime) -> Step:
    """A round of a Map, with the state in which it is."""
    outcome = _outcome(one, execution)
    inside = [s for s in execution.states if s.item == one.item and s.kind not in (*UNTOLD, ITERATION)]
    shown = next((s for s in reversed(inside) if s.exited is None or s.kind == "Fail"), None)
    note = f"{shown.name} {shown.error}".strip() if shown and outcome is not Outcome.DONE else ""
    return Step(name=one.item, outcome=outcome, seconds=one.seconds(now), note=note)


def _summary(rounds: Sequence[StateRun], now: datetime) -> str:
    ended = [one for one in rounds if one.exited is not None]
    failed = sum(bool(one.error) for one in ended)
    slowest = max(one.seconds(now) for one in rounds)
    parts = [f"{len(ended)} of {len(rounds)} iterations", f"the slowest {slowest:.1f} s"]
    return ", ".join([*parts, f"{failed} failed"] if failed else parts)


def walk(step: Step) -> Iterator[Step]:
    yield step
    for inner in step.steps:
        yield from walk(inner)
