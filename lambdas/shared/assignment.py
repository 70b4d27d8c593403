"""Who is in which variant: computed of the delivered document (config/experiments.py) and the user's id alone.

Each decision has its own point of [0, 1), made of the first 52 bits of sha256 of `<what>:<names>:<unit>`; a point
below a share is in. Raising a share therefore moves nobody who is in, and no decision tells of another. 52 bits are
what a double holds exactly, so that a browser or another language finds the same points.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HOLDOUT = "holdout"
HELD_OUT, TAKES_PART = "held-out", "takes-part"
HEX_DIGITS = 13
EXPOSURE_ID_LENGTH = 32

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Who asks. `attributes` and `states` are what is known of them; nothing unless said.

    `anybody`: every target means them, to find what might be theirs before it is known who they are.
    """

    id: str
    attributes: Mapping[str, str | None]
    states: Sequence[str] = ()
    anybody: bool = False


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """`solution` is what to show, None where it is what everybody gets; a tester's is not to be exposed."""

    experiment: str
    version: str
    variant: str
    layer: str
    solution: str | None = None
    tester: bool = False


def assigned(document: Document, *, placement: str, unit: Unit, day: str) -> list[Assignment]:
    """Every assignment that a read of the placement shows; `day` is YYYY-MM-DD in UTC.

    The holdout's comes first, where there is one and the placement is in a layer: it is an experiment of its own,
    whose variants are those who are in no experiment and the others.
    """
    layer = _layer_of(document, placement)
    if layer is None:
        return []
    running = [one for one in document["experiments"] if one["layer"] == layer and _runs(one, day)]
    tested = [_tester(one, unit) for one in running if unit.id in one["testers"]]
    if tested:
        return tested[:1]
    held = list(_holdout(document["holdout"], layer=layer, unit=unit)) if running else []
    if any(one.variant == HELD_OUT for one in held):
        return held
    found = ((one, _variant(one, unit)) for one in running if _is_in(one, unit, day))
    return held + [variant for one, variant in found if variant.variant not in one.get("stopped", ())]


def point(*names: str) -> float:
    """A point of [0, 1), the same for the same names; the last may hold anything, the others no colon."""
    digits = hashlib.sha256(":".join(names).encode()).hexdigest()[:HEX_DIGITS]
    return int(digits, 16) / 16**HEX_DIGITS


def exposure_id(assignment: Assignment, *, unit_id: str, day: str) -> str:
    """One for a user, a version of an experiment and a day, so that writing it twice leaves one."""
    text = ":".join((assignment.experiment, assignment.version, day, unit_id))
    return hashlib.sha256(text.encode()).hexdigest()[:EXPOSURE_ID_LENGTH]


def exposure(
    assignment: Assignment, *, unit_id: str, exposed_at: str, placement: str, recommendation_id: str
) -> dict[str, str]:
    """A line of the exposures' files; `exposed_at` is ISO 8601 in UTC."""
    return {
        "exposure_id": exposure_id(assignment, unit_id=unit_id, day=exposed_at[:10]),
        "experiment": assignment.experiment,
        "version": assignment.version,
        "variant": assignment.variant,
        "layer": assignment.layer,
        "unit_id": unit_id,
        "exposed_at": exposed_at,
        "placement": placement,
        "recommendation_id": recommendation_id,
    }


def _layer_of(document: Document, placement: str) -> str | None:
    found = (layer for layer, placements in document["layers"].items() if placement in placements)
    return next(found, None)


def _holdout(holdout: Mapping[str, Any], *, layer: str, unit: Unit) -> Iterator[Assignment]:
    if holdout["percent"] > 0:
        out = point(HOLDOUT, unit.id) < holdout["percent"] / 100
        variant = HELD_OUT if out else TAKES_PART
        yield Assignment(experiment=HOLDOUT, version=holdout["version"], variant=variant, layer=layer)


def _runs(experiment: Mapping[str, Any], day: str) -> bool:
    """Days of one form compare as texts."""
    return experiment["starts"] <= day and (experiment["ends"] is None or day <= experiment["ends"])


def _is_in(experiment: Mapping[str, Any], unit: Unit, day: str) -> bool:
    first, end = experiment["slots"]
    if not first / 100 <= point("slot", experiment["layer"], unit.id) < end / 100:
        return False
    if not _is_meant(experiment["target"], unit):
        return False
    traffic = point("traffic", experiment["name"], experiment["version"], unit.id)
    return traffic < _percent(experiment["ramp"], day) / 100


def _is_meant(target: Mapping[str, Any], unit: Unit) -> bool:
    if unit.anybody:
        return True
    meant = all(_has(unit.attributes.get(name), values) for name, values in target["attributes"].items())
    return meant and (not target["states"] or any(state in target["states"] for state in unit.states))


def _has(text: str | None, values: Sequence[str]) -> bool:
    """Personalize separates several values of one attribute by `|`."""
    return text is not None and any(one in values for one in text.split("|"))


def _percent(ramp: Sequence[Sequence[Any]], day: str) -> float:
    return max((float(percent) for first, percent in ramp if first <= day), default=0.0)


def _variant(experiment: Mapping[str, Any], unit: Unit) -> Assignment:
    """Variants lie side by side on [0, 1) in the order in which they are written."""
    found = point("variant", experiment["name"], experiment["version"], unit.id) * 100
    edge = 0
    for variant in experiment["variants"]:
        edge += variant["weight"]
        if found < edge:
            return _assignment(experiment, variant)
    return _assignment(experiment, experiment["variants"][-1])


def _tester(experiment: Mapping[str, Any], unit: Unit) -> Assignment:
    wanted = experiment["testers"][unit.id]
    variant = next(one for one in experiment["variants"] if one["name"] == wanted)
    return _assignment(experiment, variant, tester=True)


def _assignment(
    experiment: Mapping[str, Any], variant: Mapping[str, Any], *, tester: bool = False
) -> Assignment:
    return Assignment(
        experiment=experiment["name"],
        version=experiment["version"],
        variant=variant["name"],
        layer=experiment["layer"],
        solution=variant.get("solution"),
        tester=tester,
    )
