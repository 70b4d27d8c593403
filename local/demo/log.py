"""Writes events to the application's log in DynamoDB, as an application would: keyed by user and time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

BATCH = 25  # BatchWriteItem's limit
ATTEMPTS = 8


class LogNotWritten(RuntimeError):
    """DynamoDB kept refusing items."""


def write(client: Any, *, table: str, events: pd.DataFrame, threads: int = 4) -> int:
    """Events written. Writing the same event twice leaves one item."""
    items = [item_of(row) for row in events.itertuples(index=False)]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda batch: _write_batch(client, table, batch), _batches(items)):
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
        values["simulated"] = {"BOOL": True}
    return values


def newest(client: Any, table: str, user: str, *, limit: int = 200) -> list[tuple[str, str]]:
    """(item, day) of what a user did last, each item once, the newest first; impressions are no deed."""
    answer = client.query(
        TableName=table,
        KeyConditionExpression="user_id = :user",
        ExpressionAttributeValues={":user": {"S": user}},
        ScanIndexForward=False,
        Limit=limit,
    )
    found: dict[str, str] = {}
    for event in answer["Items"]:
        if "item_id" in event:
            moment = pd.Timestamp(int(event["timestamp"]["N"]), unit="ms")
            found.setdefault(event["item_id"]["S"], f"{moment:%a %d %b}")
    return list(found.items())


def _batches(items: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """A batch may not name an item twice."""
    for start in range(0, len(items), BATCH):
        distinct = {(i["user_id"]["S"], i["event_key"]["S"]): i for i in items[start : start + BATCH]}
        yield list(distinct.values())


def _write_batch(client: Any, table: str, batch: Iterable[dict[str, Any]]) -> None:
    requests = {table: [{"PutRequest": {"Item": item}} for item in batch]}
    for attempt in range(ATTEMPTS):
        requests = client.batch_write_item(RequestItems=requests)["UnprocessedItems"]
        if not requests:
            return
        time.sleep(0.05 * 2**attempt)
    raise LogNotWritten(f"{len(requests[table])} items of {table} stay unprocessed after {ATTEMPTS} attempts")
