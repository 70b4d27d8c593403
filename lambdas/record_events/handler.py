"""POST /v1/events: each event is kept once, or rejected with its reason; nothing is lost by sending it again.

The queue of what the API showed ends here too: what is kept of it is the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any

from lambdas.record_events import events, exposures, log, served
from lambdas.record_events.environment import Environment
from lambdas.record_events.events import Event, Rejected
from lambdas.record_events.log import Log
from lambdas.shared import bodies, cors, delivered, environment
from lambdas.shared.assignment import Document
from lambdas.shared.clients import client
from lambdas.shared.delivered import Delivered
from lambdas.shared.experiment_rules import check
from lambdas.shared.problems import CONTENT_TYPE, KINDS, body
from lambdas.shared.readers import reader
from lambdas.shared.telemetry import count, logger

WRITERS = 8


@cache
def settings() -> Environment:
    return environment.read(Environment)


def _experiments(given: Environment) -> Document:
    return experiments().current().document if given.experiments_application else exposures.document()


@cache
def experiments() -> Delivered:
    return Delivered(
        source=delivered.source_of(settings()),
        packaged=exposures.document(),
        understand=check,
        clock=time.monotonic,
        report=lambda source, error: logger().warning(source, extra={"fault": str(error)}),
    )


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WRITERS, thread_name_prefix="record-events")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    if "Records" in event:
        return _of_the_queue(event["Records"])
    return cors.answered(_settled(event), event=event, origins=cors.allowed(settings))


def _settled(event: dict[str, Any]) -> dict[str, Any]:
    try:
        return _answered(event)
    except Exception as error:
        logger().exception("failed", exc_info=error)
        return _problem("internal-error", "The request failed on our side; it may be sent again", event)


def _of_the_queue(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Raises what fails for the whole batch: the queue delivers it again, and keeps at last what nobody could."""
    given = settings()
    failed = served.keep(
        records,
        clients=client,
        kept=_log(client("dynamodb"), given),
        bucket=given.raw_bucket,
        state_table=given.user_state_table,
        now=datetime.now(UTC),
    )
    figures = {"Served": len(records) - len(failed), "ServedFailed": len(failed)}
    count(figures, namespace=given.powertools_metrics_namespace, dimensions={"Service": "record_events"})
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}


def _log(dynamodb: Any, given: Environment) -> Log:
    return Log(
        dynamodb=dynamodb,
        table=given.application_log_table,
        attributes=given.log_attributes,
        timestamp_format=given.timestamp_format,
    )


def _answered(event: dict[str, Any]) -> dict[str, Any]:
    try:
        rows = events.batch(bodies.content(event))
    except ValueError as error:
        return _problem("invalid-body", str(error), event)
    given = settings()
    answer = run(rows, clients=client, settings=given, now=datetime.now(UTC), reader=reader(event))
    figures = {"Accepted": answer["accepted"], "Rejected": len(answer["rejected"])}
    count(figures, namespace=given.powertools_metrics_namespace, dimensions={"Service": "record_events"})
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return _response(202, text, "application/json")


def run(
    rows: Sequence[Any],
    *,
    clients: Callable[[str], Any],
    settings: Environment,
    now: datetime,
    reader: str | None = None,
) -> dict[str, Any]:
    """{accepted, duplicates, rejected: [{index, code, detail}]}. `reader`: whose token it is, if it is one's.

    Raises what DynamoDB and S3 refuse: then all may be sent again.
    """
    taken, rejected = understood(rows, now=now, reader=reader)
    dynamodb = clients("dynamodb")
    kept = _log(dynamodb, settings)
    new = list(pool().map(kept.put, taken))
    # Of events that were kept before, too: an earlier attempt may have ended between the two writes.
    seconds = int(now.timestamp())
    for user, deeds in log.by_user(taken).items():
        log.remember(dynamodb, table=settings.user_state_table, user=user, deeds=deeds, now=seconds)
    lines = exposures.of(taken, _experiments(settings))
    if lines:  # a client of S3 is not made before an experiment runs
        exposures.keep(clients("s3"), bucket=settings.raw_bucket, lines=lines, now=now)
    return {"accepted": len(taken), "duplicates": new.count(False), "rejected": rejected}


def understood(
    rows: Sequence[Any], *, now: datetime, reader: str | None = None
) -> tuple[list[Event], list[dict[str, Any]]]:
    """Events that may be kept, and why the others may not. The same id of a user twice is two attempts of one event."""
    taken, rejected = [], []
    for index, row in enumerate(rows):
        try:
            taken.append(events.of_reader(events.event(row, now=now), reader))
        except Rejected as reason:
            rejected.append({"index": index, "code": reason.code, "detail": str(reason)})
    return taken, rejected


def _problem(kind: str, detail: str, event: dict[str, Any]) -> dict[str, Any]:
    text = body(kind, detail=detail, instance=str(event.get("path", "/v1/events")))
    return _response(KINDS[kind].status, text, CONTENT_TYPE)


def _response(status: int, text: str, kind: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": kind, "Cache-Control": "no-store"},
        "body": text,
        "isBase64Encoded": False,
    }
