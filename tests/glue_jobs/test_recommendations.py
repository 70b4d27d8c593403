from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark


def answer(key: str, items: list[str], scores: list[float] | None, name: str = "userId") -> dict[str, Any]:
    output: dict[str, Any] = {"recommendedItems": items}
    return {"input": {name: key}, "output": output | ({"scores": scores} if scores else {}), "error": None}


@pytest.fixture
def output(spark: Any, tmp_path: Path) -> Any:
    from glue_jobs.columns import BATCH_OUTPUT

    def write(*lines: dict[str, Any]) -> Any:
        (tmp_path / "a.json.out").write_text("\n".join(json.dumps(line) for line in lines))
        (tmp_path / "_CHECK").write_text("")
        return spark.read.schema(BATCH_OUTPUT).option("pathGlobFilter", "*.out").json(f"file://{tmp_path}")

    return write


def lines(frame: Any) -> list[Any]:
    from glue_jobs.transforms.recommendations import publish_lines

    return [json.loads(row["value"]) for row in publish_lines(frame).collect()]


def test_an_answer_becomes_one_published_line_with_its_scores(output: Any) -> None:
    from glue_jobs.transforms import recommendations

    lists = recommendations.lists(output(answer("u1", ["a", "b"], [0.5, 1e-7])), solution="personal")
    assert lines(lists) == [{"list": "personal", "key": "u1", "items": [["a", 0.5], ["b", 1e-7]]}]


def test_scores_that_a_recipe_does_not_give_are_null(output: Any) -> None:
    from glue_jobs.transforms import recommendations

    lists = recommendations.lists(output(answer("i1", ["a", "b"], None, "itemId")), solution="related")
    assert lines(lists) == [{"list": "related", "key": "i1", "items": [["a", None], ["b", None]]}]


@pytest.mark.parametrize("identifier", ['a"b', "a\\b", "日本 🍣", "a\tb", "</script>", "'"])
def test_identifiers_survive_as_json(output: Any, identifier: str) -> None:
    from glue_jobs.transforms import recommendations

    lists = recommendations.lists(output(answer(identifier, [identifier], [1.0])), solution="personal")
    (line,) = lines(lists)
    assert (line["key"], line["items"]) == (identifier, [[identifier, 1.0]])


def test_lines_that_personalize_could_not_answer_are_left_out_and_told(output: Any) -> None:
    from glue_jobs.transforms import recommendations

    failed = {"input": {"userId": "u2"}, "output": None, "error": "unknown user"}
    frame = output(answer("u1", ["a"], [1.0]), failed, answer("u3", [], None))
    assert [line["key"] for line in lines(recommendations.lists(frame, solution="p"))] == ["u1"]
    assert [row["error"] for row in recommendations.errors(frame).collect()] == ["unknown user"]


def test_items_bought_since_a_day_leave_the_list_and_the_others_keep_their_scores(
    spark: Any, output: Any
) -> None:
    from glue_jobs.columns import WAREHOUSE_ORDERS
    from glue_jobs.transforms import recommendations

    orders = spark.createDataFrame(
        [
            ("R", "o", "u1", "b", "2026-11-20 00:00:00", 1.0),
            ("R", "o", "u1", "c", "2026-11-19 23:59:59", 1.0),
            ("R", "o", "u3", "a", "2026-11-21 00:00:00", 1.0),
        ],
        WAREHOUSE_ORDERS,
    )
    lists = recommendations.lists(
        output(
            answer("u1", ["a", "b", "c"], [3.0, 2.0, 1.0]),
            answer("u2", ["b"], [1.0]),
            answer("u3", ["a"], [1.0]),
        ),
        solution="personal",
    )
    on = recommendations.OnColumns()
    joined = lists.join(recommendations.bought(orders), "key", "left")
    outcomes = recommendations.outcome(
        joined,
        [lambda entries: on.without(entries, on.since(joined["bought"], "2026-11-20 00:00:00"))],
        results=0,
    )
    left = recommendations.left(outcomes)
    kept = {line["key"]: line["items"] for line in lines(left)}
    assert kept == {"u1": [["a", 3.0], ["c", 1.0]], "u2": [["b", 1.0]]}


def test_warehouse_rows_have_ranks_from_one(output: Any) -> None:
    from glue_jobs.columns import WAREHOUSE_RECOMMENDATIONS
    from glue_jobs.transforms import recommendations

    lists = recommendations.lists(output(answer("u1", ["a", "b"], [0.5, 0.25])), solution="personal")
    frame = recommendations.warehouse_recommendations(lists, run_id="R")
    assert frame.columns == WAREHOUSE_RECOMMENDATIONS
    assert [tuple(row) for row in frame.orderBy("rank").collect()] == [
        ("R", "personal", "u1", 1, "a", 0.5, 1, None),
        ("R", "personal", "u1", 2, "b", 0.25, 2, None),
    ]


def test_warehouse_rows_of_lists_without_scores_have_null(output: Any) -> None:
    from glue_jobs.transforms import recommendations

    lists = recommendations.lists(output(answer("i", ["a"], None, "itemId")), solution="related")
    assert recommendations.warehouse_recommendations(lists, run_id="R").first()["score"] is None


def known_of_users(spark: Any) -> list[Any]:
    from glue_jobs.transforms import recommendations

    orders = spark.createDataFrame(
        [
            ("u1", "a", "2026-11-02 00:00:00"),
            ("u1", "b", "2026-11-01 00:00:00"),
            ("u1", "b", "2026-11-03 00:00:00"),
            ("u1", "gone", "2026-11-04 00:00:00"),
            ("u2", "c", "2026-10-01 00:00:00"),
        ],
        "user_id string, item_id string, ordered_at string",
    )
    items = spark.createDataFrame(
        [("a", "TEA|CUPS", "X"), ("b", "TEA", None), ("c", "", "Y")],
        "item_id string, kind string, brand string",
    )
    users = spark.createDataFrame(
        [("u1", "25", None), ("u3", None, None)], "user_id string, age string, income string"
    )
    return [
        recommendations.first_and_last(orders),
        recommendations.attributes(users, ["AGE", "INCOME"]),
        recommendations.bought_in(orders, items, ["KIND", "BRAND"]),
    ]


def test_a_line_says_what_the_run_knows_of_its_user(spark: Any, output: Any) -> None:
    """And the function that answers readers reads of it what was written."""
    from glue_jobs.transforms import recommendations
    from lambdas.get_recommendations.ranking import listed
    from lambdas.publish_recommendations import lists as published

    frame = recommendations.lists(
        output(*(answer(user, ["a"], [1.0]) for user in ("u1", "u2", "u3"))), solution="personal"
    )
    told = recommendations.with_profile(frame, recommendations.profiles(known_of_users(spark)))
    made = {line["key"]: line for line in lines(told)}
    assert {user: line["profile"] for user, line in made.items()} == {
        "u1": {
            "first": "2026-11-01 00:00:00",
            "last": "2026-11-04 00:00:00",
            "attributes": {"AGE": "25"},
            "bought_in": {
                "KIND": {"TEA": "2026-11-03 00:00:00", "CUPS": "2026-11-02 00:00:00"},
                "BRAND": {"X": "2026-11-02 00:00:00"},
            },
        },
        "u2": {
            "first": "2026-10-01 00:00:00",
            "last": "2026-10-01 00:00:00",
            "bought_in": {"BRAND": {"Y": "2026-10-01 00:00:00"}},
        },
        "u3": {"attributes": {}},
    }
    for line in made.values():
        item = published.item(
            json.dumps(line).encode(), where="x", expected="personal", version="v", expires_at=None
        )
        assert listed(item).profile == line["profile"]


def test_a_line_has_the_fields_of_its_items_and_what_its_user_bought_in_the_order_of_the_list(
    spark: Any, output: Any
) -> None:
    """And the function that answers readers reads of it what was written."""
    from glue_jobs.transforms import recommendations
    from lambdas.get_recommendations.ranking import listed
    from lambdas.publish_recommendations import lists as published

    frame = recommendations.lists(
        output(answer("u1", ['b"', "a", "c"], [0.9, 0.5, 0.1]), answer("u2", ["c"], [1.0])),
        solution="personal",
    )
    bought = spark.createDataFrame(
        [("u1", {"a": "2026-11-01 00:00:00", "z": "2026-11-02 00:00:00"})],
        "key string, bought map<string,string>",
    )
    items = spark.createDataFrame(
        [("a", "X", "1"), ('b"', 'Y "y"', None), ("z", "Z", "3")],
        "item_id string, brand string, price string",
    )
    told = recommendations.with_facts(recommendations.with_bought(frame, bought), items, ["BRAND", "PRICE"])
    made = {line["key"]: line for line in lines(told)}
    assert made["u1"] == {
        "list": "personal",
        "key": "u1",
        "items": [['b"', 0.9], ["a", 0.5], ["c", 0.1]],
        "facts": {"BRAND": ['Y "y"', "X", None], "PRICE": [None, "1", None]},
        "bought": {"a": "2026-11-01 00:00:00"},
    }
    assert made["u2"]["facts"] == {"BRAND": [None], "PRICE": [None]} and "bought" not in made["u2"]
    item = published.item(
        json.dumps(made["u1"]).encode(), where="x", expected="personal", version="v", expires_at=None
    )
    entries = listed(item).entries("personal")
    assert [dict(entry.facts) for entry in entries] == [{"BRAND": 'Y "y"'}, {"BRAND": "X", "PRICE": "1"}, {}]
    assert listed(item).bought == {"a": "2026-11-01 00:00:00"}
