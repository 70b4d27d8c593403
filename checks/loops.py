"""Wait loops: each must notice failure and give up after a limit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import StringShape

from checks import sdk

Problem = tuple[str, str, str, str]  # rule, state, why, cure
# Personalize's statuses have no enumeration in the model (developer guide, each Describe operation).
_STATUSES = {
    "personalize": frozenset(
        "ACTIVE,CREATE PENDING,CREATE IN_PROGRESS,CREATE FAILED,CREATE STOPPING,CREATE STOPPED,"
        "DELETE PENDING,DELETE IN_PROGRESS,DELETE FAILED,STARTING,UPDATE PENDING".split(",")
    )
}
# Of a resource whose statuses are others than its service's (API reference, DescribeDataDeletionJob).
_OWN_STATUSES = {"DescribeDataDeletionJob": frozenset(("PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"))}
_WORDS = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_CLOCK = re.compile(r"\$(?:millis|now|toMillis)\(")


def loops(machine: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of the loops through a Wait in one machine (not in those inside it)."""
    states = machine.get("States", {})
    for name, state in states.items():
        if state.get("Type") == "Wait":
            around = circle(states, name)
            yield from _problems(states, name, around) if around else ()


def circle(states: Mapping[str, Any], start: str) -> set[str]:
    """States of the shortest ways from the Wait back to itself; a longer one starts the work again."""
    forth = _distances(states, start)
    back = {name: _distances(states, name).get(start, len(states) + 1) for name in forth}
    around = {name: forth[name] + back[name] for name in forth if name != start}
    shortest = min(around.values(), default=0)
    return {start, *(name for name in around if around[name] == shortest)} if start in forth else set()


def returns(states: Mapping[str, Any], name: str) -> bool:
    """Whether a state can be passed again."""
    return name in _distances(states, name)


def _distances(states: Mapping[str, Any], start: str) -> dict[str, int]:
    """Steps from `start` to each state that it leads to, itself too where it leads back."""
    distances: dict[str, int] = {}
    waiting, steps = [start], 0
    while waiting:
        steps += 1
        reached = {name for one in waiting for name in _successors(states.get(one, {}))} - set(distances)
        distances.update(dict.fromkeys(reached, steps))
        waiting = list(reached)
    return distances


def _successors(state: Mapping[str, Any]) -> Iterator[str]:
    for name in ("Next", "Default"):
        if name in state:
            yield str(state[name])
    for choice in state.get("Choices", []):
        yield str(choice.get("Next"))


def _problems(states: Mapping[str, Any], wait: str, around: set[str]) -> Iterator[Problem]:
    choices = [
        choice
        for name in around
        for choice in states[name].get("Choices", [])
        if choice["Next"] not in around
    ]
    failing = [c for c in choices if _fails(states, str(c["Next"]))]
    if not any(not _CLOCK.search(str(c.get("Condition"))) for c in failing):
        cure = "add a Choice on the failed statuses that leads to a Fail state."
        yield "workflow-loop-failure", wait, "the loop does not end when the job fails", cure
    if not any(_CLOCK.search(str(c.get("Condition"))) for c in failing):
        cure = "add a Choice on a deadline that leads to a Fail state."
        yield "workflow-loop-limit", wait, "the loop has no limit of its own", cure
    for name in around:
        yield from _statuses(states, name, choices)


def _fails(states: Mapping[str, Any], name: str) -> bool:
    """Whether a state fails, itself or by what follows it without a choice."""
    seen: set[str] = set()
    while name in states and name not in seen:
        seen.add(name)
        if states[name].get("Type") == "Fail":
            return True
        name = str(states[name].get("Next"))
    return False


def _statuses(states: Mapping[str, Any], name: str, choices: list[Any]) -> Iterator[Problem]:
    """Statuses that are compared exist, and the loop leaves on success and on each failure."""
    known = statuses(states[name])
    if known is None:
        return
    compared = {word for choice in choices for word in _quoted(str(choice.get("Condition")))}
    for word in sorted(compared - known):
        why = f"{word!r} is no status of {states[name]['Resource'].rpartition(':')[2]}"
        yield "workflow-loop-status", name, why, f"compare with one of {', '.join(sorted(known))}."
    ended = {
        word for word in known if word.endswith(("FAILED", "ABORTED", "STOPPED")) and _happens(word, name)
    }
    for word in sorted(ended - compared):
        why = f"the loop goes on waiting when the status is {word!r}"
        yield "workflow-loop-status", name, why, "leave the loop on it."
    if not compared & {"ACTIVE", "COMPLETED", "FINISHED", "SUCCEEDED"}:
        why = "no status of success ends the loop"
        yield "workflow-loop-status", name, why, "leave the loop on success."


def _happens(word: str, state: str) -> bool:
    return not word.startswith("DELETE") and (word != "CREATE STOPPED" or "SolutionVersion" in state)


def statuses(state: Mapping[str, Any]) -> frozenset[str] | None:
    """What the Status of a Describe may be; None for other states."""
    try:
        call = sdk.parse(str(state.get("Resource", "")))
    except ValueError:
        return None
    if call is None or not call.operation.startswith("Describe"):
        return None
    if call.operation in _OWN_STATUSES:
        return _OWN_STATUSES[call.operation]
    if call.service in _STATUSES:
        return _STATUSES[call.service]
    members = getattr(call.model.output_shape, "members", {})
    nested = [m for shape in members.values() for m in getattr(shape, "members", {}).items()]
    for name, shape in [*members.items(), *nested]:
        if name.endswith("Status") and isinstance(shape, StringShape) and shape.enum:
            return frozenset(shape.enum)
    return None


def _quoted(text: str) -> Iterator[str]:
    for single, double in _WORDS.findall(text):
        word = single or double
        if word.isupper():
            yield word
