"""Writes events to the application's log in DynamoDB, as an application would: keyed by user and time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from config.settings import ApplicationLog, LogAttributes
from local.demo.simulator import device_of

BATCH = 25  # BatchWriteItem's limit
ATTEMPTS = 8


class LogNotWritten(RuntimeError):
    """DynamoDB kept refusing items."""


def write(
    client: Any, *, table: str, events: pd.DataFrame, log: ApplicationLog | None = None, threads: int = 4
) -> int:
    """Events written, with the attributes of the configuration. Writing the same event twice leaves one item."""
    log = log or ApplicationLog()
    items = [configured(item_of(row), log) for row in events.itertuples(index=False)]
    user = log.attributes.USER_ID
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda batch: _write_batch(client, table, batch), _batches(items, user)):
            pass
    return len(items)


def item_of(event: Any) -> dict[str, Any]:
    """DynamoDB's form of a row with EVENT_COLUMNS; what is missing is left out."""
    moment = event.occurred_at.tz_convert("UTC")
    milliseconds = int(moment.value // 1_000_000)
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
    values: dict[str, Any] = {
        "user_id": {"S": event.user_id},
        "event_key": {"S": f"{stamp}#{event.event_id}"},
        "event_id": {"S": event.event_id},
        "event_type": {"S": event.event_type},
        "timestamp": {"N": str(milliseconds)},
        "session_id": {"S": event.session_id},
    }
    if isinstance(event.item_id, str):
        values["item_id"] = {"S": event.item_id}
    if event.value is not None and not pd.isna(event.value):
        values["value"] = {"N": repr(float(event.value))}
    if isinstance(event.impression, list):
        values["impression"] = {"L": [{"S": item} for item in event.impression]}
    if isinstance(event.recommendation_id, str):
        values["recommendation_id"] = {"S": event.recommendation_id}
    if event.simulated:
        values |= {"simulated": {"BOOL": True}, "device": {"S": device_of(event.session_id)}}
    return values


def configured(item: dict[str, Any], log: ApplicationLog) -> dict[str, Any]:
    """The item under the configuration's names, without what it has none for, and with its form of times."""
    names = dict(
        zip(LogAttributes().model_dump().values(), log.attributes.model_dump().values(), strict=True)
    )
    named = {names.get(name, name): value for name, value in item.items()}
    milliseconds = int(item["timestamp"]["N"])
    times = {
        "milliseconds": {"N": str(milliseconds)},
        "seconds": {"N": f"{milliseconds / 1000:.3f}"},
        "iso": {"S": datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")},
    }
    given = named | {log.attributes.TIMESTAMP: times[log.timestamp_format]}
    return {name: value for name, value in given.items() if name is not None}


def newest(
    client: Any, table: str, user: str, *, log: ApplicationLog | None = None, limit: int = 200
) -> list[tuple[str, str]]:
    """(item, day) of what a user did last, each item once, the newest first; impressions are no deed."""
    log = log or ApplicationLog()
    names = log.attributes
    answer = client.query(
        TableName=table,
        KeyConditionExpression="#user = :user",
        ExpressionAttributeNames={"#user": names.USER_ID},
        ExpressionAttributeValues={":user": {"S": user}},
        ScanIndexForward=False,
        Limit=limit,
    )
    found: dict[str, str] = {}
    for event in answer["Items"]:
        if names.ITEM_ID in event:
            moment = _moment(event[names.TIMESTAMP], log.timestamp_format)
            found.setdefault(event[names.ITEM_ID]["S"], f"{moment:%a %d %b}")
    return list(found.items())


def _moment(value: dict[str, str], form: str) -> pd.Timestamp:
    """A time of the log, in UTC; `form` is sources.application_log.timestamp_format."""
    [text] = value.values()  # a string or a number, whichever it is stored as
    if form == "iso":
        return pd.to_datetime(text, utc=True)
    return pd.Timestamp(float(text), unit="s" if form == "seconds" else "ms", tz="UTC")


def _batches(items: list[dict[str, Any]], user: str) -> Iterator[list[dict[str, Any]]]:
    """A batch may not name an item twice."""
    for start in range(0, len(items), BATCH):
        distinct = {(i[user]["S"], i["event_key"]["S"]): i for i in items[start : start + BATCH]}
        yield list(distinct.values())


def _write_batch(client: Any, table: str, batch: Iterable[dict[str, Any]]) -> None:
    requests = {table: [{"PutRequest": {"Item": item}} for item in batch]}
    for attempt in range(ATTEMPTS):
        requests = client.batch_write_item(RequestItems=requests)["UnprocessedItems"]
        if not requests:
            return
        time.sleep(0.05 * 2**attempt)
    raise LogNotWritten(f"{len(requests[table])} items of {table} stay unprocessed after {ATTEMPTS} attempts")
