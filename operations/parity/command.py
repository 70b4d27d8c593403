"""Asks every question where the command acts, keeps the answers, and compares with the other place's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from operations import stacks
from operations.parity.differences import differences
from operations.parity.probe import Probe
from operations.parity.probes import ENVIRONMENT, PROBES, asked
from operations.place import Place, Refused, say

FOLDER = Path("parity")
HERE, THERE = "endpoint", "aws"


def parity(place: Place, *, on: str, folder: Path = FOLDER, probes: Iterable[Probe] = PROBES) -> int:
    """Returns how many differences there are; none to show where the other place was never asked.

    Raises Refused where the environment isn't deployed where it asks.
    """
    _deployed(place)
    answers = ask(place, probes)
    kept = _keep(answers, folder / f"{place.settings.environment}.{on}.json")
    say(f"  {len(answers)} answers in {kept}")
    other = folder / f"{place.settings.environment}.{THERE if on == HERE else HERE}.json"
    if not other.exists():
        say(f"  nothing to compare with: {_how(place, on)} writes {other}")
        return 0
    return _shown({on: answers, ("aws" if on == HERE else HERE): json.loads(other.read_text())})


def ask(place: Place, probes: Iterable[Probe]) -> dict[str, Any]:
    return {probe.name: asked(probe, place) for probe in probes}


def _deployed(place: Place) -> None:
    if not stacks.deployed(place):
        name = place.settings.environment
        raise Refused(f"No stack of {name} is deployed here: {ENVIRONMENT} with ENV={name}, then `make run`")


def _keep(answers: Mapping[str, Any], path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return path


def _how(place: Place, on: str) -> str:
    return f"make parity ENV={place.settings.environment}" + (" ON=aws" if on == HERE else "")


def _shown(answers: Mapping[str, Mapping[str, Any]]) -> int:
    confirms = {probe.name: probe.confirms for probe in PROBES if probe.confirms}
    found = differences(answers[HERE], answers[THERE])
    for difference in found:
        say(f"  DIFFERS {difference}")
        if difference.probe in confirms:
            say(f"          decides the assumption: {confirms[difference.probe]}")
    say(f"  {len(found)} differences in {len(answers[THERE])} answers")
    return len(found)
