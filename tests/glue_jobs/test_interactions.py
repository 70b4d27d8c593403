from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.spark

NOW = int(datetime(2026, 11, 24, 3, tzinfo=UTC).timestamp())
COLUMNS = {"USER_ID": "who", "ITEM_ID": "what", "TIMESTAMP": "at", "EVENT_VALUE": "paid"}
TYPES = ["purchase", "click"]


def event(
    user: Any = "u",
    item: Any = "i",
    at: Any = NOW * 1000,
    kind: Any = "click",
    value: Any = None,
    shown: Any = None,
    answer: Any = None,
) -> Any:
    time = None if at is None else str(at)
    origin = (None, "the key", "20261124T030000Z", None, None, None, "the file", None)
    return ("e", kind, user, item, time, "s", answer, value, shown, False, *origin)


def judged(spark: Any, *events: Any) -> Any:
    from glue_jobs.columns import EVENTS
    from glue_jobs.transforms import interactions

    frame = spark.createDataFrame(list(events), EVENTS)
    return interactions.judged([interactions.from_events(frame)], types=TYPES, latest=NOW)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({}, None),
        ({"user": None}, "missing_user_id"),
        ({"user": "  "}, "missing_user_id"),
        ({"item": None}, "missing_item_id"),
        ({"item": ""}, "missing_item_id"),
        ({"at": "soon"}, "unparsable_timestamp"),
        ({"at": None}, "unparsable_timestamp"),
        ({"at": NOW}, "timestamp_in_seconds"),
        ({"at": (NOW + 1) * 1000}, "future_timestamp"),
        ({"at": NOW * 1000 + 999}, None),
        ({"kind": "impression", "item": None}, "unknown_event_type"),
        ({"kind": None}, "unknown_event_type"),
        ({"user": "u" * 257}, "user_id_too_long"),
        ({"user": "u" * 256}, None),
        ({"item": "i" * 257}, "item_id_too_long"),
        ({"value": "not a number"}, "unparsable_event_value"),
        ({"value": "1e300"}, "unparsable_event_value"),
        ({"value": "-1e19"}, "unparsable_event_value"),
        ({"value": "NaN"}, "unparsable_event_value"),
        ({"value": "Infinity"}, "unparsable_event_value"),
        ({"value": " "}, None),
        ({"value": "0"}, None),
    ],
)
def test_each_fault_has_its_reason(spark: Any, fault: Any, reason: str | None) -> None:
    assert judged(spark, event(**fault)).first()["reason"] == reason


def test_an_orders_milliseconds_are_a_fault_too(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    orders = spark.createDataFrame(
        [("u", "i", NOW * 1000, 1.0)], "who string, what string, at bigint, paid double"
    )
    candidates = interactions.from_orders(orders, columns=COLUMNS, types=["purchase"])
    row = interactions.judged([candidates], types=TYPES, latest=NOW).first()
    assert row["reason"] == "timestamp_in_milliseconds"


def test_orders_and_events_become_interactions_in_personalizes_column_order(spark: Any) -> None:
    from decimal import Decimal

    from glue_jobs.columns import EVENTS
    from glue_jobs.transforms import interactions

    orders = spark.createDataFrame(
        [("u1", "i1", datetime(2026, 11, 24, 2, tzinfo=UTC), Decimal("3.99"))],
        "who string, what string, at timestamp, paid decimal(10,2)",
    )
    events = spark.createDataFrame([event("u2", "i2", value="0.5")], EVENTS)
    rows = interactions.judged(
        [
            interactions.from_orders(orders, columns=COLUMNS, types=["purchase"]),
            interactions.from_events(events),
        ],
        types=TYPES,
        latest=NOW,
    )
    kept = interactions.kept(rows)
    assert kept.columns == ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
    assert sorted(tuple(row) for row in kept.collect()) == [
        ("u1", "i1", NOW - 3600, "purchase", 3.99),
        ("u2", "i2", NOW, "click", 0.5),
    ]


def test_events_that_say_what_was_bought_are_order_lines(spark: Any) -> None:
    """Each user, item and second once, with its largest value; an order is what a user bought at one moment."""
    from glue_jobs.transforms import interactions

    kept = spark.createDataFrame(
        [
            ("u1", "i1", NOW, "purchase", 2.0),
            ("u1", "i2", NOW, "purchase", 3.0),
            ("u1", "i1", NOW, "rental", 5.0),
            ("u1", "i1", NOW + 1, "rental", None),
            ("u2", "i1", NOW, "click", 9.0),
        ],
        "USER_ID string, ITEM_ID string, TIMESTAMP bigint, EVENT_TYPE string, EVENT_VALUE double",
    )
    rows = interactions.orders_of_events(kept, types=["purchase", "rental"], run_id="r").collect()
    assert sorted(
        (row.user_id, row.item_id, row.ordered_at[-2:], row.sales_value or 0.0) for row in rows
    ) == [
        ("u1", "i1", "00", 5.0),
        ("u1", "i1", "01", 0.0),
        ("u1", "i2", "00", 3.0),
    ]
    assert len({row.order_id for row in rows}) == 2
    empty = interactions.orders_of_events(kept, types=[], run_id="r")
    columns = {
        "USER_ID": "USER_ID",
        "ITEM_ID": "ITEM_ID",
        "TIMESTAMP": "TIMESTAMP",
        "EVENT_VALUE": "EVENT_VALUE",
    }
    others = interactions.warehouse_orders(kept, columns=columns, run_id="r")
    assert empty.count() == 0 and empty.dtypes == others.dtypes


def test_the_same_user_item_second_and_type_is_one_interaction_with_the_largest_value(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    rows = judged(
        spark,
        event(value="1"),
        event(value="3"),
        event(),
        event(at=NOW * 1000 + 5, value="2"),
        event(kind="purchase"),
        event(at=(NOW - 1) * 1000),
        event(item="j"),
        event(user="v"),
    )
    kept = sorted(
        (r["USER_ID"], r["ITEM_ID"], r["TIMESTAMP"], r["EVENT_TYPE"], r["EVENT_VALUE"])
        for r in interactions.kept(rows).collect()
    )
    assert kept == [
        ("u", "i", NOW - 1, "click", None),
        ("u", "i", NOW, "click", 3.0),
        ("u", "i", NOW, "purchase", None),
        ("u", "j", NOW, "click", None),
        ("v", "i", NOW, "click", None),
    ]


# The pipeline's own bounds: what Spark, PostgreSQL and applications write where nobody meant a time. 1582-10-10 is a
# day that no calendar has.
PAST, FUTURE, NONE_AT_ALL = "timestamp_before_1970", "future_timestamp", "unparsable_timestamp"
TIMES = [
    *(("string", at, PAST) for at in ("0001-01-01", "1582-10-10 00:00:00", "1969-12-31 23:59:59")),
    *(("string", at, NONE_AT_ALL) for at in ("infinity", "-infinity", "-1", "12345678901234567890")),
    *(("string", at, FUTURE) for at in ("9999-12-31 23:59:59", "99999999999")),
    *((kind, "0001-01-01 00:00:00", PAST) for kind in ("timestamp", "timestamp_ntz", "date")),
    *((kind, "9999-12-31 00:00:00", FUTURE) for kind in ("timestamp", "timestamp_ntz", "date")),
    *((kind, "1970-01-01 00:00:00", None) for kind in ("string", "timestamp", "timestamp_ntz", "date")),
]


def test_a_time_out_of_bounds_is_quarantined_with_what_stood_there(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    found = []
    for kind in {kind for kind, _, _ in TIMES}:
        rows = [("u", at, at, 1.0) for this, at, _ in TIMES if this == kind]
        frame = spark.createDataFrame(rows, "who string, what string, at string, paid double")
        orders = frame.withColumn("at", frame["at"].cast(kind))
        candidates = interactions.from_orders(orders, columns=COLUMNS, types=["purchase"], file="raw/orders/")
        for row in interactions.judged([candidates], types=TYPES, latest=NOW).collect():
            found.append((kind, row["ITEM_ID"], row["reason"]))
            assert row["reason"] is None or row["wrong_value"][:10] == row["ITEM_ID"][:10]
            assert (row["source"], row["source_file"]) == ("orders", "raw/orders/")
    assert sorted(found, key=str) == sorted(TIMES, key=str)


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        ({"value": "many"}, "many"),
        ({"user": "u" * 999}, "u" * 500),
        ({"at": "soon"}, "soon"),
        ({"item": None}, None),
    ],
)
def test_a_quarantined_row_says_where_it_came_from_and_what_was_wrong(
    spark: Any, fault: Any, wrong: Any
) -> None:
    row = judged(spark, event(**fault)).first()
    assert (row["source"], row["source_key"], row["source_file"]) == (
        "application_log",
        "the key",
        "the file",
    )
    assert row["wrong_value"] == wrong


def test_users_who_are_gone_from_the_application_are_left_out(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    users = spark.createDataFrame([("u",)], "USER_ID string")
    rows = interactions.of_known_users(judged(spark, event(), event(user="gone"), event(user=None)), users)
    assert sorted((r["USER_ID"] or "", r["reason"] or "") for r in rows.collect()) == [
        ("", "missing_user_id"),
        ("gone", "unknown_user"),
        ("u", ""),
    ]


@pytest.mark.parametrize("value", ["", "  ", None])
def test_a_value_that_is_missing_is_null_and_the_interaction_stays(spark: Any, value: Any) -> None:
    from glue_jobs.transforms import interactions

    assert interactions.kept(judged(spark, event(value=value))).first()["EVENT_VALUE"] is None


def test_rejected_rows_are_not_kept(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    assert interactions.kept(judged(spark, event(user=None), event(kind="view"))).count() == 0


def test_all_rows_are_shuffled_once(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    rows = judged(spark, event())
    plan = interactions.kept(rows)._jdf.queryExecution().executedPlan().toString()
    assert plan.count("Exchange hashpartitioning") == 1
    assert "Exchange" not in rows._jdf.queryExecution().executedPlan().toString()
    assert "PythonUDF" not in plan


def test_the_warehouse_rows_have_utc_times(spark: Any) -> None:
    from glue_jobs.columns import WAREHOUSE_ORDERS
    from glue_jobs.transforms import interactions

    frame = interactions.warehouse_interactions(
        interactions.kept(judged(spark, event(value="1"))), run_id="R"
    )
    assert frame.columns == ["run_id", "user_id", "item_id", "occurred_at", "event_type", "event_value"]
    assert tuple(frame.first()) == ("R", "u", "i", "2026-11-24 03:00:00", "click", 1.0)
    orders = spark.createDataFrame(
        [("u", "i", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 2.5), (None, "i", None, 1.0)],
        "who string, what string, at timestamp, paid double",
    )
    lines = interactions.warehouse_orders(orders, columns=COLUMNS, run_id="R")
    assert lines.columns == WAREHOUSE_ORDERS.names
    # Without a column for it, an order is what a user bought at one moment.
    made = hashlib.sha256(b"u 2026-01-02 03:04:05").hexdigest()
    assert [tuple(row) for row in lines.collect()] == [("R", made, "u", "i", "2026-01-02 03:04:05", 2.5)]
    named = orders.selectExpr("*", "7 as number")
    with_ids = interactions.warehouse_orders(named, columns=COLUMNS | {"ORDER_ID": "number"}, run_id="R")
    assert [row["order_id"] for row in with_ids.collect()] == ["7"]


def test_an_order_whose_user_or_item_is_too_long_does_not_reach_the_warehouse(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    columns = "order_id string, who string, what string, at timestamp, paid double"
    when = datetime(2026, 11, 24)
    rows = [
        ("棚" * 300, "u", "i", when, 1.0),
        ("b", "u" * 257, "i", when, 1.0),
        ("c", "u", "i" * 257, when, 1.0),
    ]
    lines = interactions.warehouse_orders(
        spark.createDataFrame(rows, columns), columns=COLUMNS | {"ORDER_ID": "order_id"}, run_id="R"
    ).collect()
    assert [line["order_id"] for line in lines] == ["棚" * 256]


def test_orders_without_a_value_are_interactions_without_one(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    columns = {name: column for name, column in COLUMNS.items() if name != "EVENT_VALUE"}
    orders = spark.createDataFrame(
        [("u", "i", datetime(2026, 1, 2))], "who string, what string, at timestamp"
    )
    (row,) = interactions.from_orders(orders, columns=columns, types=["purchase"]).collect()
    assert (row["USER_ID"], row["EVENT_TYPE"], row["EVENT_VALUE"]) == ("u", "purchase", None)
    (line,) = interactions.warehouse_orders(orders, columns=columns, run_id="R").collect()
    assert line["sales_value"] is None


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        (["a", "b"], "a|b"),
        (None, None),
        ([], None),
        (["a|b", "c"], "c"),
        ([f"i{n}" for n in range(30)], "|".join(f"i{n}" for n in range(25))),
        (["x" * 256] * 4, None),
    ],
)
def test_impressions_are_sent_as_personalize_reads_them(spark: Any, shown: Any, sent: Any) -> None:
    """At most 25 items, as PutEvents takes, and 1,000 characters; an id with the separator would be two."""
    from glue_jobs.transforms import interactions

    rows = judged(spark, event(shown=shown))
    [row] = interactions.kept(rows, shown=["IMPRESSION"]).collect()
    assert row["IMPRESSION"] == sent
    assert interactions.kept(rows).columns == ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]


def test_only_personalizes_own_recommendation_ids_are_sent_as_such(spark: Any) -> None:
    from glue_jobs.transforms import interactions

    rows = judged(spark, event(answer="RID-1"), event(user="v", answer="20261124T030000Z-personal-v"))
    kept = interactions.kept(rows, shown=["RECOMMENDATION_ID"]).collect()
    assert {row["USER_ID"]: row["RECOMMENDATION_ID"] for row in kept} == {"u": "RID-1", "v": None}
