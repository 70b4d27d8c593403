"""Business rules at read time: each example of the reference is a case, and properties that all rules keep."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from config import business, rule_page
from config.business import BusinessRule
from config.rule_examples import EXAMPLES, Example
from config.serving import _rule
from lambdas.get_recommendations.ranking import Entry
from lambdas.get_recommendations.rules import KINDS, Known, Named, applied
from lambdas.shared import user_state
from lambdas.shared.user_state import DAY, UserState

NOW = 1_764_000_000.0
PLAIN: TypeAdapter[Any] = TypeAdapter(BusinessRule)


def kinds() -> dict[str, type[Any]]:
    union = get_args(BusinessRule)[0]
    return {get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in get_args(union)}


def named(rule: Mapping[str, Any]) -> Named:
    return Named("r", rule["kind"], _rule(PLAIN.validate_python(rule)))


def entries(example: Example) -> list[Entry]:
    scores = example.scores or [1 / n for n in range(1, len(example.items) + 1)]
    return [
        Entry(item, score, "personal", example.facts.get(item, {}))
        for item, score in zip(example.items, scores, strict=True)
    ]


def known(example: Example) -> Known:
    deeds = [
        text
        for kind, item, days_ago in example.deeds
        if (text := user_state.deed(kind, item, int(NOW - days_ago * DAY)))
    ]
    state = user_state.decode({"deeds": {"SS": deeds}} if deeds else None)
    return Known(
        now=NOW, length=25, user="w", state=state, bought=example.bought, bought_in=example.bought_in
    )


def test_every_kind_of_the_configuration_has_a_row_and_an_example() -> None:
    assert set(KINDS) == set(kinds()) == {example.rule["kind"] for example in EXAMPLES}


def test_the_configuration_and_the_functions_keep_a_user_s_state_as_long() -> None:
    assert user_state.KEPT_DAYS == business.KEPT_DAYS == rule_page._DAYS
    assert user_state.MOST_DEEDS == rule_page._DEEDS


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.says)
def test_an_example_of_the_reference_comes_out_as_it_says(example: Example) -> None:
    left, acted = applied(entries(example), [named(example.rule)], known(example))
    assert [entry.item for entry in left] == list(example.gives)
    assert bool(acted) == (list(example.gives) != list(example.items))


def random_list(chance: random.Random) -> list[Entry]:
    items = chance.sample("abcdefghijkl", chance.randrange(13))
    return [
        Entry(
            item,
            chance.choice([None, chance.random(), -chance.random()]),
            "personal",
            chance.choice([{}, {"A": "x"}, {"A": "x|y", "CREATION_TIMESTAMP": str(int(NOW - 100))}]),
        )
        for item in items
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.says)
def test_whatever_list_comes_no_item_is_there_twice_and_none_is_invented(example: Example) -> None:
    chance = random.Random(5)
    rule = named(example.rule)
    pinned = set(rule.parameters["items"]) if rule.kind == "pin" else set()
    for _ in range(60):
        given = random_list(chance)
        left, acted = applied(given, [rule], known(example))
        names = [entry.item for entry in left]
        assert len(set(names)) == len(names)
        assert set(names) <= {entry.item for entry in given} | pinned
        assert applied(given, [rule], known(example))[0] == left, "the same list gives the same"
        told = [one for each in acted for one in (*each.removed, *each.moved, *each.added)]
        assert bool(told) == (names != [entry.item for entry in given]) or rule.kind == "pin"


def test_what_a_rule_did_is_told_with_places_and_scores_before_it() -> None:
    given = [Entry(item, score, "personal") for item, score in [("a", 3.0), ("b", 2.0), ("c", 1.0)]]
    state = UserState(shown={"a": [int(NOW) - 2, int(NOW) - 1]})
    rule = {"kind": "not_interested", "shown": 2, "action": "demote", "factor": 0.5}
    left, [acted] = applied(given, [named(rule)], Known(now=NOW, length=3, state=state))
    assert [(entry.item, entry.score) for entry in left] == [("b", 2.0), ("a", 3.0), ("c", 1.0)]
    assert (acted.removed, acted.moved, acted.count) == ((), (("b", 2, 1), ("a", 1, 2)), 2)
    gone = {"kind": "exclude", "items": ["b"]}
    _, [acted] = applied(given, [named(gone)], Known(now=NOW, length=3))
    assert (acted.removed, acted.moved) == ((("b", 2, 2.0),), ())


def test_a_shuffled_list_is_the_same_all_day_and_another_for_others_and_tomorrow() -> None:
    given = [Entry(str(n), None, "personal") for n in range(20)]
    rule = [named({"kind": "shuffle", "within": 10})]
    orders = {
        (user, day): [
            e.item for e in applied(given, rule, Known(now=NOW + day * DAY, length=20, user=user))[0]
        ]
        for user in ("u", "v")
        for day in (0, 1)
    }
    assert len(set(map(tuple, orders.values()))) == 4
    later = Known(now=NOW + 60, length=20, user="u")
    assert [e.item for e in applied(given, rule, later)[0]] == orders["u", 0]
    assert all(set(order[:10]) == set(map(str, range(10))) for order in orders.values())


def test_what_fills_a_list_up_is_filtered_and_not_ordered_anew() -> None:
    given = [Entry("a", 1.0, "popular"), Entry("b", 0.5, "popular")]
    rules = [named({"kind": "pin", "items": ["z"]}), named({"kind": "exclude", "items": ["a"]})]
    left, _ = applied(given, rules, Known(now=NOW, length=2), filling=True)
    assert [entry.item for entry in left] == ["b"]
