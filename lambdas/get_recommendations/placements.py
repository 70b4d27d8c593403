"""What the configuration says about serving, as the file that the stack puts beside this code says it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.get_recommendations.ranking import Source
from lambdas.get_recommendations.rules import KINDS, Named
from lambdas.shared.assignment import Assignment, Document, Unit, assigned

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

    `packaged`: where nothing else can be read, the packaged list stands in. `logged`: what is shown is logged.
    """

    lists: tuple[ListOf, ...]
    fallback: tuple[ListOf, ...]
    name: str | None = None
    rules: tuple[Named, ...] = ()
    length: int = 25
    fills: bool = False
    packaged: bool = True
    logged: bool = False

    @property
    def wants_state(self) -> bool:
        return any(KINDS[rule.kind].state for rule in self.rules)

    @property
    def wants_context(self) -> bool:
        return any(one.audience == "item" for one in self.lists)


@dataclass(frozen=True)
class Serving:
    """`revision` changes with the rules and placements; `fields` are those that a caller may ask for.

    `logged`: whether what a route shows that is asked without a placement is logged.
    `segments`: solutions that make segments of users; `actions`: the one whose campaign proposes actions.
    """

    lists: Mapping[str, ListOf]
    placements: Mapping[str, Placement]
    fields: frozenset[str]
    experiments: Mapping[str, Any]
    may_explain: frozenset[str]
    revision: str
    segments: tuple[str, ...]
    actions: str | None
    service_callers: frozenset[str]
    logged: bool = False

    def plain(self, audience: str) -> Placement:
        """The placement of a route that is asked without one: the first list of its kind, popular for who has none."""
        own = [one for one in self.lists.values() if one.audience == audience and not one.trending]
        return Placement(lists=tuple(own[:1]), fallback=self._popular(), logged=self.logged)

    def trending(self) -> Placement:
        """Popular items where no solution makes trending ones."""
        own = [one for one in self.lists.values() if one.trending]
        return Placement(lists=tuple(own[:1]), fallback=self._popular())

    def in_variant(
        self, placement: Placement, *, user: str | None, day: str, experiments: Document | None = None
    ) -> tuple[Placement, tuple[Assignment, ...]]:
        """What the user is shown in a placement, and the assignments of it, of which the last one says so.

        `day` is YYYY-MM-DD in UTC, `experiments` the document that holds, the packaged one unless given.

        The variant's list comes before the placement's own, which stands in where the variant has no list for the user.
        """
        if user is None or placement.name is None:
            return placement, ()
        found = assigned(
            experiments or self.experiments,
            placement=placement.name,
            unit=Unit(id=user, attributes={}),
            day=day,
        )
        shown = found[-1] if found else None  # the holdout's own stands first
        if shown is None or shown.solution is None:
            return placement, tuple(found)
        own = tuple(one for one in placement.lists if one.name != shown.solution)
        return replace(placement, lists=(self.lists[shown.solution], *own)), tuple(found)

    def _popular(self) -> tuple[ListOf, ...]:
        found = [one for one in self.lists.values() if one.audience == "everyone" and not one.trending]
        return tuple(found[:1])


def read(content: Mapping[str, Any]) -> Serving:
    """The file's content, as stacks/serving.py writes it."""
    lists = {row["name"]: ListOf(row["name"], row["for_each"], row["trending"]) for row in content["lists"]}
    rules = {name: Named(name, given["kind"], given) for name, given in content["rules"].items()}
    rows = {
        name: {**row, "logged": _logged(row, content["log_impressions"])}
        for name, row in content["placements"].items()
    }
    return Serving(
        lists=lists,
        placements={name: _placement(name, row, lists, rules) for name, row in rows.items()},
        fields=frozenset(content["fields"]),
        experiments=content["experiments"],
        may_explain=frozenset(content["may_explain"]),
        revision=content["revision"],
        logged=content["log_impressions"],
        segments=tuple(content["segments"]),
        actions=content["actions"],
        service_callers=frozenset(content["service_callers"]),
    )


def _logged(row: Mapping[str, Any], otherwise: bool) -> bool:
    own = row["log_impressions"]
    return otherwise if own is None else bool(own)


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
        fills=True,
        packaged=bool(fallback),
        logged=row["logged"],
    )


@cache
def packaged() -> Serving:
    return read(json.loads(SERVING.read_text()))
