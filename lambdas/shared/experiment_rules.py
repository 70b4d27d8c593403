"""What a delivered document must be: checked before AppConfig takes it, and by whoever reads it.

The configuration is checked where it is written (config/experiments.py). This is for what comes past it: an edit in
the console, a document of another deployment, one that was cut off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise
from typing import Any

WHOLE = 100
MOST = 50
_NAME = re.compile("[a-z][a-z0-9-]{0,39}", re.ASCII)
_PLACEMENT = re.compile("[a-z][a-z0-9_-]{0,39}", re.ASCII)
_VERSION = re.compile("[0-9a-f]{8}", re.ASCII)
STATES_OF_USERS = ("new", "active", "just_bought", "lapsed")
_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "name": str,
    "version": str,
    "layer": str,
    "slots": list,
    "starts": str,
    "ends": (str, type(None)),
    "ramp": list,
    "variants": list,
    "target": dict,
    "testers": dict,
    "stopped": list,
}


class Broken(ValueError):
    """The document can't be used; the message says where and what is right."""


@dataclass(frozen=True)
class Known:
    """What the deployed code has: names of `lists`, of `placements` and of the `attributes` of users that it knows."""

    lists: frozenset[str]
    placements: frozenset[str]
    attributes: frozenset[str] = frozenset()


def check(document: Any, known: Known | None = None) -> None:
    """Raises Broken. Without `known` names of lists and placements may be any."""
    _shape("the document", document, {"holdout": dict, "layers": dict, "experiments": list})
    holdout = document["holdout"]
    _shape("holdout", holdout, {"version": str, "percent": (int, float)})
    _need(_VERSION.fullmatch(holdout["version"]), "holdout.version", holdout["version"], "eight hex digits")
    _need(_number(holdout["percent"], 0, 50), "holdout.percent", holdout["percent"], "from 0 to 50")
    _check_layers(document["layers"], known)
    experiments = document["experiments"]
    _need(len(experiments) <= MOST, "experiments", len(experiments), f"{MOST} at most")
    for one in experiments:
        _check_experiment(one, layers=document["layers"], known=known)
    _distinct("experiments", [one["name"] for one in experiments])
    for one, other in combinations(experiments, 2):
        _check_apart(one, other)


def _need(holds: object, where: str, value: object, right: str) -> None:
    if not holds:
        raise Broken(f"{where} is {json.dumps(value)[:80]}: make it {right}")


def _shape(where: str, given: Any, keys: Mapping[str, type | tuple[type, ...]]) -> None:
    """Exactly these keys, each of its type."""
    if not isinstance(given, dict) or set(given) != set(keys):
        raise Broken(f"{where} must be an object with the keys {sorted(keys)} and no other")
    for key, kind in keys.items():
        if not isinstance(given[key], kind) or isinstance(given[key], bool):
            raise Broken(f"{where}: {key} is {json.dumps(given[key])[:80]}, which is of another type")


def _number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _distinct(where: str, names: Iterable[Any]) -> None:
    listed = list(names)
    twice = next((name for name in listed if listed.count(name) > 1), None)
    if twice is not None:
        raise Broken(f"{where} has {twice!r} twice: keep one")


def _one_of(where: str, value: Any, names: Collection[str]) -> None:
    _need(isinstance(value, str) and value in names, where, value, f"one of {sorted(names)}")


def _check_layers(layers: Mapping[str, Any], known: Known | None) -> None:
    for name, placements in layers.items():
        where = f"layers.{name}"
        _need(_NAME.fullmatch(name), "a layer's name", name, "small letters, digits and dashes")
        _need(isinstance(placements, list) and placements, where, placements, "a list of placements")
        for one in placements:
            _need(isinstance(one, str) and _PLACEMENT.fullmatch(one), where, one, "names of placements")
            if known is not None:
                _one_of(where, one, known.placements)
    _distinct("layers", [one for placements in layers.values() for one in placements])


def _check_experiment(one: Any, *, layers: Mapping[str, Any], known: Known | None) -> None:
    _shape("an experiment", one, _KEYS)
    name = one["name"]
    _need(_NAME.fullmatch(name), "an experiment's name", name, "small letters, digits and dashes")
    _need(_VERSION.fullmatch(one["version"]), f"{name}: version", one["version"], "eight hex digits")
    _one_of(f"{name}: layer", one["layer"], layers.keys())
    _check_slots(f"{name}: slots", one["slots"])
    _check_days(name, one)
    _check_variants(name, one, known)
    _check_target(f"{name}: target", one["target"], known)


def _check_slots(where: str, slots: Sequence[Any]) -> None:
    whole = len(slots) == 2 and all(isinstance(n, int) and _number(n, 0, WHOLE) for n in slots)
    _need(whole and slots[0] < slots[1], where, slots, "[first, end], from 0 to 100, going up")


def _check_days(name: str, one: Mapping[str, Any]) -> None:
    for key in ("starts", "ends"):
        _need(one[key] is None or _is_day(one[key]), f"{name}: {key}", one[key], "a day, YYYY-MM-DD")
    _need(one["ends"] is None or one["starts"] < one["ends"], f"{name}: ends", one["ends"], "after starts")
    ramp = one["ramp"]
    steps = all(
        isinstance(s, list) and len(s) == 2 and _is_day(s[0]) and _number(s[1], 0, WHOLE) for s in ramp
    )
    _need(ramp and steps, f"{name}: ramp", ramp, "a list of [day, percent]")
    for before, after in pairwise(ramp):
        up = before[0] < after[0] and before[1] < after[1]
        _need(up, f"{name}: ramp", after, "steps that go up, day after day")


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _check_variants(name: str, one: Mapping[str, Any], known: Known | None) -> None:
    variants, where = one["variants"], f"{name}: variants"
    _need(2 <= len(variants) <= 8, where, len(variants), "2 to 8")
    for variant in variants:
        _check_variant(where, variant, known)
    names = [variant["name"] for variant in variants]
    _distinct(where, names)
    total = sum(variant["weight"] for variant in variants)
    _need(total == WHOLE, f"{name}: the sum of the weights", total, str(WHOLE))
    for user, variant in one["testers"].items():
        _one_of(f"{name}: tester {user!r}", variant, names)
    for variant in one["stopped"]:
        _one_of(f"{name}: stopped", variant, names)


def _check_variant(where: str, variant: Any, known: Known | None) -> None:
    keys: dict[str, type | tuple[type, ...]] = {"name": str, "weight": int}
    if isinstance(variant, dict) and "solution" in variant:
        keys["solution"] = str
    _shape(where, variant, keys)
    _need(_NAME.fullmatch(variant["name"]), where, variant["name"], "small letters, digits and dashes")
    _need(_number(variant["weight"], 1, 99), f"{where}: weight", variant["weight"], "from 1 to 99")
    if known is not None and "solution" in variant:
        _one_of(f"{where}: solution", variant["solution"], known.lists)


def _check_target(where: str, target: Mapping[str, Any], known: Known | None) -> None:
    _shape(where, target, {"attributes": dict, "states": list})
    for name in target["attributes"] if known is not None else ():
        _one_of(f"{where}: attribute", name, known.attributes if known else ())
    for values in target["attributes"].values():
        texts = isinstance(values, list) and values and all(isinstance(value, str) for value in values)
        _need(texts, where, values, "a list of texts for each attribute")
    _need(
        set(map(str, target["states"])) <= set(STATES_OF_USERS),
        where,
        target["states"],
        f"some of {sorted(STATES_OF_USERS)}",
    )


def _check_apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Refuses two experiments at a time on one part of a layer's users."""
    if one["layer"] != other["layer"]:
        return
    (first, end), (begin, last) = one["slots"], other["slots"]
    days = (one["ends"] is None or other["starts"] <= one["ends"]) and (
        other["ends"] is None or one["starts"] <= other["ends"]
    )
    if days and max(first, begin) < min(end, last):
        raise Broken(
            f"{one['name']} and {other['name']} have the same users of layer {one['layer']}: part them"
        )
