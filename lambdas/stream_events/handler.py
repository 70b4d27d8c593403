"""The stream of the log's table to Personalize's event tracker: each event once, or quarantined with its reason."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from lambdas.shared import environment
from lambdas.shared.clients import client
from lambdas.shared.streaming import opened
from lambdas.shared.telemetry import count, logger
from lambdas.stream_events import records, sending
from lambdas.stream_events.environment import Environment
from lambdas.stream_events.records import Event, Refused, Rules
from lambdas.stream_events.sending import Outcome

KEY = "stream_quarantine/day={day}/{file}"  # a copy of config/layout.py's STREAM_QUARANTINE, which a test compares
# A refusal of all that is sent may be the tracker's fault and not the events': so long it is asked again.
PATIENCE_SECONDS = 20 * 3600
FIGURES = ("Streamed", "Imported", "Corrected", "Quarantined", "Failed")


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{batchItemFailures}: Lambda delivers again from the first of them on."""
    return run(event["Records"], clients=client, settings=settings(), now=datetime.now(UTC))


def run(
    given: Sequence[dict[str, Any]],
    *,
    clients: Callable[[str], Any],
    settings: Environment,
    now: datetime,
) -> dict[str, Any]:
    """Raises what DynamoDB and S3 refuse: then all of it is delivered again, and what was sent is not counted twice."""
    rules = _rules(clients("dynamodb"), settings, now)
    found = [records.understood(record, rules) for record in given]
    events = [one for one in found if isinstance(one, Event)]
    outcome = Outcome()
    if events:
        personalize = clients("personalize-events")
        outcome = sending.send(personalize, tracking_id=settings.tracking_id, events=events)
    refused, failed = _sorted_out(outcome, now=now)
    wrong = [*(one for one in found if isinstance(one, Refused)), *refused]
    if wrong:
        quarantine(clients("s3"), bucket=settings.raw_bucket, wrong=wrong, now=now)
    passed = Counter(one for one in found if isinstance(one, str))
    amounts = (len(outcome.sent), passed["imported"], passed["corrected"], len(wrong), len(failed))
    count(
        dict(zip(FIGURES, amounts, strict=True)),
        namespace=settings.powertools_metrics_namespace,
        dimensions={"Service": "stream_events"},
    )
    return {"batchItemFailures": [{"itemIdentifier": event.sequence} for event in failed]}


def _rules(dynamodb: Any, settings: Environment, now: datetime) -> Rules:
    return Rules(
        configured=frozenset(settings.streamed),
        opened=opened(dynamodb, table=settings.control_table, dataset_group=settings.dataset_group),
        attributes=settings.log_attributes,
        timestamp_format=settings.timestamp_format,
        interactions=settings.interactions,
        latest=int(now.timestamp()) + records.CLOCK_SKEW,
    )


def _sorted_out(outcome: Outcome, *, now: datetime) -> tuple[list[Refused], list[Event]]:
    """What is quarantined, and what is delivered again."""
    wrong, again = list[Refused](), [event for event, _ in outcome.failed]
    for event, why in outcome.refused:
        if outcome.sent or now.timestamp() - event.written_at > PATIENCE_SECONDS:
            wrong.append(_refused(event))
        else:
            again.append(event)
        logger().warning("refused", extra={"event_id": event.event["eventId"], "fault": why})
    for why in {why for _, why in outcome.failed}:
        logger().warning("not sent", extra={"fault": why})
    return wrong, again


def _refused(event: Event) -> Refused:
    return Refused(
        sequence=event.sequence,
        event_id=event.event["eventId"],
        event_type=event.event["eventType"],
        reason="refused_by_personalize",
    )


def quarantine(s3: Any, *, bucket: str, wrong: Sequence[Refused], now: datetime) -> None:
    """Writes an object below the day; the same records again write the same one. Nothing in it names a user."""
    rows = [
        {
            "event_key": one.event_id,
            "event_type": one.event_type,
            "reason": one.reason,
            "sequence_number": one.sequence,
        }
        for one in wrong
    ]
    body = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    file = f"{hashlib.sha256(body.encode()).hexdigest()[:32]}.json"
    key = KEY.format(day=now.strftime("%Y-%m-%d"), file=file)
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json")
