"""The transitions of states: every target exists, every state can be reached, and the machine can end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osusume_endpoint.stepfunctions.validation.report import MISSING_TARGET, NO_END, Report

ENDS_ITSELF = ("Succeed", "Fail")


def check(report: Report, machine: Mapping[str, Any], path: str) -> None:
    states = machine["States"]
    start = machine.get("StartAt")
    known = isinstance(start, str) and start in states
    report.expect(known, f"Missing 'StartAt' target: {start}", f"{path}/StartAt", code=MISSING_TARGET)
    for name, state in states.items():
        _check_state(report, name, state, states, f"{path}/States/{name}")
    if known:
        _check_reachable(report, str(start), states, path)
    # Where a target is missing, nobody knows yet where the machine was to end.
    targets = {target for state in states.values() for target, _ in _targets(state)}
    if targets <= set(states) and not any(_ends(state) for state in states.values()):
        report.add("No terminal state: one state needs End, Succeed or Fail", f"{path}/States", code=NO_END)


def _ends(state: Mapping[str, Any]) -> bool:
    return state.get("Type") in ENDS_ITSELF or state.get("End") is True


def _check_state(
    report: Report, name: str, state: Mapping[str, Any], states: Mapping[str, Any], path: str
) -> None:
    for target, where in _targets(state):
        message = f"Missing '{where.rsplit('/', 1)[-1]}' target: {target}"
        report.expect(target in states, message, f"{path}{where}", code=MISSING_TARGET)
    if state.get("Type") in (*ENDS_ITSELF, "Choice"):
        return
    if "End" in state and state["End"] is not True:
        report.add("End must be true", f"{path}/End")
    message = f'State "{name}" needs either Next or End'
    report.expect(("Next" in state) != ("End" in state), message, path)


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("Next", "Default"):
        if isinstance(state.get(key), str):
            yield state[key], f"/{key}"
    for key in ("Choices", "Catch"):
        for place, rule in enumerate(state.get(key) or []):
            if isinstance(rule, dict) and isinstance(rule.get("Next"), str):
                yield rule["Next"], f"/{key}[{place}]/Next"


def _check_reachable(report: Report, start: str, states: Mapping[str, Any], path: str) -> None:
    reached, waiting = {start}, [start]
    while waiting:
        for target, _ in _targets(states[waiting.pop()]):
            if target in states and target not in reached:
                reached.add(target)
                waiting.append(target)
    for name in states:
        message = f'State "{name}" is not reachable.'
        report.expect(name in reached, message, f"{path}/States/{name}", code=MISSING_TARGET)
