"""Business rules at read time: one row of KINDS for each kind that the configuration knows (config/business.py).

A rule takes the entries of a list, best first, and what is known, and gives those that are left in their new order.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lambdas.get_recommendations.ranking import Entry, seconds
from lambdas.shared.user_state import DAY, UserState

Entries = list[Entry]
Parameters = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Known:
    """`now` is epoch seconds, `length` how many entries the placement shows.

    `bought` is what the last run knew: item -> UTC time as text; `bought_in` item field -> value -> time, of all that
    the user ever bought. `state` is newer and knows a few months.
    """

    now: float
    length: int
    user: str = ""
    state: UserState = field(default_factory=UserState)
    bought: Mapping[str, str] = field(default_factory=dict)
    bought_in: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def last_bought(self, item: str) -> float | None:
        times = [seconds(self.bought[item])] if item in self.bought else []
        times += [float(self.state.bought[item])] if item in self.state.bought else []
        return max(times, default=None)

    def dismissed(self, item: str) -> bool:
        """Dismissed and not undone since."""
        at = self.state.dismissed.get(item)
        return at is not None and self.state.undone.get(item, -1) < at


Apply = Callable[[Entries, Parameters, Known], Entries]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`fills`: it acts on what fills a list up as well. `state`: it looks at the user's own state."""

    apply: Apply
    fills: bool = True
    state: bool = False


def not_interested(entries: Entries, given: Parameters, known: Known) -> Entries:
    kept = [entry for entry in entries if not _dismissed(entry.item, given, known)]
    anew = _Anew(kept, given, known)
    ignored = {entry.item for entry in kept if _ignored(entry, given, known, anew)}
    if given["action"] == "exclude":
        return [entry for entry in kept if entry.item not in ignored]
    return _rescored(kept, dict.fromkeys(ignored, float(given["factor"])))


def _dismissed(item: str, given: Parameters, known: Known) -> bool:
    within = given["dismissed_days"] * DAY
    return known.dismissed(item) and known.now < known.state.dismissed[item] + within


class _Anew:
    """When an item became worth another look: its price fell, new stock came, something related was bought."""

    def __init__(self, entries: Entries, given: Parameters, known: Known) -> None:
        self._now = known.now
        keys = ("again_when_price_falls", "again_when_new_stock")
        self._times = [given[key] for key in keys if given[key]]
        self._related = given["again_when_related_bought"]
        self._bought = _bought_by_value(self._related, entries, known) if self._related else {}

    def of(self, entry: Entry) -> float:
        """Epoch seconds of the last time; -1 where there was none. A time to come is none."""
        times = [_number(entry, name) or -1.0 for name in self._times]
        if self._related:
            times += [self._bought.get(value, -1.0) for value in _values(entry, self._related)]
        return max((at for at in times if at <= self._now), default=-1.0)


def _bought_by_value(name: str, entries: Entries, known: Known) -> dict[str, float]:
    """Value of the field -> when the user last bought something of it: as the run knew, and of what is listed since."""
    found = {value: seconds(text) for value, text in known.bought_in.get(name, {}).items()}
    for entry in entries:
        at = known.state.bought.get(entry.item)
        for value in _values(entry, name) if at is not None else ():
            found[value] = max(found.get(value, -1.0), float(at or 0))
    return found


def _ignored(entry: Entry, given: Parameters, known: Known, anew: _Anew) -> bool:
    """Shown often enough within the days since it was new to them, not clicked or bought since, not long enough ago."""
    item = entry.item
    showings = known.state.shown.get(item, ())
    if len(showings) < given["shown"]:
        return False
    answered = max(known.state.clicked.get(item, -1), known.state.bought.get(item, -1), anew.of(entry))
    shown = [at for at in showings if at > answered]
    wanted, window = given["shown"], given["within_days"] * DAY
    pairs = zip(shown, shown[wanted - 1 :], strict=False)
    often = [last for first, last in pairs if last - first < window]
    return bool(often) and known.now < often[-1] + given["again_after_days"] * DAY


def repurchase(entries: Entries, given: Parameters, known: Known) -> Entries:
    def stays(entry: Entry) -> bool:
        at = known.last_bought(entry.item)
        return at is None or known.now >= at + _days(entry, given) * DAY

    return [entry for entry in entries if stays(entry)]


def _days(entry: Entry, given: Parameters) -> int:
    """The longest of the days that its values say."""
    values = _values(entry, given["field"]) if given["field"] else ()
    said = [given["days_of"][value] for value in values if value in given["days_of"]]
    return int(max(said, default=given["days"]))


def bought(entries: Entries, given: Parameters, known: Known) -> Entries:
    before = given["keep"] == "before"
    return [entry for entry in entries if (known.last_bought(entry.item) is not None) == before]


def cap(entries: Entries, given: Parameters, known: Known) -> Entries:
    counts: dict[str, int] = {}
    shown: Entries = []
    behind: Entries = []
    for entry in entries:
        values = _values(entry, given["field"])
        fits = all(counts.get(value, 0) < given["at_most"] for value in values)
        (shown if fits else behind).append(entry)
        if fits:
            counts.update({value: counts.get(value, 0) + 1 for value in values})
    return shown + behind


def boost_new(entries: Entries, given: Parameters, known: Known) -> Entries:
    since = known.now - given["within_days"] * DAY
    new = {entry.item for entry in entries if (_number(entry, "CREATION_TIMESTAMP") or -1) >= since}
    return _rescored(entries, dict.fromkeys(new, float(given["factor"])))


def pin(entries: Entries, given: Parameters, known: Known) -> Entries:
    if not _acts(given, known):
        return entries
    own = {entry.item: entry for entry in entries}
    wanted = [item for item in given["items"] if not known.dismissed(item)]
    pinned = [(own.get(item) or Entry(item, None, "promoted"))._replace(source="promoted") for item in wanted]
    others = [entry for entry in entries if entry.item not in set(wanted)]
    place = given["position"] - 1
    return others[:place] + pinned + others[place:]


def exclude(entries: Entries, given: Parameters, known: Known) -> Entries:
    if not _acts(given, known):
        return entries
    items, values = set(given["items"]), set(given["values"])
    named = given["field"]

    def goes(entry: Entry) -> bool:
        return entry.item in items or bool(named and values & set(_values(entry, named)))

    return [entry for entry in entries if not goes(entry)]


def require(entries: Entries, given: Parameters, known: Known) -> Entries:
    values = set(given["values"])
    return [entry for entry in entries if values & set(_values(entry, given["field"]))]


def between(entries: Entries, given: Parameters, known: Known) -> Entries:
    low, high = given["min"], given["max"]

    def fits(entry: Entry) -> bool:
        number = _number(entry, given["field"])
        return number is not None and (low is None or low <= number) and (high is None or number <= high)

    return [entry for entry in entries if fits(entry)]


def minimum_score(entries: Entries, given: Parameters, known: Known) -> Entries:
    return [entry for entry in entries if entry.score is None or entry.score >= given["least"]]


def shuffle(entries: Entries, given: Parameters, known: Known) -> Entries:
    day = datetime.fromtimestamp(known.now, UTC).date().isoformat()
    seed = hashlib.sha256(f"{day}\0{known.user}".encode()).digest()
    chance = random.Random(seed)
    left: Entries = []
    for start in range(0, len(entries), given["within"]):
        block = entries[start : start + given["within"]]
        chance.shuffle(block)
        left += block
    return left


KINDS: Mapping[str, Kind] = {
    "not_interested": Kind(apply=not_interested, state=True),
    "repurchase": Kind(apply=repurchase, state=True),
    "bought": Kind(apply=bought, state=True),
    "cap": Kind(apply=cap, fills=False),
    "boost_new": Kind(apply=boost_new, fills=False),
    "pin": Kind(apply=pin, fills=False, state=True),
    "exclude": Kind(apply=exclude),
    "require": Kind(apply=require),
    "between": Kind(apply=between),
    "minimum_score": Kind(apply=minimum_score, fills=False),
    "shuffle": Kind(apply=shuffle, fills=False),
}


def _acts(given: Parameters, known: Known) -> bool:
    starts, ends = given["starts"], given["ends"]
    return (starts is None or starts <= known.now) and (ends is None or known.now < ends)


def _values(entry: Entry, name: str) -> Sequence[str]:
    """Personalize separates the categories of an item by `|`."""
    text = entry.facts.get(name)
    return text.split("|") if text else ()


def _number(entry: Entry, name: str) -> float | None:
    try:
        return float(entry.facts[name])
    except (KeyError, ValueError):
        return None


def _rescored(entries: Entries, factors: Mapping[str, float]) -> Entries:
    """Entries in the order of their weights, each times its factor: scores, or 1/place where one has none.

    A score is a recipe's word and stays in the answer as it is. Scores below zero get smaller by a factor above one,
    so weights are places then too.
    """
    if not factors:
        return entries
    scores = [entry.score for entry in entries]
    scored = all(score is not None and score >= 0 for score in scores)
    weights = [score if scored and score is not None else 1 / n for n, score in enumerate(scores, start=1)]
    weighed = [
        (-weight * factors.get(entry.item, 1.0), n)
        for n, (entry, weight) in enumerate(zip(entries, weights, strict=True))
    ]
    return [entries[n] for _, n in sorted(weighed)]


@dataclass(frozen=True)
class Acted:
    """What a rule did with a list: (item, place from 1, score) of those that went, (item, from, to) of those moved."""

    rule: str
    kind: str
    removed: tuple[tuple[str, int, float | None], ...]
    moved: tuple[tuple[str, int, int], ...]
    added: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.removed) + len(self.moved) + len(self.added)


@dataclass(frozen=True)
class Named:
    """A configured rule."""

    name: str
    kind: str
    parameters: Parameters

    @property
    def wants_profile(self) -> bool:
        """Whether it looks at what the run published of the user."""
        return bool(self.parameters.get("again_when_related_bought"))


def applied(
    entries: Entries, rules: Sequence[Named], known: Known, *, filling: bool = False
) -> tuple[Entries, list[Acted]]:
    """The list after each rule in turn, and what each did. `filling`: of what fills another list up."""
    acted = []
    for rule in rules:
        kind = KINDS[rule.kind]
        if filling and not kind.fills:
            continue
        left = kind.apply(list(entries), rule.parameters, known)
        if left != entries:
            acted.append(_acted(rule, entries, left))
        entries = left
    return entries, acted


def _acted(rule: Named, before: Entries, after: Entries) -> Acted:
    """Moved are those whose order among the ones that stay is another."""
    stays, had = {entry.item for entry in after}, {entry.item for entry in before}
    removed = tuple((e.item, n, e.score) for n, e in enumerate(before, start=1) if e.item not in stays)
    places = {entry.item: n for n, entry in enumerate(before, start=1)}
    old = [entry.item for entry in before if entry.item in stays]
    new = [entry.item for entry in after if entry.item in had]
    now = {entry.item: n for n, entry in enumerate(after, start=1)}
    moved = tuple((b, places[b], now[b]) for a, b in zip(old, new, strict=True) if a != b)
    added = tuple(entry.item for entry in after if entry.item not in had)
    return Acted(rule.name, rule.kind, removed, moved, added)
