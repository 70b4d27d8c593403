"""POST /v1/events: each event is kept once, or rejected with its reason; nothing is lost by sending it again."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any

from lambdas.record_events import events, exposures, log
from lambdas.record_events.environment import Environment
from lambdas.record_events.events import Event, Rejected
from lambdas.record_events.log import Log
from lambdas.shared import environment
from lambdas.shared.clients import client
from lambdas.shared.telemetry import count, logger

WRITERS = 8


@cache
def settings() -> Environment:
    return environment.read(Environment)


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WRITERS, thread_name_prefix="record-events")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    try:
        return _answered(event)
    except Exception as error:
        logger().exception("failed", exc_info=error)
        return _problem(500, "The request failed on our side; it may be sent again", event)


def _answered(event: dict[str, Any]) -> dict[str, Any]:
    try:
        rows = events.batch(_content(event))
    except ValueError as error:
        return _problem(400, str(error), event)
    given = settings()
    answer = run(rows, dynamodb=client("dynamodb"), s3=client("s3"), settings=given, now=datetime.now(UTC))
    figures = {"Accepted": answer["accepted"], "Rejected": len(answer["rejected"])}
    count(figures, namespace=given.powertools_metrics_namespace, dimensions={"Service": "record_events"})
    return _response(202, answer, "application/json")


def _content(event: dict[str, Any]) -> Any:
    """Raises ValueError that says what is right."""
    text = event.get("body") or ""
    try:
        raw = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
        return json.loads(raw.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON: send a JSON object in UTF-8") from None


def _no_number(constant: str) -> float:
    raise ValueError(constant)


def run(
    rows: Sequence[Any], *, dynamodb: Any, s3: Any, settings: Environment, now: datetime
) -> dict[str, Any]:
    """{accepted, duplicates, rejected: [{index, code, detail}]}.

    Raises what DynamoDB and S3 refuse: then all may be sent again.
    """
    taken, rejected = understood(rows, now=now)
    kept = Log(
        dynamodb=dynamodb,
        table=settings.application_log_table,
        attributes=settings.log_attributes,
        timestamp_format=settings.timestamp_format,
    )
    new = list(pool().map(kept.put, taken))
    # Of events that were kept before, too: an earlier attempt may have ended between the two writes.
    seconds = int(now.timestamp())
    for user, deeds in log.by_user(taken).items():
        log.remember(dynamodb, table=settings.user_state_table, user=user, deeds=deeds, now=seconds)
    lines = exposures.of(taken, exposures.document())
    exposures.keep(s3, bucket=settings.raw_bucket, lines=lines, now=now)
    return {"accepted": len(taken), "duplicates": new.count(False), "rejected": rejected}


def understood(rows: Sequence[Any], *, now: datetime) -> tuple[list[Event], list[dict[str, Any]]]:
    """Events that may be kept, and why the others may not. The same id of a user twice is two attempts of one event."""
    taken, rejected = [], []
    for index, row in enumerate(rows):
        try:
            taken.append(events.event(row, now=now))
        except Rejected as reason:
            rejected.append({"index": index, "code": reason.code, "detail": str(reason)})
    return taken, rejected


def _problem(status: int, detail: str, event: dict[str, Any]) -> dict[str, Any]:
    told = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": str(event.get("path", "/v1/events")),
    }
    return _response(status, told, "application/problem+json")


def _response(status: int, content: Any, kind: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": kind, "Cache-Control": "no-store"},
        "body": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        "isBase64Encoded": False,
    }
