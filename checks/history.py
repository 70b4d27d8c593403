"""How many events the longest execution of a state machine writes: Step Functions ends one at 25,000.

Counted as execution histories show them: a Task that succeeds writes five events, a state without work two, an
attempt that fails three more; a poll through Describe, Choice and Wait nine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from checks.loops import circle, returns
from osusume_endpoint.stepfunctions import jsonata

LIMIT = 25_000
# Items of a Map are a list in the definition, or come while it runs: as many as a full recovery period has days.
UNKNOWN_ITEMS = 36
TASK, CONTAINER, PLAIN, ATTEMPT, ITERATION = 5, 4, 2, 3, 2
_DEADLINE = re.compile(r"\$millis\(\)\s*\+\s*(\d+)")
_CLOCK_CHOICE = re.compile(r"\$millis\(\)\s*>\s*\$(\w+)")
_FIRST_ITEMS = re.compile(r"\[\[0\.\.(\d+)\]\]\]? %\}")  # an expression that ends in [[0..n]]
_NO_LIMIT_HOURS = 24


def longest(machine: Mapping[str, Any]) -> int:
    """Events of an execution that takes every way, retries everything and polls until each deadline."""
    return PLAIN + _of_machine(machine, deadlines=_deadlines(machine))


def _of_machine(machine: Mapping[str, Any], *, deadlines: Mapping[str, float]) -> int:
    states, total = machine.get("States", {}), 0
    polled = _polled(states)
    for name, state in states.items():
        # What is not of a wait loop and returns all the same is a second attempt.
        twice = name not in polled and returns(states, name)
        total += _of_state(state, deadlines=deadlines) * (2 if twice else 1)
        if state.get("Type") == "Wait" and (inside := circle(states, name)):
            total += _polls(states, name, inside, deadlines) * sum(_once(states[other]) for other in inside)
    return total


def _polled(states: Mapping[str, Any]) -> set[str]:
    waits = [name for name, state in states.items() if state.get("Type") == "Wait"]
    return {name for wait in waits for name in circle(states, wait)}


def _of_state(state: Mapping[str, Any], *, deadlines: Mapping[str, float]) -> int:
    branches = sum(_of_machine(branch, deadlines=deadlines) for branch in state.get("Branches", []))
    attempts = ATTEMPT * sum(rule.get("MaxAttempts", 3) for rule in state.get("Retry", []))
    return _once(state) + branches + _iterations(state, deadlines=deadlines) + attempts


def _once(state: Mapping[str, Any]) -> int:
    return {"Task": TASK, "Map": CONTAINER, "Parallel": CONTAINER}.get(str(state.get("Type")), PLAIN)


def _iterations(state: Mapping[str, Any], *, deadlines: Mapping[str, float]) -> int:
    inner = state.get("ItemProcessor") or state.get("Iterator")
    if not inner or inner.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":  # children of their own
        return 0
    items = state.get("Items")
    found = _FIRST_ITEMS.search(str(items))
    unknown = int(found[1]) + 1 if found else UNKNOWN_ITEMS
    count = len(items) if isinstance(items, list) else unknown
    return count * (ITERATION + _of_machine(inner, deadlines=deadlines))


def _deadlines(machine: Mapping[str, Any]) -> dict[str, float]:
    """Milliseconds that each deadline variable leaves, anywhere in the definition."""
    return {
        name: float(found[1])
        for assigned in _assignments(machine)
        for name, value in assigned.items()
        if isinstance(value, str) and (found := _DEADLINE.search(value))
    }


def _assignments(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("Assign"), Mapping):
            yield value["Assign"]
        for inner in value.values():
            yield from _assignments(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _assignments(inner)


def _polls(states: Mapping[str, Any], wait: str, inside: set[str], deadlines: Mapping[str, float]) -> int:
    """Rounds of the loop through this Wait until its deadline; a day's where it has none."""
    conditions = [
        str(choice.get("Condition")) for name in inside for choice in states[name].get("Choices", [])
    ]
    named = [
        deadlines[m[1]] for text in conditions for m in _CLOCK_CHOICE.finditer(text) if m[1] in deadlines
    ]
    until, clock, rounds = min(named, default=_NO_LIMIT_HOURS * 3.6e6), 0.0, 0
    while clock <= until and rounds * PLAIN <= LIMIT:
        clock += 1000 * max(1.0, _seconds(states[wait].get("Seconds"), clock=clock))
        rounds += 1
    return rounds


@lru_cache(maxsize=20_000)
def _seconds(value: Any, *, clock: float) -> float:
    """What the Wait waits after `clock` milliseconds of waiting, all clocks having started at 0."""
    expression = jsonata.expression_in(value)
    if expression is None:
        return float(value) if isinstance(value, int | float) else math.inf
    variables = dict.fromkeys(re.findall(r"\$(\w+Since)", expression), 0) | {"clock": clock}
    text = expression.replace("$millis()", "$clock")
    return float(jsonata.evaluate(text, states={}, variables=variables, field="Seconds"))
