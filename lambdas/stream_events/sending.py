"""PutEvents: ten events of a session in a call, and each alone where a call is refused because of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lambdas.stream_events.records import Event

MOST = 10  # events of a call
AT_ONCE = 8  # calls
_REFUSED = "InvalidInputException"


@dataclass(frozen=True)
class Outcome:
    """`refused` with Personalize's words; `failed` may succeed when they are sent again."""

    sent: tuple[Event, ...] = ()
    refused: tuple[tuple[Event, str], ...] = ()
    failed: tuple[tuple[Event, str], ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.sent + other.sent, self.refused + other.refused, self.failed + other.failed)


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="stream-events")


def send(personalize: Any, *, tracking_id: str, events: Sequence[Event]) -> Outcome:
    """Each event once, in their order within a session. Raises nothing that a client of AWS raises."""
    put = partial(_put, personalize, tracking_id)
    return sum(pool().map(put, list(calls(events))), Outcome())


def calls(events: Sequence[Event]) -> Iterator[tuple[Event, ...]]:
    """Events of one call each; the same event twice (a record that was delivered again) is one."""
    sessions: dict[tuple[str, str], dict[Any, Event]] = {}
    for event in events:
        sessions.setdefault((event.user, event.session), {})[event.event["eventId"]] = event
    for unique in sessions.values():
        listed = list(unique.values())
        yield from (tuple(listed[start : start + MOST]) for start in range(0, len(listed), MOST))


def _put(personalize: Any, tracking_id: str, events: tuple[Event, ...]) -> Outcome:
    first = events[0]
    try:
        personalize.put_events(
            trackingId=tracking_id,
            userId=first.user,
            sessionId=first.session,
            eventList=[_dated(event) for event in events],
        )
    except (ClientError, BotoCoreError) as error:
        if not _is_refusal(error):
            return Outcome(failed=tuple((event, str(error)) for event in events))
        if len(events) == 1:
            return Outcome(refused=((first, str(error)),))
        return sum((_put(personalize, tracking_id, (event,)) for event in events), Outcome())
    return Outcome(sent=events)


def _is_refusal(error: Exception) -> bool:
    """Whether the events themselves are wrong: no second attempt helps."""
    if isinstance(error, ClientError):
        return bool(error.response["Error"]["Code"] == _REFUSED)
    return isinstance(error, ParamValidationError)


def _dated(event: Event) -> dict[str, Any]:
    return {**event.event, "sentAt": datetime.fromtimestamp(event.event["sentAt"], tz=UTC)}
