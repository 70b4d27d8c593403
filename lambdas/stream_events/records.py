"""Records of the log's stream: which are sent to Personalize and by which operation, and why others are not.

What is sent is what the preparation would import of the same item (glue_jobs/transforms/interactions.py), so that it
does not matter for training by which way an event came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lambdas.stream_events import entities, values
from lambdas.stream_events.values import Image, Wrong

CLOCK_SKEW = 3600  # seconds, as glue_jobs/build_datasets.py has it: what is later is in the future
MAX_ID_LENGTH = 256
MAX_PROPERTIES = 1024  # of PutEvents' properties, in characters
MAX_RECOMMENDATION_ID = 40  # of its recommendationId
MAX_IMPRESSION_ITEMS, MAX_IMPRESSION_LENGTH = 25, 1000


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`opened`: epoch seconds from which on a type is streamed, by type; `configured`: types that are to be.

    `meanings`: what a type of events about actions is to Personalize; `entities`: what an item of the log of a type
    is, {operation, key, fields}, and it replaces the user or item of the same id.
    """

    configured: frozenset[str]
    opened: Mapping[str, int]
    attributes: Mapping[str, str | None]
    timestamp_format: str
    interactions: Mapping[str, Any]
    latest: int  # the last epoch second that is not in the future
    meanings: Mapping[str, str] = field(default_factory=dict)
    entities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A member of a request's list, and by which operation it is sent. `session`: what may share a call of PutEvents.

    `event_id` is the log's key, hashed; `identity` tells members of the operation apart: of two the later one is sent.
    """

    sequence: str
    written_at: float
    operation: str = "put_events"
    event_id: str
    kind: str
    identity: str
    session: tuple[str, ...] = ()
    member: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A record that is wrong: `event_id` is the log's key, hashed as the warehouse's `event_key` is."""

    sequence: str
    event_id: str
    event_type: str
    reason: str


# Not sent, and rightly so: of another type or a removal; before its type's opening; sent already, and changed since.
Passed = Literal["ignored", "imported", "corrected"]


def understood(record: Mapping[str, Any], rules: Rules) -> Sent | Refused | Passed:
    change = record["dynamodb"]
    if record["eventName"] == "REMOVE":
        return "ignored"
    image = change.get("NewImage")
    if image is None:
        return _refused(change, "unknown", "stream_without_new_image")
    kind = values.text(image, rules.attributes["EVENT_TYPE"])
    try:
        if kind is not None and kind in rules.entities:
            return _entity(change, kind, rules)
        return _happened(change, kind, rules) if kind in rules.configured else "ignored"
    except Wrong as why:
        return _refused(change, str(kind), str(why))


def _happened(change: Mapping[str, Any], kind: str, rules: Rules) -> Sent | Passed:
    """An event, once and by one way. Raises Wrong."""
    image = change["NewImage"]
    at = _second(image, rules)
    if at < rules.opened.get(kind, at + 1):
        return "imported"
    if _was_sent(change.get("OldImage"), rules):
        return "corrected"
    known = event_id(change["Keys"])
    if kind in rules.meanings:
        about = {"eventId": known, **_about_action(image, rules.meanings[kind], at, rules)}
        return _sent(change, kind, operation="put_action_interactions", identity=known, member=about)
    user, session, event = _event(image, kind, at, rules)
    return _sent(change, kind, identity=known, session=(user, session), member={"eventId": known, **event})


def _entity(change: Mapping[str, Any], kind: str, rules: Rules) -> Sent:
    """A user or an item, which replaces what Personalize has of it. Raises Wrong."""
    configured = rules.entities[kind]
    operation = configured["operation"]
    found = entities.member(change["NewImage"], configured, operation=operation, form=rules.timestamp_format)
    return _sent(change, kind, operation=operation, identity=found[entities.MEMBER[operation]], member=found)


def _sent(change: Mapping[str, Any], kind: str, **more: Any) -> Sent:
    return Sent(
        sequence=change["SequenceNumber"],
        written_at=float(change.get("ApproximateCreationDateTime", 0)),
        event_id=event_id(change["Keys"]),
        kind=kind,
        **more,
    )


def event_id(keys: Image) -> str:
    """The same however often the record is delivered, and the warehouse's `event_key` of the same item."""
    text = values.json_text({name: keys[name] for name in sorted(keys)})
    return hashlib.sha256(text.encode()).hexdigest()


def _refused(change: Mapping[str, Any], kind: str, reason: str) -> Refused:
    return Refused(
        sequence=change["SequenceNumber"],
        event_id=event_id(change["Keys"]),
        event_type=kind,
        reason=reason,
    )


def _was_sent(image: Image | None, rules: Rules) -> bool:
    """Personalize takes an event back for nobody, so one that it has is not sent as another."""
    kind = values.text(image, rules.attributes["EVENT_TYPE"]) if image else None
    if image is None or kind not in rules.configured:
        return False
    try:
        at = _second(image, rules)
        if kind in rules.meanings:
            _about_action(image, rules.meanings[kind], at, rules)
        else:
            _event(image, kind, at, rules)
    except Wrong:
        return False
    return at >= rules.opened.get(kind, at + 1)


def _second(image: Image, rules: Rules) -> int:
    at = values.second(values.raw(image, rules.attributes["TIMESTAMP"]), rules.timestamp_format)
    if at < 0:
        raise Wrong("timestamp_before_1970")
    if at > rules.latest:
        raise Wrong("future_timestamp")
    return at


def _event(image: Image, kind: str, at: int, rules: Rules) -> tuple[str, str, dict[str, Any]]:
    """(user, session, event). The same tests in the same order as the preparation's."""
    user, item = (_id(image, rules, name) for name in ("USER_ID", "ITEM_ID"))
    value = values.number(
        values.raw(image, rules.attributes.get("EVENT_VALUE")), reason="unparsable_event_value"
    )
    event = {
        "eventType": kind,
        "itemId": item,
        "sentAt": at,
        "eventValue": value,
        "properties": _properties(image, rules),
        "impression": _impression(image, rules),
        "recommendationId": _recommendation(image, rules),
    }
    session = _session(image, user, rules)
    return user, session, {name: part for name, part in event.items() if part is not None}


def _about_action(image: Image, means: str, at: int, rules: Rules) -> dict[str, Any]:
    """The event, judged as glue_jobs/transforms/action_interactions.py does: a value is looked at, and not sent."""
    user, action = (_id(image, rules, name) for name in ("USER_ID", "ACTION_ID"))
    values.number(values.raw(image, rules.attributes.get("EVENT_VALUE")), reason="unparsable_event_value")
    return {
        "actionId": action,
        "userId": user,
        "sessionId": _session(image, user, rules),
        "timestamp": at,
        "eventType": means,
    }


def _session(image: Image, user: str, rules: Rules) -> str:
    """Personalize requires one."""
    return (values.text(image, rules.attributes.get("SESSION_ID")) or user)[:MAX_ID_LENGTH]


def _id(image: Image, rules: Rules, name: str) -> str:
    found = values.text(image, rules.attributes[name])
    if found is None:
        raise Wrong(f"missing_{name.lower()}")
    if len(found) > MAX_ID_LENGTH:
        raise Wrong(f"{name.lower()}_too_long")
    return found


def _properties(image: Image, rules: Rules) -> str | None:
    """Contextual fields in camel case, as the tracker names them."""
    given = {
        values.camel(one["name"]): values.field(image, one) for one in rules.interactions.get("fields", ())
    }
    found = {name: value for name, value in given.items() if value is not None}
    text = values.json_text(found)
    if len(text) > MAX_PROPERTIES:
        raise Wrong("properties_too_long")
    return text if found else None


def _impression(image: Image, rules: Rules) -> list[str] | None:
    """What was shown; nothing where Personalize would refuse it."""
    if not rules.interactions.get("impressions"):
        return None
    shown = values.items(image, rules.attributes.get("IMPRESSION"))
    shown = [item for item in shown if "|" not in item][:MAX_IMPRESSION_ITEMS]
    fits = values.one_line("|".join(shown)) and len("|".join(shown)) <= MAX_IMPRESSION_LENGTH
    return shown if fits and all(0 < len(item) <= MAX_ID_LENGTH for item in shown) else None


def _recommendation(image: Image, rules: Rules) -> str | None:
    """Personalize knows what it answered under its own ids; those of batch lists are ours."""
    if not rules.interactions.get("recommendation_ids"):
        return None
    found = values.text(image, rules.attributes.get("RECOMMENDATION_ID")) or ""
    return found if found.startswith("RID-") and len(found) <= MAX_RECOMMENDATION_ID else None
