"""Names the run and decides between a full and an incremental export of the application log."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from lambdas.plan_run import sources, streaming
from lambdas.plan_run.environment import Environment
from lambdas.plan_run.plan import MODES, plan, without_log
from lambdas.shared import environment, events, times
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    planned = run(event, dynamodb=client("dynamodb"), settings=settings(), now=datetime.now(UTC))
    logger().info("planned", extra={"plan": planned, "scheduled_time": event.get("scheduled_time")})
    return planned


def run(event: dict[str, Any], *, dynamodb: Any, settings: Environment, now: datetime) -> dict[str, Any]:
    """The plan; its `streamed` says from which second on a type is left to the stream."""
    planned = _planned(event, dynamodb=dynamodb, settings=settings)
    streamed = streaming.note(
        dynamodb,
        table=settings.control_table,
        dataset_group=settings.dataset_group,
        types=settings.streamed,
        now=now,
    )
    return {**planned, "streamed": streamed}


def _planned(event: dict[str, Any], *, dynamodb: Any, settings: Environment) -> dict[str, Any]:
    mode = events.text(event, "mode")
    if mode not in MODES:
        raise events.InvalidEvent(f"mode is {mode!r}: pass one of {', '.join(MODES)}")
    started_at = times.parse("started_at", events.text(event, "started_at"))
    table = settings.application_log_table
    restorable = sources.restorable(dynamodb, table=table) if table else None
    watermark = sources.watermark(dynamodb, table=settings.control_table, log=table)
    if restorable is None:
        return without_log(mode=mode, started_at=started_at, watermark=watermark)
    return plan(mode=mode, started_at=started_at, restorable=restorable, watermark=watermark)
