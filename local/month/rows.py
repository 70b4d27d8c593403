"""Events of the month as the rows that the preparation would write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from config.settings import Settings
from lambdas.record_events.events import Event
from local.month import people
from local.month.people import People

AGES = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")
Row = dict[str, Any]


def log(events: Iterable[Event]) -> Iterator[Row]:
    """The application's log: what it holds is marked as simulated."""
    for one in events:
        shown = one.type == "impression"
        yield {
            "event_id": one.event_id,
            "event_type": one.type,
            "user_id": one.user,
            "item_id": None if shown else one.items[0],
            "occurred_at": _time(one),
            "session_id": one.session,
            "recommendation_id": one.recommendation,
            "value": one.value,
            "impression": json.dumps(one.items) if shown else None,
            "simulated": True,
            "served_as": one.served_as,
            "event_key": f"id#{one.event_id}",
        }


def interactions(events: Iterable[Event]) -> Iterator[Row]:
    for one in events:
        if one.type != "impression":
            yield {
                "user_id": one.user,
                "item_id": one.items[0],
                "occurred_at": _time(one),
                "event_type": one.type,
                "event_value": one.value,
            }


def orders(events: Iterable[Event]) -> Iterator[Row]:
    for one in events:
        if one.type == "purchase":
            yield {
                "order_id": one.event_id,
                "user_id": one.user,
                "item_id": one.items[0],
                "ordered_at": _time(one),
                "sales_value": one.value,
            }


def users(settings: Settings, crowd: People) -> list[Row]:
    """A segment for each user where the experiments name one."""
    segments = [name.lower() for name in settings.experiments.segments]
    return [
        {"user_id": name, **{segment: AGES[who % len(AGES)] for segment in segments}}
        for who, name in enumerate(crowd.names)
    ]


def items(settings: Settings) -> list[Row]:
    fields = [field.name.lower() for field in settings.datasets.fields("items") if field.categorical][:1]
    return [
        {"item_id": (name := people.item(n)), **{one: f"CATEGORY {people.category(name)}" for one in fields}}
        for n in range(people.ITEMS)
    ]


def _time(event: Event) -> str:
    return event.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
