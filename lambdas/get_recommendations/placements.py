"""What the configuration says about serving, as the file that the stack puts beside this code says it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.get_recommendations.ranking import Source
from lambdas.get_recommendations.rules import KINDS, Named

SERVING = Path(__file__).parent / "serving.json"
SOURCES: Mapping[str, Source] = {"user": "personal", "item": "related", "everyone": "popular"}


@dataclass(frozen=True)
class ListOf:
    """A solution's list. `audience`: user, item or everyone."""

    name: str
    audience: str
    trending: bool = False

    @property
    def source(self) -> Source:
        return "trending" if self.trending else SOURCES[self.audience]


@dataclass(frozen=True)
class Placement:
    """`fills`: what the lists leave is filled up from `fallback`. Without it `fallback` stands in for a missing list.

    `packaged`: where nothing else can be read, the packaged list stands in.
    """

    lists: tuple[ListOf, ...]
    fallback: tuple[ListOf, ...]
    name: str | None = None
    rules: tuple[Named, ...] = ()
    length: int = 25
    layer: str | None = None
    fills: bool = False
    packaged: bool = True

    @property
    def wants_state(self) -> bool:
        return any(KINDS[rule.kind].state for rule in self.rules)

    @property
    def wants_context(self) -> bool:
        return any(one.audience == "item" for one in self.lists)


@dataclass(frozen=True)
class Serving:
    """`revision` changes with the rules and placements; `fields` are those that a caller may ask for."""

    lists: Mapping[str, ListOf]
    placements: Mapping[str, Placement]
    fields: frozenset[str]
    may_explain: frozenset[str]
    revision: str

    def plain(self, audience: str) -> Placement:
        """The placement of a route that is asked without one: the first list of its kind, popular for who has none."""
        own = [one for one in self.lists.values() if one.audience == audience and not one.trending]
        return Placement(lists=tuple(own[:1]), fallback=self._popular())

    def trending(self) -> Placement:
        """Popular items where no solution makes trending ones."""
        own = [one for one in self.lists.values() if one.trending]
        return Placement(lists=tuple(own[:1]), fallback=self._popular())

    def _popular(self) -> tuple[ListOf, ...]:
        found = [one for one in self.lists.values() if one.audience == "everyone" and not one.trending]
        return tuple(found[:1])


def read(content: Mapping[str, Any]) -> Serving:
    """The file's content, as stacks/serving.py writes it."""
    lists = {row["name"]: ListOf(row["name"], row["for_each"], row["trending"]) for row in content["lists"]}
    rules = {name: Named(name, given["kind"], given) for name, given in content["rules"].items()}
    return Serving(
        lists=lists,
        placements={name: _placement(name, row, lists, rules) for name, row in content["placements"].items()},
        fields=frozenset(content["fields"]),
        may_explain=frozenset(content["may_explain"]),
        revision=content["revision"],
    )


def _placement(
    name: str, row: Mapping[str, Any], lists: Mapping[str, ListOf], rules: Mapping[str, Named]
) -> Placement:
    fallback: Sequence[str] = row["fallback"]
    return Placement(
        lists=tuple(lists[one] for one in row["lists"]),
        fallback=tuple(lists[one] for one in fallback),
        name=name,
        rules=tuple(rules[one] for one in row["rules"]),
        length=row["length"],
        layer=row["layer"],
        fills=True,
        packaged=bool(fallback),
    )


@cache
def packaged() -> Serving:
    return read(json.loads(SERVING.read_text()))
