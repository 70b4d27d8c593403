"""Event types that are streamed: what can't be is refused with key, value and cure."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from config import streaming
from config.settings import Settings
from tests import example

FOLDER = example.CONFIG.parent / "docs" / "examples"
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


OFFERS = {"events": [{"type": "offer_taken", "means": "Taken", "streamed": True}]}
ACTIONS = {
    "actions": {
        "fields": [{"name": "ACTION_ID", "column": "id"}, {"name": "VALUE", "column": "v", "type": "long"}]
    }
}
ACTING = {"action_interactions": OFFERS, **ACTIONS}
TABLES = {
    "application_log": {"attributes": {"ACTION_ID": "action"}},
    "aurora": {"tables": {"actions": "public.actions"}},
}


def datasets(log: Any = None, **changes: Any) -> Settings:
    events = changes.pop("events", [PURCHASE, {"type": "click", "source": "application_log"}])
    sources = (
        example.files.merged(TABLES, {"application_log": log or {}})
        if "actions" in changes
        else {"application_log": log or {}}
    )
    return example.settings(sources=sources, datasets={"interactions": {"events": events}, **changes})


def fields(dataset: str, **changes: str) -> list[Any]:
    """The shipped fields with an attribute for some, by name."""
    shipped = example.content()["datasets"][dataset]["fields"]
    return [one | ({"attribute": changes[one["name"]]} if one["name"] in changes else {}) for one in shipped]


def test_events_about_actions_users_and_items_may_be_streamed() -> None:
    found = datasets(
        **ACTING, items={"streamed_by": "item_changed"}, users={"streamed_by": "user_changed"}
    ).datasets
    assert (found.streamed_events, found.streams) == (("offer_taken",), True)
    assert found.streamed_entries == {"users": "user_changed", "items": "item_changed"}
    assert example.settings().datasets.streams is False


def test_users_who_are_known_in_runs_alone_may_be_put() -> None:
    """Only interactions of others are left out, and none of them is streamed here."""
    assert datasets(users={"streamed_by": "user_changed", "only_known": True}).datasets.streams


def items(kind: str = "i", **attributes: str) -> Any:
    return {
        "items": {"streamed_by": kind, **({"fields": fields("items", **attributes)} if attributes else {})}
    }


NO_STREAM = EXISTING | {"stream_arn": None}
BOTH = {"type": "offer_taken", "source": "application_log"}
KEY_OF_ACTIONS = [{"name": "ACTION_ID", "column": "id", "attribute": "id"}, ACTIONS["actions"]["fields"][1]]
UNREAD = "are not streamed, so nothing reads it:"


@pytest.mark.parametrize(
    ("log", "changes", "said"),
    [
        (
            NO_STREAM,
            items(),
            "datasets.items: type 'i' is streamed, but nobody says which stream table 'shop-events' has",
        ),
        (
            NO_STREAM,
            ACTING,
            "datasets.action_interactions.events: type 'offer_taken' is streamed, but nobody says",
        ),
        (
            None,
            items("click"),
            "datasets.items.streamed_by: type 'click' is streamed, and datasets.interactions.events has",
        ),
        (
            None,
            {**items("x"), "users": {"streamed_by": "x"}},
            "type 'x' is streamed, and datasets.users.streamed_by has it",
        ),
        (
            None,
            {**ACTING, "events": [PURCHASE, BOTH]},
            "'offer_taken' is streamed, and datasets.interactions.events has it",
        ),
        (None, items("progress"), "datasets.items.streamed_by is 'progress', which POST /v1/events takes"),
        (
            None,
            {"items": {"fields": fields("items", BRAND="maker")}},
            f"BRAND has an attribute, but items {UNREAD} set",
        ),
        (
            None,
            {**ACTING, "actions": {"fields": KEY_OF_ACTIONS}},
            f"an attribute, but actions {UNREAD} remove it",
        ),
        (
            None,
            items(ITEM_ID="sku"),
            "ITEM_ID has an attribute, but sources.application_log.attributes says it: remove it",
        ),
        (
            None,
            items(BRAND="event_type"),
            "datasets.items.fields: BRAND is read from the log's attribute 'event_type', which",
        ),
        (
            None,
            items(BRAND="event_key"),
            "'event_key', which is the key: name another in the field's attribute",
        ),
        (None, items(BRAND="user_id"), "'user_id', which is the user"),
        (None, items(BRAND="category"), "'category', which is CATEGORY_L2"),
        (
            None,
            {"users": {"streamed_by": "u", "fields": fields("users", AGE="user_id")}},
            "'user_id', which is USER_ID",
        ),
        ({"ttl_attribute": "expires"}, items(BRAND="expires"), "which is when it expires"),
        (None, items(""), "streamed_by"),
    ],
)
def test_what_cannot_be_streamed_beside_events_is_refused_with_the_cure(
    log: Any, changes: Any, said: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        datasets(log, **changes)


def test_without_a_log_no_item_is_streamed() -> None:
    with pytest.raises(
        ValidationError, match=r"datasets.items: type 'i' is streamed, but sources.application_log is"
    ):
        without = yaml.safe_load((FOLDER / "database-only.yaml").read_text())
        example.settings(**example.files.merged(without, {"datasets": {"items": {"streamed_by": "i"}}}))


def test_what_the_api_takes_is_known_to_the_configuration() -> None:
    from lambdas.shared.user_state import LETTERS

    assert frozenset(LETTERS) == streaming.API_TYPES
