"""A rule and a source are rows: what the configuration may name is there, and a rule works off Spark too."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

pytest.importorskip("pyspark")

from config.settings import EventRule, Publishing
from glue_jobs import rules
from glue_jobs.rules import RULES, Given, Rule, active, steps

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
Entries = list[tuple[str, float]]


class OnValues:
    """The operations on plain lists and dicts, as a reader would have them."""

    def since(self, times: Mapping[str, str] | None, moment: str) -> list[str]:
        return [item for item, at in (times or {}).items() if at >= moment]

    def without(self, entries: Entries, ids: list[str]) -> Entries:
        return [entry for entry in entries if entry[0] not in ids]

    def with_places(self, entries: Entries, ids: list[str], *, length: int, places: int) -> Entries:
        """By trial: known entries leave from the end, new ones join it, while there are too few new ones."""
        chosen, waiting = entries[:length], [e for e in entries[length:] if e[0] not in ids]
        while waiting and sum(e[0] not in ids for e in chosen) < min(places, length):
            chosen.remove(next(e for e in reversed(chosen) if e[0] in ids))
            chosen.append(waiting.pop(0))
        return chosen


def applied(
    on: Any, entries: Any, *, rules: Mapping[str, Rule], publishing: Mapping[str, Any], given: Given
) -> Any:
    """The list after each rule in turn."""
    for step in steps(on, rules=rules, publishing=publishing, given=given):
        entries = step(entries)
    return entries


def test_every_key_of_publishing_that_is_no_setting_of_the_publisher_is_a_rule() -> None:
    assert set(RULES) == set(Publishing.model_fields) - {"expire_after_days", "item_fields", "user_fields"}


def test_every_rule_is_off_by_default() -> None:
    for audience in ("user", "item", "everyone"):
        assert active(Publishing().model_dump(), for_each=audience) == {}


def test_every_rule_asks_for_state_that_the_job_can_read() -> None:
    from glue_jobs.postprocess_recommendations import USER_STATE

    assert {name for rule in RULES.values() for name in rule.user} <= set(USER_STATE)


def test_every_source_that_the_configuration_may_name_is_there() -> None:
    from glue_jobs.sources import SOURCES

    assert set(SOURCES) == set(get_args(EventRule.model_fields["source"].annotation))


def test_a_rule_concerns_only_the_lists_that_it_is_for() -> None:
    publishing = {"exclude_bought_within_days": 30}
    assert list(active(publishing, for_each="user")) == ["exclude_bought_within_days"]
    assert active(publishing, for_each="everyone") == {}


@pytest.mark.parametrize(
    ("at", "kept"),
    [("2026-11-21 03:00:00", ["b"]), ("2026-11-21 02:59:59", ["a", "b"]), (None, ["a", "b"])],
)
def test_what_was_bought_within_days_leaves_a_plain_list(at: str | None, kept: list[str]) -> None:
    given = Given(user={"bought": {"a": at} if at else None}, items={}, now=NOW, results=25)
    publishing = {"exclude_bought_within_days": 3}
    chosen = active(publishing, for_each="user")
    left = applied(OnValues(), [("a", 1.0), ("b", 0.5)], rules=chosen, publishing=publishing, given=given)
    assert [item for item, _ in left] == kept


@pytest.mark.parametrize(
    ("ranked", "left"),
    [
        ("abcXYZ", "aXY"),  # the last known ones make room, in the candidates' order
        ("aXbYcZ", "aXY"),
        ("XYabcZ", "XYa"),  # enough already
        ("abcX", "abX"),  # as many as there are
        ("abc", "abc"),
        ("ab", "ab"),
        ("aX", "aX"),
    ],
)
def test_the_last_places_of_a_list_are_for_what_was_never_bought(ranked: str, left: str) -> None:
    bought = dict.fromkeys("abc", "2020-01-01 00:00:00")
    given = Given(user={"bought": bought}, items={}, now=NOW, results=3)
    publishing = {"min_never_bought": 2}
    entries = [(item, 1.0 / n) for n, item in enumerate(ranked, start=1)]
    chosen = active(publishing, for_each="user")
    found = applied(OnValues(), entries, rules=chosen, publishing=publishing, given=given)
    assert "".join(item for item, _ in found) == left


@pytest.mark.spark
@pytest.mark.parametrize(
    "publishing",
    [
        {"exclude_bought_within_days": 4},
        {"min_never_bought": 1},
        {"min_never_bought": 3},
        {"min_never_bought": 9},
        {"exclude_bought_within_days": 4, "min_never_bought": 3},
    ],
)
def test_lists_after_the_rules_are_the_same_on_columns_and_on_values(
    spark: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, publishing: dict[str, int]
) -> None:
    from glue_jobs import postprocess_recommendations as job
    from glue_jobs import session
    from glue_jobs.columns import LISTS

    monkeypatch.setattr(session, "SCHEME", f"file://{tmp_path}/")
    chance = random.Random(7)
    solution = {"for_each": "user", "results": 4}
    items = [f"i{n}" for n in range(12)]
    lists = {f"u{n}": [(i, chance.random()) for i in chance.sample(items, 6)] for n in range(40)}
    orders = [
        {"user_id": f"u{chance.randrange(30)}", "item_id": chance.choice(items), "ordered_at": at}
        for at in [f"2026-11-{chance.randrange(10, 24)} 0{chance.randrange(10)}:00:00" for _ in range(400)]
    ]
    folder = tmp_path / "results/runs/20261124T030000Z/warehouse/orders"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("\n".join(map(json.dumps, orders)))
    frame = spark.createDataFrame(
        [("personal", key, [i for i, _ in row], [s for _, s in row]) for key, row in lists.items()], LISTS
    )
    made = job.Job(spark, "results", "20261124T030000Z", [], publishing)
    found = {
        row["key"]: list(zip(row["items"], row["scores"], strict=True))
        for row in job.after_rules(made, solution, frame).lists.collect()
    }
    bought: dict[str, dict[str, str]] = {}
    for order in orders:
        of_user = bought.setdefault(order["user_id"], {})
        of_user[order["item_id"]] = max(of_user.get(order["item_id"], ""), order["ordered_at"])
    chosen = active(publishing, for_each="user")
    expected = {
        key: applied(
            OnValues(),
            row,
            rules=chosen,
            publishing=publishing,
            given=Given(user={"bought": bought.get(key)}, items={}, now=NOW, results=4),
        )
        for key, row in lists.items()
    }
    assert found == {key: row for key, row in expected.items() if row}
    assert found != lists, "the rule leaves something out"


@pytest.mark.spark
def test_a_new_rule_is_a_row_that_may_ask_for_facts_of_items(
    spark: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_jobs import postprocess_recommendations as job
    from glue_jobs import session
    from glue_jobs.columns import LISTS

    monkeypatch.setattr(session, "SCHEME", f"file://{tmp_path}/")
    folder = tmp_path / "results/runs/20261124T030000Z/warehouse/items"
    folder.mkdir(parents=True)
    rows = [{"item_id": "a", "gone_at": "2026-11-01 00:00:00"}, {"item_id": "b"}, {"item_id": "c"}]
    (folder / "a.json").write_text("\n".join(map(json.dumps, rows)))
    new = Rule(
        apply=lambda on, entries, given, moment: on.without(
            entries, on.since(given.items["gone_at"], moment)
        ),
        for_each=frozenset({"item", "user"}),
        items=("gone_at",),
    )
    monkeypatch.setattr(rules, "RULES", {**RULES, "exclude_gone_since": new})
    frame = spark.createDataFrame([("related", "x", ["a", "b"], [2.0, 1.0])], LISTS)
    made = job.Job(spark, "results", "20261124T030000Z", [], {"exclude_gone_since": "2026-10-01 00:00:00"})
    [row] = job.after_rules(made, {"for_each": "item", "results": 25}, frame).lists.collect()
    assert (row["items"], row["scores"]) == (["b"], [1.0])


@pytest.mark.spark
def test_what_a_rule_looks_up_is_worked_out_once_a_list(spark: Any) -> None:
    """And not for each entry, of which each would go through all that the user ever bought."""
    from pyspark.sql import functions as F

    from glue_jobs.transforms import recommendations

    columns = "list string, key string, items array<string>, scores array<double>, bought map<string,string>"
    frame = spark.createDataFrame([("personal", "u", ["a"], [1.0], {"a": "2026-01-01 00:00:00"})], columns)
    given = Given(user={"bought": F.col("bought")}, items={}, now=NOW, results=25)
    publishing = {"exclude_bought_within_days": 4, "min_never_bought": 10}
    for name in publishing:
        on, chosen = recommendations.OnColumns(), {name: RULES[name]}
        found = steps(on, rules=chosen, publishing=publishing, given=given)
        changed = recommendations.left(recommendations.outcome(frame, found, results=0))
        plan = changed._jdf.queryExecution().analyzed().toString()
        # The list is named twice: filtered, and looked at whether anything is left.
        assert plan.count("map_filter") == 1, name
