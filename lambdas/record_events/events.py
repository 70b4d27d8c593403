"""Events as the application sends them: each is understood, or rejected with a code, by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lambdas.shared.user_state import KEPT_DAYS, LETTERS

MOST = 100
MAX_ID_LENGTH = 256
MAX_SHOWN = 100
ANONYMOUS = "anonymous:"  # before the id of who hasn't signed in, so that it is nobody's user id by chance
SERVED = "served#"  # before the id of an event that the API's own answer is
AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=KEPT_DAYS)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
LAST_POSITION = 10_000
KNOWN = frozenset(
    "eventId type occurredAt userId anonymousId itemId itemIds sessionId recommendationId placement position "
    "value".split()
)
NEEDS_ITEM = frozenset(LETTERS) - {"impression"}


class Rejected(ValueError):
    """Why an event is not taken. `code` is for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Event:
    """`items`: the one it is about, or those that were shown. `at` is UTC.

    `position`: the place of the item in its list, from 1; of several items the first one's. `served_as`: of an event
    that the API's own answer is, how it came about (get_recommendations' impressions.py).
    """

    event_id: str
    type: str
    user: str
    items: tuple[str, ...]
    at: datetime
    session: str | None
    recommendation: str | None
    placement: str | None
    value: float | None
    position: int | None = None
    served_as: str | None = None


def event(given: Any, *, now: datetime) -> Event:
    """Raises Rejected."""
    if not isinstance(given, dict):
        raise Rejected("not-an-object", "an event is a JSON object")
    if unknown := sorted(set(given) - KNOWN):
        raise Rejected(
            "unknown-field", f"{unknown[0][:80]!r} is no field of an event: it has {sorted(KNOWN)}"
        )
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in LETTERS:
        raise Rejected("unknown-type", f"type is {kind!r:.80}: give one of {', '.join(LETTERS)}")
    return Event(
        event_id=_event_id(given),
        type=kind,
        user=_user(given),
        items=_items(given, kind),
        at=_moment(given.get("occurredAt"), now=now),
        session=_optional(given, "sessionId"),
        recommendation=_optional(given, "recommendationId"),
        placement=_optional(given, "placement"),
        value=_number(given.get("value")),
        position=_position(given.get("position")),
    )


def of_reader(taken: Event, reader: str | None) -> Event:
    """The event itself, if it may be this reader's. Raises Rejected: a token says who its user is, signed in."""
    if reader is not None and taken.user != reader:
        raise Rejected("another-user", "userId must be that of the token, and anonymousId is left out")
    return taken


def _event_id(given: Mapping[str, Any]) -> str:
    name = _text(given, "eventId")
    if name.startswith(SERVED):
        raise Rejected(
            "reserved-id", f"eventId is {name!r:.80}: {SERVED} begins the ids of the API's own events"
        )
    return name


def _user(given: Mapping[str, Any]) -> str:
    named = [name for name in ("userId", "anonymousId") if given.get(name) is not None]
    if len(named) != 1:
        raise Rejected("no-user", f"userId and anonymousId: {len(named)} are given: give one of them")
    if named == ["userId"]:
        return _text(given, "userId")
    return ANONYMOUS + _text(given, "anonymousId", longest=MAX_ID_LENGTH - len(ANONYMOUS))


def _items(given: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    several = given.get("itemIds")
    if kind in NEEDS_ITEM or several is None:
        if several is not None:
            raise Rejected("items-of-one", f"itemIds is of an impression: a {kind} names itemId")
        return (_text(given, "itemId"),)
    if given.get("itemId") is not None:
        raise Rejected("items-twice", "itemId and itemIds are given: give one of them")
    if not isinstance(several, list) or not 1 <= len(several) <= MAX_SHOWN:
        raise Rejected("wrong-items", f"itemIds must be a list of 1 to {MAX_SHOWN} ids")
    return tuple(dict.fromkeys(_checked("itemIds", item) for item in several))


def _optional(given: Mapping[str, Any], name: str) -> str | None:
    return _text(given, name) if given.get(name) is not None else None


def _text(given: Mapping[str, Any], name: str, *, longest: int = MAX_ID_LENGTH) -> str:
    if given.get(name) is None:
        raise Rejected("missing-field", f"{name} is missing")
    return _checked(name, given[name], longest=longest)


def _checked(name: str, value: Any, *, longest: int = MAX_ID_LENGTH) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise Rejected("wrong-id", f"{name} must be a text of 1 to {longest} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Rejected("wrong-id", f"{name} has half of a surrogate pair: give whole characters") from None
    if _CONTROL.search(value):
        raise Rejected("wrong-id", f"{name} has a control character: no id has one")
    return value


def _moment(value: Any, *, now: datetime) -> datetime:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Rejected(
            "wrong-time", "occurredAt must be RFC 3339 with an offset, as 2026-11-24T03:00:00.5+09:00"
        )
    whole, fraction, offset = _parts(value)
    try:
        at = datetime.fromisoformat(f"{whole}.{fraction}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise Rejected("wrong-time", f"occurredAt is {value[:40]!r}, which no calendar has") from None
    if at > now + AHEAD:
        raise Rejected("in-the-future", f"occurredAt is {value[:40]!r}, more than 5 minutes ahead of us")
    if at < now - OLDEST:
        raise Rejected("too-old", f"occurredAt is {value[:40]!r}, more than {OLDEST.days} days ago")
    return at


def _parts(value: str) -> tuple[str, str, str]:
    """(to the second, six digits of its fraction, offset); Python 3.10 and older read no other fraction."""
    rest = value[19:].upper().replace("Z", "+00:00")
    fraction, sign, offset = rest[:-6], rest[-6], rest[-5:]
    return value[:19].upper(), fraction.lstrip(".").ljust(6, "0")[:6], sign + offset


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e18:
        raise Rejected("wrong-value", "value must be a number of at most 1e18 in size")
    return float(value)


def _position(value: Any) -> int | None:
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 1 <= value <= LAST_POSITION or value != int(value):  # 2.0 is a whole number of JSON
        raise Rejected("wrong-position", f"position must be a whole number from 1 to {LAST_POSITION}")
    return int(value)


def batch(content: Any) -> Sequence[Any]:
    """The events of a request's body. Raises ValueError that says what is right."""
    if not isinstance(content, dict) or set(content) != {"events"}:
        raise ValueError('the body must be {"events": [...]} and nothing else')
    rows = content["events"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST:
        raise ValueError(f"events must be a list of 1 to {MOST} events")
    return rows
