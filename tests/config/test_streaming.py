"""Event types that are streamed: what can't be is refused with key, value and cure."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from config.settings import Settings
from tests import example

CLICK = {"type": "click", "source": "application_log", "streamed": True}
PURCHASE = {"type": "purchase", "source": "orders"}
STREAM = "arn:aws:dynamodb:ap-northeast-1:111111111111:table/shop-events/stream/2026-11-01T00:00:00.000"
EXISTING = {"create": False, "table_name": "shop-events", "stream_arn": STREAM}


def given(*events: Any, log: Any = None, **changes: Any) -> Settings:
    changes = {
        "datasets": {"interactions": {"events": list(events)}, **changes.pop("datasets", {})},
        **changes,
    }
    return example.settings(**changes, **({"sources": {"application_log": log}} if log else {}))


def test_a_type_of_the_log_may_be_streamed_and_others_are_not() -> None:
    assert given(PURCHASE, CLICK).datasets.interactions.streamed == ("click",)
    assert example.settings().datasets.interactions.streamed == ()


def test_an_existing_table_is_streamed_by_its_stream() -> None:
    settings = given(PURCHASE, CLICK, log=EXISTING)
    assert settings.log.stream_arn == STREAM


@pytest.mark.parametrize(
    ("events", "log", "said"),
    [
        ([PURCHASE | {"streamed": True}], None, "type 'purchase' is streamed, but its source is 'orders'"),
        ([CLICK], EXISTING | {"stream_arn": None}, "which stream table 'shop-events' has: enable one with new and old"),
        ([CLICK], {"create": True, "stream_arn": STREAM}, "create is true and a created table gets its own stream"),
        ([CLICK], EXISTING | {"table_name": "other"}, "a stream of table 'shop-events', but table_name is 'other'"),
        ([PURCHASE], EXISTING, "nothing reads it: add streamed: true to one, or remove stream_arn"),
        ([CLICK], EXISTING | {"stream_arn": STREAM.partition("/stream")[0]}, "stream_arn"),
    ],
)  # fmt: skip
def test_what_no_stream_brings_is_refused_with_the_cure(events: Any, log: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        given(*events, log=log)


def test_a_rule_that_a_stream_cannot_keep_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"only_known is true, and whether a user is known is seen in a run"
    ):
        given(PURCHASE, CLICK, datasets={"users": {"only_known": True}})


def test_without_a_log_nothing_is_streamed() -> None:
    with pytest.raises(ValidationError, match=r"sources.application_log is null"):
        example.settings(
            sources={"application_log": None}, datasets={"interactions": {"events": [PURCHASE, CLICK]}}
        )
