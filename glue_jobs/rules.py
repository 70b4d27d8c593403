"""Rules between inference and the reader, one row each: a key of `publishing` with a value turns its rule on.

A rule is a pure function of a list, what is known of its user and of items, and its parameter. It works through
`Operations`, so it runs on Spark's columns after inference, and on plain lists in tests. Rules at read time are rows of
lambdas/get_recommendations/rules.py (ADR 44).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

TIME = "%Y-%m-%d %H:%M:%S"  # as orders have it, UTC; compares as text


class Operations(Protocol):
    """What rules do with lists, of (item, score) from the best, and with maps by item."""

    def since(self, times: Any, moment: str) -> Any:
        """Ids of a map from id to time whose time is `moment` or later."""
        ...

    def without(self, entries: Any, ids: Any) -> Any:
        """The entries whose item is not one of `ids`, in their order."""
        ...

    def with_places(self, entries: Any, ids: Any, *, length: int, places: int) -> Any:
        """The first `length` entries; where fewer than `places` of them are not of `ids`, the next ones that are
        not take the places of the last ones that are, at the end.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a rule may look at besides the list: a map from item id of each name that its row asks for.

    `results` is how many entries of the list will be published.
    """

    user: Mapping[str, Any]
    items: Mapping[str, Any]
    now: datetime
    results: int


Apply = Callable[[Operations, Any, Given, Any], Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`apply` gives the list that is left. `user`: names of USER_STATE; `items`: fields of the items dataset."""

    apply: Apply
    for_each: frozenset[str]
    user: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


def exclude_bought_within_days(on: Operations, entries: Any, given: Given, days: int) -> Any:
    since = (given.now - timedelta(days=days)).strftime(TIME)
    return on.without(entries, on.since(given.user["bought"], since))


def min_never_bought(on: Operations, entries: Any, given: Given, places: int) -> Any:
    ever = on.since(given.user["bought"], "")
    return on.with_places(entries, ever, length=given.results, places=places)


RULES: Mapping[str, Rule] = {
    "exclude_bought_within_days": Rule(
        apply=exclude_bought_within_days, for_each=frozenset({"user"}), user=("bought",)
    ),
    # After those that leave items out: it counts what is left.
    "min_never_bought": Rule(apply=min_never_bought, for_each=frozenset({"user"}), user=("bought",)),
}


def active(publishing: Mapping[str, Any], *, for_each: str) -> dict[str, Rule]:
    """The rules that the configuration turns on for such lists, in the order of RULES."""
    return {name: rule for name, rule in RULES.items() if publishing.get(name) and for_each in rule.for_each}


def steps(
    on: Operations, *, rules: Mapping[str, Rule], publishing: Mapping[str, Any], given: Given
) -> list[Callable[[Any], Any]]:
    """The function of each rule from a list to what it leaves of it, in the order in which they act."""
    return [_step(on, rule, given, publishing[name]) for name, rule in rules.items()]


def _step(on: Operations, rule: Rule, given: Given, parameter: Any) -> Callable[[Any], Any]:
    return lambda entries: rule.apply(on, entries, given, parameter)
