"""Event types that reach Personalize as they happen: by a stream of the log's table and the event tracker.

Personalize developer guide, "Recording real-time events": a full import replaces what imports brought, not what was
streamed; so a record reaches it by one of the two ways, and what can't be streamed rightly is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.settings import ApplicationLog, Datasets, EventRule, Sources


def check_event(event: EventRule) -> None:
    """Raises ValueError for a type that no stream has."""
    if event.streamed and event.source != "application_log":
        raise ValueError(
            f"type {event.type!r} is streamed, but its source is {event.source!r}, and only the log's table has a "
            "stream: remove streamed, or set source: application_log"
        )


def check_stream_arn(log: ApplicationLog) -> None:
    """The stream of an existing table is that table's; a created one has its own. Raises ValueError."""
    if log.stream_arn is None:
        return
    if log.create:
        raise ValueError(
            "stream_arn is of an existing table, but create is true and a created table gets its own stream: remove "
            "stream_arn, or set create: false"
        )
    table = re.sub(r".*:table/|/stream/.*", "", log.stream_arn)
    if table != log.table_name:
        raise ValueError(
            f"stream_arn is a stream of table {table!r}, but table_name is {log.table_name!r}: take LatestStreamArn of "
            "`aws dynamodb describe-table`"
        )


def check(datasets: Datasets, sources: Sources) -> None:
    """Streamed types have a stream, and no rule that a stream can't keep; a stream is read. Raises ValueError."""
    log, types = sources.application_log, datasets.interactions.streamed
    if log is not None and log.stream_arn is not None and not types:
        raise ValueError(
            "sources.application_log.stream_arn is set, but no type of datasets.interactions.events is streamed, so "
            "nothing reads it: add streamed: true to one, or remove stream_arn"
        )
    if not types or log is None:
        return
    if not log.create and log.stream_arn is None:
        raise ValueError(
            f"datasets.interactions.events: type {types[0]!r} is streamed, but nobody says which stream table "
            f"{log.table_name!r} has: enable one with new and old images, and name it in "
            "sources.application_log.stream_arn, or remove streamed"
        )
    if datasets.users is not None and datasets.users.only_known:
        raise ValueError(
            f"datasets.interactions.events: type {types[0]!r} is streamed, but datasets.users.only_known is true, and "
            "whether a user is known is seen in a run alone: remove one of them"
        )
