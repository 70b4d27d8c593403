from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.spark

DAY, NOW = 86_400, 1_700_000_000
INTERACTIONS = [  # user, item, days ago
    ("old", "a", 90),
    ("steady", "a", 90),
    ("steady", "b", 2),
    ("fresh", "a", 1),
    ("fresh", "c", 1),
]


@pytest.fixture(scope="module")
def known(spark: Any) -> Any:
    from glue_jobs.transforms import batch_input

    kept = [(user, item, NOW - days * DAY) for user, item, days in INTERACTIONS]
    return batch_input.Known(
        users=spark.createDataFrame([("silent",), ("old",)], "USER_ID string"),
        items=spark.createDataFrame([("z",)], "ITEM_ID string"),
        kept=spark.createDataFrame(kept, "USER_ID string, ITEM_ID string, TIMESTAMP long"),
        now=NOW,
    )


def lines(known: Any, kind: str, **which: Any) -> list[Any]:
    from glue_jobs.transforms import batch_input

    return [row.asDict() for row in batch_input.lines({"lines": kind, **which}, known).collect()]


def users(known: Any, **rule: int) -> set[str]:
    return {line["userId"] for line in lines(known, "users", **rule)}


def test_users_are_all_that_are_known_or_those_of_a_rule(known: Any) -> None:
    assert users(known) == {"silent", "old", "steady", "fresh"}
    assert users(known, active_within_days=2) == {"steady", "fresh"}
    assert users(known, active_within_days=1) == {"fresh"}
    assert users(known, new_within_days=30) == {"fresh"}
    assert users(known, new_within_days=90) == {"old", "steady", "fresh"}


def test_a_rule_that_finds_nobody_asks_for_nobody_rather_than_for_nothing(known: Any) -> None:
    from glue_jobs.transforms import batch_input

    later = batch_input.Known(users=known.users, items=known.items, kept=known.kept, now=NOW + 400 * DAY)
    assert users(later, active_within_days=3) == {batch_input.EVERYONE}


def test_items_are_all_that_are_known_or_the_chosen_ones(known: Any) -> None:
    assert {line["itemId"] for line in lines(known, "items")} == {"a", "b", "c", "z"}
    assert [line["itemId"] for line in lines(known, "items", popular=2)] == ["a", "b"]
    assert [line["itemId"] for line in lines(known, "items", ids=["z", "a"])] == ["z", "a"]


def test_the_chosen_items_are_ranked_for_each_user_of_the_rule(known: Any) -> None:
    found = lines(known, "rankings", popular=2, active_within_days=2)
    assert {line["userId"]: line["itemList"] for line in found} == {"steady": ["a", "b"], "fresh": ["a", "b"]}


def test_each_query_is_a_line(known: Any) -> None:
    asked = {"one": 'ITEMS.A = "x"', "two": "ITEMS.B = 1"}
    assert lines(known, "queries", queries=asked) == [{"itemAttributes": text} for text in asked.values()]
