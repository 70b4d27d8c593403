from typing import Literal

EventsEventsItemType = Literal[
    "click", "dismiss", "favourite", "impression", "progress", "purchase", "start", "undo"
]

EVENTS_EVENTS_ITEM_TYPE_VALUES: set[EventsEventsItemType] = {
    "click",
    "dismiss",
    "favourite",
    "impression",
    "progress",
    "purchase",
    "start",
    "undo",
}


def check_events_events_item_type(value: str) -> EventsEventsItemType:
    if value in EVENTS_EVENTS_ITEM_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EVENTS_EVENTS_ITEM_TYPE_VALUES!r}")
