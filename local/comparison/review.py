"""What differs between the lists of two sides: figures per solution, and what of it a reviewer has to look at.

Lists are what readers would get. `later` is what each user bought after the data ended: neither side has seen it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from local.comparison.data import Shared

AT = 25
RESAMPLES, SEED = 2000, 20261127
HEAVY = 0.9  # users from this quantile of items bought on
NEW = 2  # items bought at most
SHOWN = 10
# What a change must not do unsaid. Each is a share, or a difference of shares.
WORSE = 0.02  # of NDCG, and its interval below 0
LESS_COVERAGE = 0.25  # of the items that are in any list
MORE_BOUGHT = 0.15  # of the places
LESS_NEW = 0.05  # of the lists, that fall below what every list had
OTHER_CATEGORIES = 0.2  # total variation
SAME_LISTS = 0.15  # of two users' places
SHORTER, LOST = 0.05, 0.01
LEAST_OVERLAP = 0.7
FEWER_ROWS, REFUSED_ROWS = 0.05, 0.02

Lists = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Answer:
    """A side's answer, as side.py writes it."""

    lists: Mapping[str, Lists] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)
    solutions: Mapping[str, str] = field(default_factory=dict)  # name -> for each of whom
    left_out: Sequence[str] = ()  # solutions that make no lists
    weights: Mapping[str, float] = field(default_factory=dict)  # of event types
    seconds: float = 0
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of both sides; `interval` is that of the difference, 95%, over users."""

    name: str
    before: float
    after: float
    interval: tuple[float, float] | None = None

    @property
    def difference(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One list of both sides."""

    key: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def overlap(self) -> float:
        return overlap(self.before, self.after)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Users alike: how many, how many of their lists differ, their mean overlap."""

    name: str
    lists: int
    differ: int
    overlap: float


@dataclass(frozen=True, kw_only=True)
class Solution:
    name: str
    lists: int  # that both sides have
    differ: int
    only_before: int
    only_after: int
    overlap: float
    category_shift: float
    least_new: int  # items that their user never bought, in each old list at least
    less_new: int  # new lists that have fewer
    figures: tuple[Figure, ...]
    groups: tuple[Group, ...]
    most_changed: tuple[Changed, ...]


@dataclass(frozen=True, kw_only=True)
class Review:
    solutions: tuple[Solution, ...]
    rows: tuple[Figure, ...]
    flags: tuple[str, ...]
    left_out: tuple[str, ...] = ()  # solutions that make no lists, of either side

    @property
    def lists(self) -> int:
        return sum(one.lists + one.only_before + one.only_after for one in self.solutions)

    @property
    def differ(self) -> int:
        return sum(one.differ + one.only_before + one.only_after for one in self.solutions)


def review(before: Answer, after: Answer, shared: Shared) -> Review:
    """A side that failed has no lists; what it said is flagged."""
    failed = tuple(
        f"the {name} side fails: {side.error}" for name, side in _named(before, after) if side.error
    )
    names = list(dict.fromkeys([*before.lists, *after.lists]))
    solutions = tuple(_solution(name, before, after, shared) for name in names) if not failed else ()
    rows = tuple(_rows(before, after)) if not failed else ()
    taught = () if failed else tuple(_weight_flags(before, after))
    flags = (*failed, *taught, *(flag for one in solutions for flag in _flags(one)), *_row_flags(rows))
    left_out = tuple(dict.fromkeys([*before.left_out, *after.left_out]))
    return Review(solutions=solutions, rows=rows, flags=flags, left_out=left_out)


def _named(before: Answer, after: Answer) -> tuple[tuple[str, Answer], ...]:
    return ("old", before), ("new", after)


def overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """Share of the longer list's first places that both have, in any order; 1 for two empty lists."""
    longest = max(len(one[:AT]), len(other[:AT]))
    return len(set(one[:AT]) & set(other[:AT])) / longest if longest else 1.0


def _solution(name: str, before: Answer, after: Answer, shared: Shared) -> Solution:
    old, new = before.lists.get(name, {}), after.lists.get(name, {})
    both = [key for key in old if key in new]
    pairs = [Changed(key=key, before=tuple(old[key]), after=tuple(new[key])) for key in both]
    differ = [pair for pair in pairs if pair.before != pair.after]
    audience = after.solutions.get(name) or before.solutions.get(name)
    return Solution(
        name=name,
        lists=len(both),
        differ=len(differ),
        only_before=len(old) - len(both),
        only_after=len(new) - len(both),
        overlap=_mean([pair.overlap for pair in pairs], 1.0),
        category_shift=shift(old, new, shared.categories),
        **_never_bought(old, new, shared.bought if audience == "user" else {}),
        figures=tuple(_figures(old, new, shared, of_users=audience == "user")),
        groups=tuple(_groups(pairs, shared)) if audience == "user" else (),
        most_changed=tuple(sorted(differ, key=lambda pair: (pair.overlap, pair.key))[:SHOWN]),
    )


def _never_bought(old: Lists, new: Lists, bought: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """A mean hides the few lists that lose all that is new to their users: those below every old list are counted."""
    least = min((_new_items(old[key], bought[key]) for key in old if key in bought), default=0)
    fewer = [key for key in new if key in bought and _new_items(new[key], bought[key]) < least]
    return {"least_new": least, "less_new": len(fewer)}


def _new_items(items: Sequence[str], had: frozenset[str]) -> int:
    return sum(item not in had for item in items[:AT])


def _mean(values: Sequence[float], default: float = 0.0) -> float:
    return float(np.mean(values)) if len(values) else default


def shift(old: Lists, new: Lists, categories: Mapping[str, str]) -> float:
    """Total variation between the categories of all places, 0 to 1."""
    one, other = _categories(old, categories), _categories(new, categories)
    return sum(abs(one[name] - other[name]) for name in one | other) / 2


def _categories(lists: Lists, categories: Mapping[str, str]) -> Counter[str]:
    counted = Counter(categories.get(item, "none") for items in lists.values() for item in items[:AT])
    total = sum(counted.values()) or 1
    return Counter({name: count / total for name, count in counted.items()})


def _figures(old: Lists, new: Lists, shared: Shared, *, of_users: bool) -> Iterator[Figure]:
    sides = (old, new)
    yield _figure("coverage", sides, lambda lists: _coverage(lists, shared.items))
    yield _figure("length", sides, lambda lists: _mean([len(items) for items in lists.values()]))
    yield _figure("sameness", sides, sameness)
    if of_users:
        yield _figure("bought before", sides, lambda lists: _bought(lists, shared.bought))
        yield _quality(old, new, shared)


def _figure(name: str, sides: tuple[Lists, Lists], measure: Callable[[Lists], float]) -> Figure:
    return Figure(name=name, before=measure(sides[0]), after=measure(sides[1]))


def _coverage(lists: Lists, items: int) -> float:
    return len({item for entries in lists.values() for item in entries[:AT]}) / items


def sameness(lists: Lists) -> float:
    """Mean overlap of the lists of two keys, of a seeded sample of pairs; 0 for fewer than two lists."""
    keys = list(lists)
    if len(keys) < 2:
        return 0.0
    random = np.random.default_rng(SEED)
    pairs = random.integers(len(keys), size=(min(2000, len(keys) ** 2), 2))
    return _mean([overlap(lists[keys[a]], lists[keys[b]]) for a, b in pairs if a != b])


def _bought(lists: Lists, bought: Mapping[str, frozenset[str]]) -> float:
    known = [(items[:AT], bought[key]) for key, items in lists.items() if key in bought and items]
    return _mean([sum(item in had for item in items) / len(items) for items, had in known])


def _quality(old: Lists, new: Lists, shared: Shared) -> Figure:
    """NDCG@25 against what users bought later; a user without a list has 0."""
    users = sorted(user for user in shared.later if user in old or user in new)
    one = np.array([ndcg(old.get(user, ()), shared.later[user]) for user in users])
    other = np.array([ndcg(new.get(user, ()), shared.later[user]) for user in users])
    return Figure(
        name="NDCG@25",
        before=_mean(one.tolist()),
        after=_mean(other.tolist()),
        interval=interval(other - one) if users else None,
    )


def ndcg(items: Sequence[str], wanted: frozenset[str]) -> float:
    gained = sum(1 / math.log2(place + 1) for place, item in enumerate(items[:AT], start=1) if item in wanted)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(AT, len(wanted)) + 1))
    return gained / ideal if ideal else 0.0


def interval(differences: np.ndarray) -> tuple[float, float]:
    """The interval of the mean, 95%, by resampling users."""
    random = np.random.default_rng(SEED)
    drawn = random.integers(len(differences), size=(RESAMPLES, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _groups(pairs: Sequence[Changed], shared: Shared) -> Iterator[Group]:
    counts = {pair.key: len(shared.bought.get(pair.key, ())) for pair in pairs}
    if not counts:
        return
    heavy = float(np.quantile(list(counts.values()), HEAVY))
    yield _group(f"newcomers (bought {NEW} items at most)", [p for p in pairs if counts[p.key] <= NEW])
    yield _group(
        f"heavy users (bought {heavy:.0f} items at least)", [p for p in pairs if counts[p.key] >= heavy]
    )


def _group(name: str, pairs: Sequence[Changed]) -> Group:
    differ = sum(pair.before != pair.after for pair in pairs)
    return Group(name=name, lists=len(pairs), differ=differ, overlap=_mean([p.overlap for p in pairs], 1.0))


def _rows(before: Answer, after: Answer) -> Iterator[Figure]:
    for dataset in dict.fromkeys([*before.rows, *after.rows]):
        sides = (before.rows.get(dataset, {}), after.rows.get(dataset, {}))
        for name in ("kept", "left out"):
            one, other = (_counted(side, name) for side in sides)
            yield Figure(name=f"{dataset} {name}", before=one, after=other)


def _counted(rows: Mapping[str, Any], name: str) -> float:
    return float(rows.get("kept", 0)) if name == "kept" else float(rows.get("read", 0) - rows.get("kept", 0))


def _flags(one: Solution) -> Iterator[str]:
    found = {figure.name: figure for figure in one.figures}
    quality = found.get("NDCG@25")
    if quality is not None and _is_worse(quality):
        assert quality.interval is not None
        low, high = quality.interval
        fallen = f"{quality.before:.3f} → {quality.after:.3f} (difference {low:+.3f} to {high:+.3f})"
        yield f"{one.name}: NDCG@25 falls {fallen}"
    coverage, length, same = found["coverage"], found["length"], found["sameness"]
    if coverage.after < coverage.before * (1 - LESS_COVERAGE):
        yield f"{one.name}: lists cover {coverage.after:.0%} of the items, not {coverage.before:.0%}"
    if same.difference > SAME_LISTS:
        yield f"{one.name}: two lists share {same.after:.0%} of their places, not {same.before:.0%}"
    if length.after < length.before * (1 - SHORTER):
        yield f"{one.name}: lists have {length.after:.1f} items, not {length.before:.1f}"
    yield from _list_flags(one, found.get("bought before"))


def _is_worse(quality: Figure) -> bool:
    below = quality.interval is not None and quality.interval[1] < 0
    return below and quality.difference < -WORSE * quality.before


def _list_flags(one: Solution, bought: Figure | None) -> Iterator[str]:
    if bought is not None and bought.difference > MORE_BOUGHT:
        yield f"{one.name}: {bought.after:.0%} of the places were bought by their user, not {bought.before:.0%}"
    if one.less_new > LESS_NEW * one.lists:
        yield (
            f"{one.name}: {one.less_new:,} of {one.lists:,} lists have fewer than {one.least_new} items that their "
            "user never bought, as each had before"
        )
    if one.only_before > LOST * (one.lists + one.only_before):
        yield f"{one.name}: {one.only_before:,} of {one.lists + one.only_before:,} lists are gone"
    if one.category_shift > OTHER_CATEGORIES:
        yield f"{one.name}: {one.category_shift:.0%} of the places moved to other categories"
    if one.lists and one.overlap < LEAST_OVERLAP:
        yield f"{one.name}: an old and a new list share {one.overlap:.0%} of their places"


def _weight_flags(before: Answer, after: Answer) -> Iterator[str]:
    """What an event type teaches no more, whatever the figures say of it."""
    for kind, weight in before.weights.items():
        if kind not in after.weights:
            yield f"events of the type {kind} count no more"
        elif weight and not after.weights[kind]:
            yield f"events of the type {kind} weigh nothing, not {weight:g}"


def _row_flags(rows: Sequence[Figure]) -> Iterator[str]:
    for figure in rows:
        dataset, _, what = figure.name.partition(" ")
        if what == "kept" and figure.after < figure.before * (1 - FEWER_ROWS):
            yield f"{dataset}: {figure.after:,.0f} rows are kept, not {figure.before:,.0f}"
        kept = next(one.before for one in rows if one.name == f"{dataset} kept")
        if what == "left out" and figure.difference > REFUSED_ROWS * max(kept, 1):
            yield f"{dataset}: {figure.after:,.0f} rows are left out, not {figure.before:,.0f}"
