"""What the configuration says about serving, as the file that the stack puts beside this code says it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from lambdas.get_recommendations.ranking import Source
from lambdas.get_recommendations.rules import KINDS, Named
from lambdas.get_recommendations.who import NOBODY_KNOWN, Definitions, Who
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
    rules_by_state: Mapping[str, tuple[Named, ...]] = field(default_factory=dict)
    length: int = 25
    fills: bool = False
    packaged: bool = True
    logged: bool = False

    @property
    def wants_state(self) -> bool:
        return any(KINDS[rule.kind].state for rule in self._all)

    @property
    def wants_profile(self) -> bool:
        return bool(self.rules_by_state) or any(rule.wants_profile for rule in self._all)

    @property
    def _all(self) -> list[Named]:
        return [*self.rules, *(rule for rules in self.rules_by_state.values() for rule in rules)]

    @property
    def source(self) -> Source:
        """The source of its first list."""
        return self.lists[0].source if self.lists else "popular"

    def in_state(self, state: str | None) -> Placement:
        """The placement for users in a state, with its own rules for those whose state has none, or isn't known."""
        rules = self.rules_by_state.get(state) if state else None
        return self if rules is None else replace(self, rules=rules)

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
    user_states: Definitions
    user_fields: frozenset[str] = frozenset()
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
        self,
        placement: Placement,
        *,
        user: str | None,
        day: str,
        experiments: Document | None = None,
        who: Who = NOBODY_KNOWN,
        anybody: bool = False,
    ) -> tuple[Placement, tuple[Assignment, ...]]:
        """What the user is shown in a placement, and the assignments of it, of which the last one says so.

        `day` is YYYY-MM-DD in UTC, `experiments` the document that holds, the packaged one unless given. `anybody`: as
        if every target meant the user.

        The variant's list comes before the placement's own, which stands in where the variant has no list for the user.
        """
        if user is None or placement.name is None:
            return placement, ()
        found = assigned(
            experiments or self.experiments,
            placement=placement.name,
            unit=Unit(
                id=user,
                attributes=who.attributes,
                states=(who.state,) if who.state else (),
                anybody=anybody,
            ),
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


@dataclass(frozen=True)
class Choice:
    """What a user is shown, the assignments of it, and the state that they are in, where it was asked."""

    placement: Placement
    assignments: tuple[Assignment, ...] = ()
    state: str | None = None


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Decides what a user is shown, which may hang on who they are: then what tells it is read in the same call."""

    serving: Serving
    placement: Placement
    user: str | None
    day: str
    experiments: Document

    def choice(self, who: Who = NOBODY_KNOWN, *, anybody: bool = False) -> Choice:
        placement, assignments = self.serving.in_variant(
            self.placement.in_state(who.state),
            user=self.user,
            day=self.day,
            experiments=self.experiments,
            who=who,
            anybody=anybody,
        )
        return Choice(placement, assignments, who.state)

    @cached_property
    def hangs_on_who(self) -> bool:
        if self.user is None:
            return False
        return self.placement.wants_profile or self.choice().assignments != self._possible.assignments

    @property
    def states(self) -> Definitions:
        return self.serving.user_states

    @cached_property
    def lists(self) -> tuple[ListOf, ...]:
        """Lists to read: what may be shown and, where it hangs on who they are, one that tells of the user."""
        shown = self._possible.placement.lists
        if not self.hangs_on_who or any(one.audience == "user" for one in shown):
            return shown
        own = [one for one in self.serving.lists.values() if one.audience == "user"]
        return (*shown, *own[:1])

    @cached_property
    def _possible(self) -> Choice:
        """The choice if every target meant them: of a layer a user is in one experiment at most, no more is theirs."""
        return self.choice(anybody=True)


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
        user_states=content["user_states"],
        user_fields=frozenset(content["user_fields"]),
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
        rules_by_state={
            state: tuple(rules[one] for one in names) for state, names in row["rules_by_state"].items()
        },
        length=row["length"],
        fills=True,
        packaged=bool(fallback),
        logged=row["logged"],
    )


@cache
def packaged() -> Serving:
    return read(json.loads(SERVING.read_text()))
