"""Lists as the store keeps them and as rules and answers handle them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

# Of an answer. The alarm on degraded answers has two metrics for each, and CloudWatch takes ten.
Source = Literal["personal", "related", "popular", "trending", "default"]
# Of one item: a rule put it there; the caller named it and no list has it.
ItemSource = Literal[Source, "promoted", "unranked"]
Ranked = tuple[str, float | None]
NOTHING: Mapping[str, str] = {}


class CorruptList(ValueError):
    """What the store holds isn't a list of [id, score]."""


class Entry(NamedTuple):
    """An item of a list. `facts` are its published fields, as text."""

    item: str
    score: float | None
    source: ItemSource
    facts: Mapping[str, str] = NOTHING


@dataclass(frozen=True)
class Listed:
    """A published list. `bought`: item -> when its user bought it last, for the items that they ever bought.

    `profile`: `first` and `last` purchase, `attributes` by name, and `bought_in`, item field -> value -> when last;
    None where the run published none.
    """

    items: tuple[Ranked, ...]
    facts: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    bought: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, Any] | None = None
    _made: dict[Source, tuple[Entry, ...]] = field(default_factory=dict, compare=False, repr=False)

    def entries(self, source: Source) -> tuple[Entry, ...]:
        """The entries, made once: a list for everyone is kept in memory."""
        if source not in self._made:
            self._made[source] = tuple(self._entries(source))
        return self._made[source]

    def _entries(self, source: Source) -> list[Entry]:
        facts = self._facts() if self.facts else [NOTHING] * len(self.items)
        return [
            Entry(item, score, source, known) for (item, score), known in zip(self.items, facts, strict=True)
        ]

    def _facts(self) -> list[Mapping[str, str]]:
        names = tuple(self.facts)
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in zip(*self.facts.values(), strict=True)
        ]


def decode(text: str) -> tuple[Ranked, ...]:
    """The entries that `[["id", score], ...]` holds, each id once. Raises CorruptList."""
    try:
        pairs = tuple((item, score) for item, score in json.loads(text, parse_constant=_no_number))
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptList(f"{text[:80]!r}: {error}") from None
    if not pairs or not all(_is_ranked(item, score) for item, score in pairs):
        raise CorruptList(f"{text[:80]!r} is empty or has an entry that is not [id, score]")
    if len({item for item, _ in pairs}) < len(pairs):
        raise CorruptList(f"{text[:80]!r} has an item twice")
    return pairs


def listed(attributes: Mapping[str, Any]) -> Listed:
    """The list that an item of the table holds. Raises CorruptList."""
    items = decode(_text(attributes, "items") or "")
    facts = {name: tuple(values) for name, values in _map(attributes, "facts", list).items()}
    if any(len(values) != len(items) or not all(map(_is_fact, values)) for values in facts.values()):
        raise CorruptList(f"facts {sorted(facts)} don't have one text or null for each of {len(items)} items")
    bought = _map(attributes, "bought", str)
    return Listed(items, facts, bought, _profile(attributes))


def _profile(attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "profile" not in attributes:
        return None
    told = _map(attributes, "profile", object)
    texts = [told[name] for name in ("first", "last") if name in told]
    maps = [told.get("attributes", {}), *_values_of(told.get("bought_in", {}))]
    if not all(isinstance(one, str) for one in texts) or not all(map(_is_texts, maps)):
        raise CorruptList(f"profile {str(told)[:80]!r} has what is no text")
    return told


def _values_of(given: object) -> list[object]:
    return list(given.values()) if isinstance(given, dict) else [given]


def _is_texts(given: object) -> bool:
    return isinstance(given, dict) and all(isinstance(value, str) for value in given.values())


def seconds(text: str) -> float:
    """`2026-11-24 03:00:00`, UTC, of a run; what can't be read is long ago, so nothing is kept away for it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _text(attributes: Mapping[str, Any], name: str) -> str | None:
    if name not in attributes:
        return None
    try:
        text = attributes[name]["S"]
    except (KeyError, TypeError):
        raise CorruptList(f"{name} is no text") from None
    return str(text)


def _map(attributes: Mapping[str, Any], name: str, kind: type) -> dict[str, Any]:
    text = _text(attributes, name)
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptList(f"{name} {text[:80]!r}: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(value, kind) for value in found.values()):
        raise CorruptList(f"{name} {text[:80]!r} is no map to {kind.__name__}")
    return found


def _is_fact(value: object) -> bool:
    return value is None or isinstance(value, str)


def _no_number(constant: str) -> float:
    """NaN and the infinities are no JSON, though Python and Spark write them."""
    raise ValueError(f"{constant} is not a number")


def _is_ranked(item: object, score: object) -> bool:
    return isinstance(item, str) and item != "" and (score is None or _is_number(score))


def _is_number(score: object) -> bool:
    # 1e999 is read as an infinity.
    return isinstance(score, int | float) and not isinstance(score, bool) and abs(score) < math.inf
