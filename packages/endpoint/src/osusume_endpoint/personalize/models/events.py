"""personalize-events: records put one by one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.personalize.errors import invalid, not_found
from osusume_endpoint.personalize.models import datasets
from osusume_endpoint.personalize.models.common import Operation, Parameters
from osusume_endpoint.personalize.models.schemas import schema_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.personalize.streams import EVENT_ID, SESSION, SHOWN
from osusume_endpoint.service import RequestContext
from osusume_engine.schemas import NUMERIC, Field, Schema
from osusume_engine.values import LARGEST_FLOAT, MAX_EPOCH_SECONDS, NUMBER, cut_text, most_characters

MAX_EVENT_BYTES = 10 * 1024
_RANGES = {"int": 2**31, "long": 2**63}


def put_events(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    tracker = _tracker(service, parameters["trackingId"])
    dataset = _dataset(service, tracker.fields["datasetGroupArn"], "INTERACTIONS")
    schema = schema_of(service, dataset)
    rows = [_event(service, schema, parameters, event) for event in parameters["eventList"]]
    service.streams.append(dataset.arn, _whole(rows))
    return {}


def put_action_interactions(
    service: Personalize, context: RequestContext, parameters: Parameters
) -> dict[str, Any]:
    dataset = _tracked_dataset(service, parameters["trackingId"])
    schema = schema_of(service, dataset)
    rows = []
    for given in parameters["actionInteractions"]:
        row = _properties(schema, given.get("properties"))
        row |= {
            "USER_ID": given.get("userId") or given["sessionId"],
            "ACTION_ID": given["actionId"],
            "EVENT_TYPE": given["eventType"],
            "TIMESTAMP": _seconds("timestamp", given["timestamp"]),
        }
        # API reference, ActionInteraction: of two events of one id the first is learned from.
        known = {EVENT_ID: given["eventId"]} if "eventId" in given else {}
        rows.append(_complete(schema, row | _shown(given)) | known)
    service.streams.append(dataset.arn, _whole(rows))
    return {}


def put_items(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    return _put_metadata(service, parameters, "ITEMS", parameters["items"], "itemId", "ITEM_ID")


def put_users(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    return _put_metadata(service, parameters, "USERS", parameters["users"], "userId", "USER_ID")


def put_actions(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    return _put_metadata(service, parameters, "ACTIONS", parameters["actions"], "actionId", "ACTION_ID")


def _put_metadata(
    service: Personalize,
    parameters: Parameters,
    kind: str,
    entries: list[Mapping[str, Any]],
    given_key: str,
    column: str,
) -> dict[str, Any]:
    dataset = service.active(parameters["datasetArn"], "Dataset")
    if dataset.fields["datasetType"] != kind:
        raise invalid(f"Dataset {dataset.arn} is of type {dataset.fields['datasetType']}, not {kind}.")
    schema = schema_of(service, dataset)
    rows = [
        _complete(schema, _properties(schema, entry.get("properties")) | {column: entry[given_key]})
        for entry in entries
    ]
    service.streams.append(dataset.arn, _whole(rows))
    return {}


def _tracked_dataset(service: Personalize, tracking_id: str) -> Record:
    """The dataset by the tracking id of the dataset itself or of its group's event tracker."""
    for dataset in service.store.where("Dataset", trackingId=tracking_id):
        return service.active(dataset.arn, "Dataset")
    for tracker in service.store.where("EventTracker", trackingId=tracking_id):
        return _dataset(service, tracker.fields["datasetGroupArn"], "ACTION_INTERACTIONS")
    raise not_found(tracking_id)


def _tracker(service: Personalize, tracking_id: str) -> Record:
    for tracker in service.store.where("EventTracker", trackingId=tracking_id):
        return service.active(tracker.arn, "EventTracker")
    raise invalid(f"Tracking id {tracking_id} does not exist.")


def _dataset(service: Personalize, group_arn: str, kind: str) -> Record:
    dataset = datasets.datasets_of(service, group_arn).get(kind)
    if dataset is None:
        raise invalid(f"Dataset group {group_arn} has no ACTIVE dataset of type {kind}.")
    return dataset


def _event(
    service: Personalize, schema: Schema, parameters: Parameters, event: Mapping[str, Any]
) -> dict[str, Any]:
    if len(json.dumps(event, default=str)) > MAX_EVENT_BYTES:
        raise invalid("An event is larger than 10 KB.")
    row = _properties(schema, event.get("properties"))
    item = event.get("itemId") or row.get("ITEM_ID")
    if item is None:
        raise invalid("itemId is required.")
    row |= {
        "USER_ID": parameters.get("userId") or parameters["sessionId"],
        "ITEM_ID": item,
        "EVENT_TYPE": event["eventType"],
        "TIMESTAMP": _seconds("sentAt", event["sentAt"]),
    }
    if event.get("eventValue") is not None:
        row["EVENT_VALUE"] = _typed(Field("EVENT_VALUE", "float"), "eventValue", event["eventValue"], "")
    attributed = event.get("metricAttribution", {}).get("eventAttributionSource")
    shown = _shown(event) | ({"EVENT_ATTRIBUTION_SOURCE": attributed} if attributed else {})
    if "IMPRESSION" not in shown and event.get("recommendationId") in service.recommendations:
        shown[SHOWN] = list(service.recommendations[event["recommendationId"]][1])
    known = {EVENT_ID: event["eventId"]} if "eventId" in event else {}
    # Kept beside the schema's own columns: implicit impressions and attribution need them.
    return _complete(schema, shown | row) | shown | known | {SESSION: parameters["sessionId"]}


def _shown(event: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if event.get("impression"):
        row["IMPRESSION"] = "|".join(event["impression"])
    if event.get("recommendationId"):
        row["RECOMMENDATION_ID"] = event["recommendationId"]
    return row


def _seconds(key: str, moment: Any) -> int:
    """Epoch seconds, of the times that an import takes."""
    seconds = moment.timestamp() if isinstance(moment, datetime) else float(moment)
    if not 0 <= seconds <= MAX_EPOCH_SECONDS:
        raise invalid(f"{key} has the value {moment}, which is not in Unix epoch time in seconds.")
    return int(seconds)


def _properties(schema: Schema, text: str | None) -> dict[str, Any]:
    """Values by column; the keys are the columns in camel case ("numRatings" is NUM_RATINGS)."""
    if text is None:
        return {}
    try:
        given = depth.loads(text)
    except json.JSONDecodeError as error:
        raise invalid(f"properties is not valid JSON: {error}") from None
    if not isinstance(given, dict):
        raise invalid("properties must be a JSON object.")
    columns = {_plain(field.name): field for field in schema.fields}
    row: dict[str, Any] = {}
    for key, value in given.items():
        field = columns.get(_plain(key))
        if field is None:
            raise invalid(
                f"properties has the key {key!r}, which the schema lacks: {', '.join(schema.names)}"
            )
        if field.name in row:
            raise invalid(f"properties names {field.name} twice: leave {key!r} out.")
        row[field.name] = _typed(field, key, value)
    return row


def _whole(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows; InvalidInputException where a text has half of a surrogate pair, which no answer can hold."""
    for row in rows:
        for name, value in row.items():
            try:
                str(value).encode()
            except UnicodeEncodeError as error:
                half = error.object[error.start]
                raise invalid(
                    f"{name} has the value {value!r}, of which {half!r} is half a character."
                ) from None
    return rows


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _typed(field: Field, key: str, value: Any, path: str = "properties.") -> Any:
    """The value as an import of its column has it; InvalidInputException where an import would refuse it."""
    if value is None or value == "":
        return None
    try:
        if field.type in NUMERIC:
            return _number(field.type, value)
        return _flag(value) if field.type == "boolean" else _text(field, value)
    except (TypeError, ValueError, OverflowError) as error:
        why = str(error) if isinstance(error, _Refused) else f"is not of type {field.type}"
        raise invalid(f"{path}{key} has the value {value!r}, which {why}.") from None


class _Refused(ValueError):
    """A value of the right type that is refused; the text goes on after "which"."""


def _number(kind: str, value: Any) -> int | float:
    """The number; ValueError where the column can't hold it: Infinity and NaN, fractions, more digits, true."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise ValueError("no number")
    if isinstance(value, str) and not re.fullmatch(NUMBER, value):
        raise ValueError("no number")
    if kind in _RANGES:
        if isinstance(value, float) and value != int(value):
            raise ValueError("a fraction")
        whole = int(value)
        if not -_RANGES[kind] <= whole < _RANGES[kind]:
            raise ValueError("too large")
        return whole
    if not math.isfinite(float(value)) or (kind == "float" and abs(float(value)) > LARGEST_FLOAT):
        raise ValueError("too large")
    return float(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in ("true", "false"):
        raise ValueError("neither")
    return str(value).lower() == "true"


def _text(field: Field, value: Any) -> str:
    """Text, of a list the categories. ValueError where an import refuses it, as it does an object."""
    parts = value if isinstance(value, list) else [value]
    if any(part is None or isinstance(part, dict | list) for part in parts):
        raise ValueError("nested")
    text = "|".join(str(part).lower() if isinstance(part, bool) else str(part) for part in parts)
    if field.textual:
        return cut_text(text)
    if len(text) > most_characters(field):
        raise _Refused(f"is longer than {most_characters(field)} characters")
    return text


def _complete(schema: Schema, row: dict[str, Any]) -> dict[str, Any]:
    """The schema's columns; InvalidInputException when one that can't be null has no value."""
    for field in schema.fields:
        if row.get(field.name) is None and not field.nullable and field.name != "EVENT_VALUE":
            raise invalid(f"The value of {field.name} is missing, and the schema does not allow null.")
    return {name: row[name] for name in schema.names if row.get(name) is not None}


EVENT_OPERATIONS: dict[str, Operation] = {
    "PutEvents": put_events,
    "PutActionInteractions": put_action_interactions,
    "PutItems": put_items,
    "PutUsers": put_users,
    "PutActions": put_actions,
}
