"""Writes events: each into the application's log, once, and into its user's state for rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lambdas.record_events.events import Event
from lambdas.shared import user_state
from lambdas.shared.recommendation_ids import answered_at

EVENT_KEY = "event_key"  # sort key of the log's table
SERVED_AS = "served_as"  # attribute of events that the API's own answers are; others have none
SKEW = 300  # seconds by which a reader's clock may be behind ours
OF_AN_ANSWER = 7 * user_state.DAY  # a page that stood open longer was shown anew
EXPIRES_AFTER = user_state.KEPT_DAYS * user_state.DAY


@dataclass(frozen=True, kw_only=True)
class Log:
    """`attributes`: names of the log's attributes by Personalize's; null: not kept."""

    dynamodb: Any
    table: str
    attributes: Mapping[str, str | None]
    timestamp_format: str

    def put(self, event: Event) -> bool:
        """Whether it is new. The same event again changes nothing."""
        try:
            self.dynamodb.put_item(
                TableName=self.table,
                Item=self.item(event),
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": EVENT_KEY},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def item(self, event: Event) -> dict[str, Any]:
        """DynamoDB's form, under the configuration's names. The key is the event's id: twice is one item."""
        shown = event.type == "impression"
        values = {
            "USER_ID": {"S": event.user},
            "EVENT_TYPE": {"S": event.type},
            "TIMESTAMP": self._time(event),
            "EVENT_ID": {"S": event.event_id},
            "ITEM_ID": None if shown else {"S": event.items[0]},
            "IMPRESSION": {"L": [{"S": item} for item in event.items]} if shown else None,
            "EVENT_VALUE": None if event.value is None else {"N": repr(event.value)},
            "SESSION_ID": _text(event.session),
            "RECOMMENDATION_ID": _text(event.recommendation),
            "PLACEMENT": _text(event.placement),
            "POSITION": None if event.position is None else {"N": str(event.position)},
        }
        named = {self.attributes.get(name): value for name, value in values.items() if value is not None}
        return {
            **{name: value for name, value in named.items() if name is not None},
            **({SERVED_AS: {"S": event.served_as}} if event.served_as else {}),
            EVENT_KEY: {"S": f"id#{event.event_id}"},
        }

    def _time(self, event: Event) -> dict[str, str]:
        milliseconds = round(event.at.timestamp() * 1000)
        forms = {
            "milliseconds": {"N": str(milliseconds)},
            "seconds": {"N": f"{milliseconds / 1000:.3f}"},
            "iso": {"S": event.at.isoformat(timespec="milliseconds")},
        }
        return forms[self.timestamp_format]


def _text(value: str | None) -> dict[str, str] | None:
    return None if value is None else {"S": value}


def by_user(events: Iterable[Event]) -> dict[str, list[str]]:
    """User -> deeds that rules look at."""
    found: dict[str, list[str]] = {}
    for event in events:
        for item in event.items:
            deed = user_state.deed(event.type, item, _second(event))
            if deed:
                found.setdefault(event.user, []).append(deed)
    return found


def _second(event: Event) -> int:
    """When it was; a showing has its answer's time, so that however often an answer is told it is one showing."""
    at = int(event.at.timestamp())
    answered = answered_at(event.recommendation) if event.type == "impression" else None
    return answered if answered is not None and -SKEW <= at - answered <= OF_AN_ANSWER else at


def remember(dynamodb: Any, *, table: str, user: str, deeds: Sequence[str], now: int) -> None:
    """Adds to a user's state, and takes away what is spare. Twice is the same as once."""
    key = {"pk": {"S": user}}
    answer = dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="ADD deeds :deeds SET expires_at = :expiry",
        ExpressionAttributeValues={
            ":deeds": {"SS": sorted(set(deeds))},
            ":expiry": {"N": str(now + EXPIRES_AFTER)},
        },
        ReturnValues="ALL_NEW",
    )
    spare = user_state.spare(answer["Attributes"]["deeds"]["SS"], now=now)
    if spare:
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="DELETE deeds :spare",
            ExpressionAttributeValues={":spare": {"SS": spare}},
        )
