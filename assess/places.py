"""What a proposal takes back of what environments share about serving, since its data or solutions lack it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from config.business import BusinessRule, fields_of
from config.settings import DatasetField

Section = Mapping[str, Any]
MOST_ITEM_FIELDS = 10
_RULE: TypeAdapter[Any] = TypeAdapter(BusinessRule)


def item_fields(shared: Section, fields: Sequence[DatasetField]) -> list[str]:
    """Item fields that environments publish and these data have; then other categories of theirs, 10 at most."""
    known = [field.name for field in fields]
    usual = [name for name in shared.get("publishing", {}).get("item_fields", ()) if name in known]
    more = [field.name for field in fields if field.categorical and field.name not in usual]
    return [*usual, *more][:MOST_ITEM_FIELDS]


def rules(shared: Section, published: Collection[str]) -> dict[str, None]:
    """Shared rules that look at a field which isn't published: each is taken back."""
    return {
        name: None
        for name, rule in (shared.get("rules") or {}).items()
        if rule is not None and not _asked(rule) <= set(published)
    }


def _asked(rule: Section) -> set[str]:
    return set(fields_of(_RULE.validate_python(rule)))


def placements(
    shared: Section, *, solutions: Collection[str], without: Collection[str]
) -> dict[str, dict[str, Any] | None]:
    """Shared placements as far as they change: lists of `solutions` alone, no rule of `without`; null: none is left."""
    kept = {
        name: _placement(placement, solutions=solutions, without=without)
        for name, placement in (shared.get("placements") or {}).items()
        if placement is not None
    }
    return {name: made for name, made in kept.items() if made != shared["placements"][name]}


def _placement(
    given: Section, *, solutions: Collection[str], without: Collection[str]
) -> dict[str, Any] | None:
    made = dict(given)
    for key, left in (("lists", solutions), ("fallback", solutions), ("rules", None)):
        if key in given:
            made[key] = [one for one in given[key] if (one not in without if left is None else one in left)]
    if "rules_by_state" in given:
        made["rules_by_state"] = {
            state: [one for one in names if one not in without]
            for state, names in given["rules_by_state"].items()
        }
    if not made["lists"]:  # what stood behind them answers alone
        made["lists"], made["fallback"] = made.get("fallback", []), []
    return made if made["lists"] else None


def experiments(
    shared: Section, *, places: Collection[str], events: Collection[str], segments: Collection[str]
) -> dict[str, Any]:
    """Shared layers, metrics and segments of `places`, `events` and `segments`; an experiment is nobody else's."""
    given = shared.get("experiments") or {}
    layers = [
        {**layer, "placements": [one for one in layer["placements"] if one in places]}
        for layer in given.get("layers", ())
    ]
    return {
        "layers": [layer for layer in layers if layer["placements"]],
        "metrics": [
            one for one in given.get("metrics", ()) if {one["event"], one.get("per")} <= {*events, None}
        ],
        "segments": [name for name in given.get("segments", ()) if name in segments],
        "definitions": [],
    }
