from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.spark

MOMENT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SECONDS = int(MOMENT.timestamp())


def order(spark: Any, value: Any, kind: str) -> tuple[int | None, str | None]:
    from glue_jobs.transforms.times import order_seconds, order_time_reason

    frame = spark.createDataFrame([(value,)], f"t {kind}")
    row = frame.select(order_seconds(frame, "t"), order_time_reason(frame, "t")).first()
    return row[0], row[1]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (MOMENT, "timestamp", (SECONDS, None)),
        (date(2026, 11, 24), "date", (SECONDS - 3 * 3600, None)),
        (SECONDS, "bigint", (SECONDS, None)),
        (str(SECONDS), "string", (SECONDS, None)),
        ("2026-11-24T03:00:00Z", "string", (SECONDS, None)),
        ("2026-11-24T12:00:00+09:00", "string", (SECONDS, None)),
        (SECONDS * 1000, "bigint", (None, "timestamp_in_milliseconds")),
        ("yesterday", "string", (None, "unparsable_timestamp")),
        (None, "timestamp", (None, "unparsable_timestamp")),
        (None, "string", (None, "unparsable_timestamp")),
        ("1" * 30, "string", (None, "unparsable_timestamp")),
    ],
)
def test_an_orders_time_is_seconds_or_a_reason(spark: Any, value: Any, kind: str, expected: Any) -> None:
    assert order(spark, value, kind) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (str(SECONDS * 1000), (SECONDS, None)),
        (str(SECONDS * 1000 + 999), (SECONDS, None)),
        (str(SECONDS), (None, "timestamp_in_seconds")),
        ("1.5E12", (None, "unparsable_timestamp")),
        ("-1", (None, "unparsable_timestamp")),
        (None, (None, "unparsable_timestamp")),
    ],
)
def test_an_events_time_is_milliseconds_or_a_reason(spark: Any, value: Any, expected: Any) -> None:
    from glue_jobs.transforms.times import event_seconds, event_time_reason

    frame = spark.createDataFrame([(value,)], "t string")
    row = frame.select(event_seconds("t"), event_time_reason("t")).first()
    assert (row[0], row[1]) == expected
