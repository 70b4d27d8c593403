"""Which entries a reader gets: a placement's lists by its rules, filled up, else what stands in for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import zip_longest
from pathlib import Path

from lambdas.get_recommendations import rules
from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.placements import Asker, Choice, ListOf, Placement
from lambdas.get_recommendations.ranking import CorruptList, Entry, Listed, Source
from lambdas.get_recommendations.rules import Acted, Known
from lambdas.get_recommendations.store import Found, Store
from lambdas.get_recommendations.table import StoreUnavailable
from lambdas.get_recommendations.who import NOBODY_KNOWN, Who, who
from lambdas.shared.user_state import UserState

DEFAULT_ITEMS = Path(__file__).parent / "default_items.json"  # put there by the stack, from the configuration


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`items`: those whose related lists are wanted; `wanted`: places that have to be filled, from the first.

    `asker`: decides what is shown, by who asks; `choice`: what it decided.
    """

    placement: Placement
    user: str | None = None
    items: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    run: str | None = None
    wanted: int = 25
    asker: Asker | None = None
    choice: Choice | None = None

    @property
    def to_read(self) -> tuple[ListOf, ...]:
        return self.asker.lists if self.asker else self.placement.lists

    @property
    def wants_state(self) -> bool:
        return self.placement.wants_state or bool(self.asker and self.asker.hangs_on_who)

    def of(self, who: Who) -> Asked:
        """What is asked for, now that it is known who asks."""
        if self.asker is None:
            return self
        choice = self.asker.choice(who)
        return replace(self, placement=choice.placement, choice=choice)


@dataclass(frozen=True)
class Ranking:
    """`version` is the run that made it; `degraded` says that something failed on the way.

    `fallback`: none of the placement's own lists is in it, and another stands in.
    """

    entries: tuple[Entry, ...]
    source: Source
    version: str | None
    degraded: bool = False
    acted: tuple[Acted, ...] = ()
    choice: Choice | None = None
    fallback: bool = False


@dataclass(frozen=True)
class _Read:
    """What the placement's own lists gave, before its rules. `state`: what is known of the user for them."""

    entries: Sequence[Entry]
    source: Source
    version: str | None = None
    degraded: bool = False
    state: UserState = field(default_factory=UserState)
    bought: Mapping[str, str] | None = None
    bought_in: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True)
class Recommender:
    """`report` is told each fault that a fallback hid; `now` is epoch seconds."""

    store: Store
    patience: Patience
    report: Callable[[str, Exception], None]
    now: Callable[[], float]

    def answer(self, asked: Asked) -> Ranking:
        self.patience.begin()
        read, asked = self._own(asked)
        known = self._known(asked, read)
        entries, acted = rules.applied(_without(read.entries, asked), asked.placement.rules, known)
        ranking = Ranking(
            tuple(entries), read.source, read.version, read.degraded, tuple(acted), choice=asked.choice
        )
        full = len(entries) > asked.wanted if asked.placement.fills else bool(entries)
        return ranking if full else self._filled(asked, ranking, known)

    def personal_scores(self, user: str, placement: Placement, *, run: str | None) -> Ranking:
        """The user's list as it is, for the order of items that the caller names."""
        self.patience.begin()
        read, _ = self._own(Asked(placement=placement, user=user, run=run))
        return Ranking(tuple(read.entries), read.source, read.version, read.degraded)

    def versions(self) -> Mapping[str, str] | None:
        """What is read of each list; None where nothing can be read."""
        self.patience.begin()
        try:
            return self.store.versions().of
        except StoreUnavailable as error:
            self.report("versions", error)
            return None

    def _known(self, asked: Asked, read: _Read) -> Known:
        return Known(
            now=self.now(),
            length=asked.wanted,
            user=asked.user or "",
            state=read.state,
            bought=read.bought or {},
            bought_in=read.bought_in or {},
        )

    def _own(self, asked: Asked) -> tuple[_Read, Asked]:
        """The first of the placement's lists that is there, and what was asked for, now that it is known who asks."""
        wanted = [(one.name, key) for one in asked.to_read for key in _keys(one, asked)]
        user = asked.user if asked.wants_state else None
        try:
            found = self.store.find(wanted, run=asked.run, user=user) if wanted or user else None
        except (StoreUnavailable, CorruptList) as error:
            asked = asked.of(NOBODY_KNOWN)
            self.report(asked.placement.source, error)
            return _Read([], asked.placement.source, degraded=True), asked
        told = _told(asked, found)
        asked = asked.of(self._who(asked, found, told))
        made = replace(self._first(asked, found), bought_in=_bought_in(told))
        if found and found.state_fault:
            self.report("state", found.state_fault)
            made = replace(made, degraded=True)
        return made, asked

    def _who(self, asked: Asked, found: Found | None, told: Sequence[Listed]) -> Who:
        if found is None or asked.asker is None or not asked.asker.hangs_on_who:
            return NOBODY_KNOWN
        profile = next((one.profile for one in told if one.profile is not None), None)
        state = None if found.state_fault else found.state
        return who(profile, state, listed=bool(told), given=asked.asker.states, now=self.now())

    def _first(self, asked: Asked, found: Found | None) -> _Read:
        stale = bool(found) and self._is_stale(asked, found)
        state = found.state if found else UserState()
        for one in asked.placement.lists:
            made = self._everyones(one, asked) if one.audience == "everyone" else _merged(one, asked, found)
            if made.entries:
                return replace(made, degraded=made.degraded or stale, state=state)
            stale = stale or made.degraded
        return _Read([], asked.placement.source, degraded=stale, state=state)

    def _is_stale(self, asked: Asked, found: Found | None) -> bool:
        if found is None:
            return False
        corrupt = found.versions.corrupt & {one.name for one in asked.placement.lists}
        for name in sorted(corrupt):
            self.report(name, CorruptList(f"the pointer of {name} has no current version"))
        return found.versions.stale or bool(corrupt)

    def _everyones(self, one: ListOf, asked: Asked) -> _Read:
        try:
            found, version, stale = self.store.find_everyones(one.name, run=asked.run)
        except (StoreUnavailable, CorruptList) as error:
            self.report(one.source, error)
            return _Read([], one.source, degraded=True)
        entries = found.entries(one.source) if found else ()
        return _Read(entries, one.source, version, degraded=stale)

    def _filled(self, asked: Asked, ranking: Ranking, known: Known) -> Ranking:
        """The ranking with entries of the fallback lists behind its own; the packaged list where there are none."""
        entries, degraded = list(ranking.entries), ranking.degraded
        source, version, acted = ranking.source, ranking.version, list(ranking.acted)
        fallback = not entries
        for read in self._standing_in(asked):
            fresh = _without(read.entries, asked, but=entries)
            more, did = rules.applied(fresh, asked.placement.rules, known, filling=True)
            degraded = degraded or read.degraded
            if not entries and more:
                source, version = read.source, read.version
            entries, acted = entries + more, acted + did
            if len(entries) > asked.wanted or (entries and not asked.placement.fills):
                break
        if entries or not asked.placement.packaged:
            return Ranking(tuple(entries), source, version, degraded, tuple(acted), asked.choice, fallback)
        packaged = default_ranking()
        left = tuple(_without(packaged.entries, asked))
        return replace(packaged, entries=left, acted=tuple(acted), choice=asked.choice, fallback=True)

    def _standing_in(self, asked: Asked) -> Iterator[_Read]:
        own = {one.name for one in asked.placement.lists}
        for one in asked.placement.fallback:
            if one.name not in own:
                yield self._everyones(one, asked)


def _keys(one: ListOf, asked: Asked) -> Sequence[str]:
    """Keys of the lists to read; those for everyone are in memory."""
    if one.audience == "user":
        return [asked.user] if asked.user else []
    return asked.items if one.audience == "item" else []


def _told(asked: Asked, found: Found | None) -> list[Listed]:
    """The user's own lists, beside which the run published what it knows of them."""
    if found is None or asked.user is None:
        return []
    names = [one.name for one in asked.to_read if one.audience == "user"]
    return [found.lists[name, asked.user] for name in names if (name, asked.user) in found.lists]


def _bought_in(told: Sequence[Listed]) -> Mapping[str, Mapping[str, str]] | None:
    profile = next((one.profile for one in told if one.profile is not None), None)
    return profile.get("bought_in") if profile else None


def _merged(one: ListOf, asked: Asked, found: Found | None) -> _Read:
    """The lists of its keys, their entries in turn, each item once and none that it was asked for."""
    if found is None or one.name not in found.versions.of:
        return _Read([], one.source)
    lists = [found.lists[one.name, key] for key in _keys(one, asked) if (one.name, key) in found.lists]
    bought = lists[0].bought if lists and one.audience == "user" else None
    return _Read(_in_turn(lists, one, asked), one.source, found.versions.of[one.name], bought=bought)


def _in_turn(lists: Sequence[Listed], one: ListOf, asked: Asked) -> Sequence[Entry]:
    if len(lists) == 1:
        return lists[0].entries(one.source)
    seen = set(asked.items)
    entries = []
    for row in zip_longest(*(each.entries(one.source) for each in lists)):
        for entry in row:
            if entry is not None and entry.item not in seen:
                seen.add(entry.item)
                entries.append(entry)
    return entries


def _without(entries: Sequence[Entry], asked: Asked, *, but: Sequence[Entry] = ()) -> list[Entry]:
    gone = asked.exclude | {entry.item for entry in but}
    return [entry for entry in entries if entry.item not in gone] if gone else list(entries)


@cache
def default_ranking() -> Ranking:
    """What stands in when nothing is published or readable: chosen by the shop, shipped with the function."""
    items = json.loads(DEFAULT_ITEMS.read_text())
    entries = tuple(Entry(item, None, "default") for item in items)
    return Ranking(entries, "default", None, degraded=True)
