from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.glue_jobs.test_rules import OnValues

pytestmark = pytest.mark.spark

RUN = "20261124T030000Z"
SOLUTIONS = [
    {"name": "personal", "for_each": "user", "results": 25},
    {"name": "popular", "for_each": "everyone", "results": 100},
]


@pytest.fixture
def world(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from glue_jobs import postprocess_recommendations as job
    from glue_jobs import session

    monkeypatch.setattr(session, "SCHEME", f"file://{tmp_path}/")
    results = tmp_path / "results"
    folder = results / "runs" / RUN

    class World:
        def answer(self, solution: str, *lines: Any) -> None:
            path = folder / "batch" / solution
            path.mkdir(parents=True, exist_ok=True)
            (path / "part-0.json.out").write_text("\n".join(json.dumps(line) for line in lines))
            (path / "_CHECK").write_text("x")

        def order(self, *rows: dict[str, Any]) -> None:
            path = folder / "warehouse" / "orders"
            path.mkdir(parents=True)
            text = "\n".join(json.dumps(row) for row in rows)
            (path / "part-0.json.gz").write_bytes(gzip.compress(text.encode()))

        def run(self, days: int = 0, new: int = 0, solutions: Any = SOLUTIONS, asked: Any = None) -> None:
            publishing = {
                **(asked or {}),
                "exclude_bought_within_days": days,
                "min_never_bought": new,
                "expire_after_days": 14,
            }
            job.run(job.Job(spark, "results", RUN, solutions, publishing))

        def published_files(self, solution: str) -> list[Path]:
            return sorted((results / "publish" / RUN / solution).glob("part-*.gz"))

        def published(self, solution: str) -> list[Any]:
            return self.of(self.published_files(solution))

        def lines(self, part: str) -> list[Any]:
            return self.of(sorted((folder / part).glob("part-*.gz")))

        def of(self, files: list[Path]) -> list[Any]:
            text = [gzip.decompress(file.read_bytes()).decode() for file in files]
            return [json.loads(line) for one in text for line in one.splitlines()]

    return World()


def recommended(key: str, *items: str) -> dict[str, Any]:
    scores = [1.0 - n / 10 for n in range(len(items))]
    return {
        "input": {"userId": key},
        "output": {"recommendedItems": list(items), "scores": scores},
        "error": None,
    }


def test_lists_of_all_solutions_are_published_apart_and_loaded_together(world: Any) -> None:
    world.answer("personal", recommended("u1", "a", "b"))
    world.answer("popular", recommended("everyone", "c"))
    world.run()
    assert world.published("personal") == [
        {"list": "personal", "key": "u1", "items": [["a", 1.0], ["b", 0.9]]}
    ]
    assert world.published("popular") == [{"list": "popular", "key": "everyone", "items": [["c", 1.0]]}]
    rows = world.lines("warehouse/recommendations")
    assert sorted((r["solution"], r["entity_id"], r["rank"], r["item_id"]) for r in rows) == [
        ("personal", "u1", 1, "a"),
        ("personal", "u1", 2, "b"),
        ("popular", "everyone", 1, "c"),
    ]


def test_what_a_user_bought_lately_leaves_their_list_but_not_everyones(world: Any) -> None:
    world.answer("personal", recommended("everyone", "a", "b"))
    world.answer("popular", recommended("everyone", "a", "b"))
    bought = {"run_id": RUN, "user_id": "everyone", "sales_value": 1.0}
    world.order(
        bought | {"item_id": "a", "ordered_at": "2026-11-21 03:00:00"},
        bought | {"item_id": "b", "ordered_at": "2026-11-21 02:59:59"},
    )
    world.run(days=3)
    assert [line["items"] for line in world.published("personal")] == [[["b", 0.9]]]
    assert [line["items"] for line in world.published("popular")] == [[["a", 1.0], ["b", 0.9]]]


def test_of_the_candidates_a_list_keeps_its_length_with_places_for_what_was_never_bought(world: Any) -> None:
    short = [{**solution, "results": 3} for solution in SOLUTIONS]
    world.answer("personal", recommended("u1", "a", "b", "c", "d", "new"), recommended("u2", "a", "b"))
    unscored = {"recommendedItems": ["a", "b", "c", "d"], "scores": None}
    world.answer("popular", {"input": {"userId": "everyone"}, "output": unscored, "error": None})
    bought = {"run_id": RUN, "user_id": "u1", "sales_value": 1.0, "ordered_at": "2020-01-01 00:00:00"}
    world.order(*[bought | {"item_id": item} for item in "abcd"])
    world.run(new=1, solutions=short)
    lists = {line["key"]: line["items"] for line in world.published("personal")}
    assert lists == {"u1": [["a", 1.0], ["b", 0.9], ["new", 0.6]], "u2": [["a", 1.0], ["b", 0.9]]}
    popular = [["a", None], ["b", None], ["c", None]]
    assert [line["items"] for line in world.published("popular")] == [popular]
    rows = [row for row in world.lines("warehouse/recommendations") if row["entity_id"] == "u1"]
    shown = [row for row in rows if "rank" in row]
    assert sorted((row["rank"], row["item_id"]) for row in shown) == [(1, "a"), (2, "b"), (3, "new")]


def both(rows: list[dict[str, Any]], key: str) -> list[tuple[Any, ...]]:
    """(item, place as inferred, place as published, rule, score) of one list."""
    own = [row for row in rows if row["entity_id"] == key]
    names = ("item_id", "inferred_rank", "rank", "rule", "score")
    return sorted(tuple(row.get(name) for name in names) for row in own)


def test_the_warehouse_learns_what_each_rule_took_out_put_in_and_moved(world: Any) -> None:
    """u1 bought a yesterday and b long ago; u2's only item goes, and the list with it; u3 is as inferred."""
    short = [{**SOLUTIONS[0], "results": 3}, {**SOLUTIONS[1], "results": 2}]
    world.answer(
        "personal",
        recommended("u1", "a", "b", "c", "d", "e"),
        recommended("u2", "a"),
        recommended("u3", "a", "b"),
    )
    world.answer("popular", recommended("everyone", "a", "b", "c"))
    long_ago = {"run_id": RUN, "user_id": "u1", "sales_value": 1.0, "ordered_at": "2020-01-01 00:00:00"}
    lately = long_ago | {"ordered_at": "2026-11-23 03:00:00", "item_id": "a"}
    world.order(*[long_ago | {"item_id": item} for item in "bcd"], lately, lately | {"user_id": "u2"})
    world.run(days=3, new=1, solutions=short)
    assert [line["items"] for line in world.published("personal") if line["key"] == "u1"] == [
        [["b", 0.9], ["c", 0.8], ["e", 0.6]]
    ]
    rows = world.lines("warehouse/recommendations")
    exclude, place = "exclude_bought_within_days", "min_never_bought"
    assert both(rows, "u1") == [
        ("a", 1, None, exclude, 1.0),
        ("b", 2, 1, exclude, 0.9),
        ("c", 3, 2, exclude, 0.8),
        ("e", None, 3, place, 0.6),
    ]
    assert both(rows, "u2") == [("a", 1, None, exclude, 1.0)], "of a list that is empty, what went is known"
    assert both(rows, "u3") == [("a", 1, 1, None, 1.0), ("b", 2, 2, None, 0.9)]
    assert both(rows, "everyone") == [("a", 1, 1, None, 1.0), ("b", 2, 2, None, 0.9)]


def test_a_user_of_whom_nothing_is_known_has_an_empty_profile_where_one_is_asked(world: Any) -> None:
    world.answer("personal", recommended("u1", "a"), recommended("u2", "a"))
    world.answer("popular", recommended("everyone", "a"))
    row = {"run_id": RUN, "user_id": "u1", "sales_value": 1.0, "ordered_at": "2026-11-01 00:00:00"}
    world.order(row | {"item_id": "a"})
    world.run(asked={"with_profile": True})
    found = {line["key"]: line["profile"] for line in world.published("personal")}
    at = "2026-11-01 00:00:00"
    assert found == {"u1": {"first": at, "last": at}, "u2": {}}
    assert "profile" not in world.published("popular")[0]


def test_in_a_shop_without_orders_nothing_was_ever_bought(world: Any, spark: Any, tmp_path: Path) -> None:
    from glue_jobs import session
    from glue_jobs.columns import WAREHOUSE_ORDERS

    orders = spark.createDataFrame([], WAREHOUSE_ORDERS)  # as build-datasets writes the empty table
    session.write_json(orders, f"{tmp_path}/results/runs/{RUN}/warehouse/orders/")
    world.answer("personal", recommended("u1", "a", "b", "c"))
    world.answer("popular", recommended("everyone", "c"))
    world.run(new=2)
    assert [line["items"] for line in world.published("personal")] == [[["a", 1.0], ["b", 0.9], ["c", 0.8]]]


def test_a_solution_that_answered_nobody_stops_the_run_and_quotes_why(world: Any) -> None:
    from glue_jobs.postprocess_recommendations import BatchOutputEmpty

    world.answer("personal", {"input": {"userId": "u"}, "output": None, "error": "no such user"})
    world.answer("popular", recommended("everyone", "c"))
    with pytest.raises(BatchOutputEmpty, match=r"batch/personal/ .*no such user.*solution 'personal'"):
        world.run()


def test_a_file_holds_at_most_so_many_lists(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_jobs import postprocess_recommendations as job

    monkeypatch.setattr(job, "LISTS_A_FILE", 2)
    world.answer("personal", *[recommended(f"u{n}", "a") for n in range(5)])
    world.answer("popular", recommended("everyone", "c"))
    world.run()
    assert len(world.published_files("personal")) == 3 and len(world.published("personal")) == 5


def test_a_configured_solution_without_a_version_is_refused() -> None:
    from glue_jobs.postprocess_recommendations import SolutionVersionMissing, check_versions

    check_versions(SOLUTIONS, {"personal": "arn", "popular": "arn"})
    with pytest.raises(SolutionVersionMissing, match=r"no solution version for \['popular'\]"):
        check_versions(SOLUTIONS, {"personal": "arn"})


Entries = list[tuple[str, float | None]]
ACTING = [
    {"exclude_bought_within_days": 4},
    {"min_never_bought": 9},
    {"exclude_bought_within_days": 4, "min_never_bought": 3},
]


def candidates_of(chance: random.Random) -> dict[str, Entries]:
    """Of forty users: more than are published, fewer, one, and as a recipe gives them that has no scores."""
    items = [f'i"{n}' if n % 5 == 0 else f"品{n}" for n in range(14)]
    lists: dict[str, Entries] = {}
    for n in range(40):
        chosen = chance.sample(items, chance.choice([1, 2, 4, 5, 9, 14]))
        lists[f"u{n}"] = [(item, None if n % 7 == 0 else chance.random()) for item in chosen]
    return lists


def answered(user: str, entries: Entries) -> dict[str, Any]:
    scores = [score for _, score in entries]
    output = {"recommendedItems": [item for item, _ in entries], "scores": scores if scores[0] else None}
    return {"input": {"userId": user}, "output": output, "error": None}


def purchases_of(chance: random.Random, lists: dict[str, Entries]) -> list[dict[str, Any]]:
    """Of most users: of some a few, of others nearly all that they could be shown, often more than once."""
    known = [(user, item) for user, entries in lists.items() if user != "u1" for item, _ in entries]
    return [
        {"user_id": user, "item_id": item, "ordered_at": f"2026-11-{chance.randrange(15, 24)} 03:00:00"}
        for user, item in [chance.choice(known) for _ in range(300)]
        + [("u3", f"else{n}") for n in range(300)]
    ]


def after_each_rule(
    entries: Entries, bought: dict[str, str] | None, publishing: dict[str, int], results: int
) -> list[Entries]:
    """The list as inferred, and what each rule in turn leaves of it, on plain values."""
    from glue_jobs.rules import Given, active
    from glue_jobs.run_id import started_at

    given = Given(user={"bought": bought}, items={}, now=started_at(RUN), results=results)
    left = [entries]
    for name, rule in active(publishing, for_each="user").items():
        left.append(rule.apply(OnValues(), left[-1], given, publishing[name]))
    return left


def told_of(left: list[Entries], names: list[str], results: int) -> list[tuple[Any, ...]]:
    """What the warehouse should have of one list, as `both` gives it."""
    heads = [[item for item, _ in entries[:results]] for entries in left]
    rows = []
    for item, score in left[0]:
        ranks = [head.index(item) + 1 if item in head else None for head in heads]
        moved = [
            name for name, before, after in zip(names, ranks, ranks[1:], strict=False) if before != after
        ]
        if ranks[0] or ranks[-1]:
            rows.append((item, ranks[0], ranks[-1], moved[-1] if moved else None, score))
    return sorted(rows)


@pytest.mark.parametrize("acting", ACTING, ids=[" and ".join(one) for one in ACTING])
def test_lists_and_rows_are_those_that_the_rules_give_on_plain_values(world: Any, acting: Any) -> None:
    chance, results = random.Random(15), 4
    lists = candidates_of(chance)
    orders = purchases_of(chance, lists)
    world.answer("personal", *(answered(user, entries) for user, entries in lists.items()))
    world.order(*orders)
    world.run(
        days=acting.get("exclude_bought_within_days", 0),
        new=acting.get("min_never_bought", 0),
        solutions=[{**SOLUTIONS[0], "results": results}],
    )
    published = {
        line["key"]: [tuple(entry) for entry in line["items"]] for line in world.published("personal")
    }
    rows = world.lines("warehouse/recommendations")
    for user, entries in lists.items():
        times: dict[str, str] = {}
        for order in sorted(orders, key=lambda order: order["ordered_at"]):
            if order["user_id"] == user:
                times[order["item_id"]] = order["ordered_at"]
        left = after_each_rule(entries, times or None, acting, results)
        assert published.pop(user, []) == left[-1][:results], user
        assert both(rows, user) == told_of(left, list(acting), results), user
    assert not published
    assert {row["rule"] for row in rows if "rule" in row} == set(acting), "each rule acted"


def test_an_item_that_a_list_has_twice_is_one_row_with_the_rank_and_score_of_its_first(world: Any) -> None:
    world.answer("personal", recommended("u1", "a", "b", "a", "c", "b", "d"))
    bought = {"run_id": RUN, "user_id": "u1", "sales_value": 1.0, "ordered_at": "2026-11-23 03:00:00"}
    world.order(bought | {"item_id": "b"})
    world.run(days=3, solutions=[{**SOLUTIONS[0], "results": 4}])
    assert [line["items"] for line in world.published("personal")] == [
        [["a", 1.0], ["a", 0.8], ["c", 0.7], ["d", 0.5]]
    ]
    exclude = "exclude_bought_within_days"
    assert both(world.lines("warehouse/recommendations"), "u1") == [
        ("a", 1, 1, None, 1.0),
        ("b", 2, None, exclude, 0.9),
        ("c", 4, 3, exclude, 0.7),
        ("d", None, 4, exclude, 0.5),
    ]
