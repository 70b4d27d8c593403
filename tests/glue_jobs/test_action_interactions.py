from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.spark

MEANINGS = {"offer_taken": "Taken", "offer_left": "Not Taken"}
AT = "1700000000000"


def judged(spark: Any, *events: dict[str, Any]) -> Any:
    from glue_jobs.columns import EVENTS
    from glue_jobs.transforms import action_interactions

    rows = [{"user_id": "u", "action_id": "join", "timestamp": AT, **event} for event in events]
    return action_interactions.judged(
        spark.createDataFrame(rows, EVENTS), meanings=MEANINGS, latest=1_800_000_000
    )


def test_events_about_actions_have_personalizes_types_and_each_counts_once(spark: Any) -> None:
    from glue_jobs.transforms import action_interactions

    taken, left = {"event_type": "offer_taken"}, {"event_type": "offer_left"}
    rows = judged(spark, taken, taken, left, {"event_type": "click", "item_id": "a"})
    kept = [tuple(row) for row in action_interactions.kept(rows).collect()]
    seconds = int(AT) // 1000
    assert sorted(kept) == [("u", "join", "Not Taken", seconds), ("u", "join", "Taken", seconds)]


def test_what_is_wrong_is_named_by_the_action(spark: Any) -> None:
    rows = judged(
        spark,
        {"event_type": "offer_taken", "action_id": None},
        {"event_type": "offer_taken", "action_id": "x" * 257},
        {"event_type": "offer_taken", "user_id": " "},
        {"event_type": "offer_taken", "timestamp": "soon"},
        {"event_type": "click"},
    ).collect()
    assert [row["reason"] for row in rows] == [
        "missing_action_id",
        "action_id_too_long",
        "missing_user_id",
        "unparsable_timestamp",
        "unknown_event_type",
    ]


def test_what_the_stream_brings_is_in_no_import_by_the_logs_type(spark: Any) -> None:
    """Its own, and not what it means to Personalize, which several may share."""
    from glue_jobs.transforms import action_interactions

    seconds = int(AT) // 1000
    events = [
        {"event_type": kind, "timestamp": f"{second}000"}
        for kind in MEANINGS
        for second in (seconds - 1, seconds)
    ]
    rows = judged(spark, *events)
    found = action_interactions.imported(rows, streamed={"offer_taken": seconds, "click": 0})
    assert sorted((row["EVENT_TYPE"], row["TIMESTAMP"]) for row in found.collect()) == [
        ("Not Taken", seconds - 1),
        ("Not Taken", seconds),
        ("Taken", seconds - 1),
    ]
    assert len(found.columns) == 4
