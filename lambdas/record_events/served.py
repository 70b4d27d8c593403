"""What the API showed, out of its queue: kept as an application's own impressions are, and as exposures.

An answer is one event, `served#<start>#<placement>#<experiment>#<variant>#<recommendationId>`, so that an answer that
was sent twice, or repeated by a 304, is one. What an application says about the same answer takes its place in the
warehouse; in the user's state both are the same showing (log.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lambdas.record_events import exposures, log
from lambdas.record_events.events import SERVED, Event
from lambdas.record_events.exposures import Line
from lambdas.record_events.log import Log
from lambdas.shared.assignment import Assignment, exposure
from lambdas.shared.telemetry import logger


@dataclass(frozen=True)
class Served:
    event: Event
    exposures: tuple[Line, ...]


def keep(
    records: Sequence[Mapping[str, Any]],
    *,
    clients: Callable[[str], Any],
    kept: Log,
    bucket: str,
    state_table: str,
    now: datetime,
) -> list[str]:
    """Ids of the messages that could not be kept, which the queue delivers again. Raises what S3 refuses."""
    understood, failed = _understood(records)
    done: list[Served] = []
    for message_id, served in understood:
        try:
            kept.put(served.event)
            done.append(served)
        except Exception as error:  # the others of the batch are kept
            logger().warning("not kept", extra={"fault": str(error)})
            failed.append(message_id)
    # Raising here delivers all of them again: each write is the same when it is done twice.
    for user, deeds in log.by_user([one.event for one in done]).items():
        log.remember(kept.dynamodb, table=state_table, user=user, deeds=deeds, now=int(now.timestamp()))
    lines = {line["exposure_id"]: line for one in done for line in one.exposures}
    if lines:
        exposures.keep(clients("s3"), bucket=bucket, lines=list(lines.values()), now=now)
    return failed


def _understood(records: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, Served]], list[str]]:
    understood, failed = [], []
    for record in records:
        try:
            understood.append((record["messageId"], served(json.loads(record["body"]))))
        except (ValueError, KeyError, TypeError) as error:
            logger().error("not understood", extra={"fault": repr(error)})
            failed.append(record["messageId"])
    return understood, failed


def served(message: Mapping[str, Any]) -> Served:
    """The answer that a message of get_recommendations' impressions.py tells.

    Raises KeyError, TypeError or ValueError for another message.
    """
    assignments = tuple(_assignments(message))
    at = datetime.fromtimestamp(message["shownAt"] / 1000, tz=UTC)
    event = Event(
        event_id=_event_id(message, assignments),
        type="impression",
        user=message["userId"],
        items=tuple(message["itemIds"]),
        at=at,
        session=None,
        recommendation=message["recommendationId"],
        placement=message["placement"],
        value=None,
        position=message["start"] + 1,
        # An earlier version of the function, whose messages may still be in the queue, put none there.
        served_as=message.get("servedAs"),
    )
    return Served(event, tuple(_exposure(one, event) for one in assignments))


def _event_id(message: Mapping[str, Any], assignments: Sequence[Assignment]) -> str:
    """None of its parts holds the mark between them; the warehouse's staging model takes it apart."""
    last = assignments[-1] if assignments else None
    parts = (
        str(message["start"]),
        message["placement"] or "",
        last.experiment if last else "",
        last.variant if last else "",
        message["recommendationId"],
    )
    return SERVED + "#".join(parts)


def _assignments(message: Mapping[str, Any]) -> Iterator[Assignment]:
    for experiment, version, variant, layer in message["assignments"]:
        yield Assignment(experiment=experiment, version=version, variant=variant, layer=layer)


def _exposure(assignment: Assignment, event: Event) -> Line:
    return exposure(
        assignment,
        unit_id=event.user,
        exposed_at=event.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        placement=event.placement or "",
        recommendation_id=event.recommendation or "",
    )
