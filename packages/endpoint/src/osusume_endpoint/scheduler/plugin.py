"""EventBridge Scheduler: ministack keeps the schedules, their firing is ours."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from osusume_endpoint import local_routes, replacements, wire
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.replacements import replaces
from osusume_endpoint.scheduler import expressions
from osusume_endpoint.scheduler.clock import Clock, check_window
from osusume_endpoint.scheduler.firing import fire

log = logging.getLogger("osusume.scheduler")

FIRE_PATH = "/_osusume/scheduler/fire"
FIRE_ACTION = "osusume:FireSchedule"


def install(endpoint: Endpoint) -> None:
    clock = Clock(
        lambda schedule, moment: fire(schedule, endpoint=endpoint, scheduled=moment),
        wait_scale=endpoint.wait_scale,
    )
    replacements.apply(__name__, clock=clock)
    local_routes.routes[("POST", FIRE_PATH)] = local_routes.LocalRoute(
        FIRE_ACTION, lambda r: _fire(r, endpoint), signing_name="scheduler"
    )


@replaces("ministack.services.scheduler:_SCHEDULE_TICK_INTERVAL", holds=int)
def _every_second() -> int:
    return 1


@replaces("ministack.services.scheduler:_create_schedule", takes="name, body")
@replaces("ministack.services.scheduler:_update_schedule", takes="name, body")
def _checking(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses expressions, time zones and windows in which it could never fire."""

    def put_schedule(name: str, body: dict[str, Any]) -> Any:
        from ministack.services import scheduler

        try:
            expressions.parse(
                body.get("ScheduleExpression", ""), body.get("ScheduleExpressionTimezone") or "UTC"
            )
            check_window(body.get("FlexibleTimeWindow") or {})
        except ValueError as error:
            return scheduler._error(400, "ValidationException", str(error))
        return inner(name, body)

    return put_schedule


@replaces("ministack.services.scheduler:_tick_schedules", takes="")
def _ticking(clock: Clock) -> Callable[[], None]:
    return lambda: _tick(clock)


def _tick(clock: Clock) -> None:
    from ministack.services import scheduler

    stored = list(scheduler._schedules._data.items())
    keys = {schedule["Arn"]: key for key, schedule in stored}
    for finished in clock.tick([schedule for _, schedule in stored], datetime.now(UTC)):
        if finished.get("ActionAfterCompletion") == "DELETE":
            scheduler._schedules._data.pop(keys[finished["Arn"]], None)


def _fire(request: wire.Request, endpoint: Endpoint) -> wire.Response:
    from ministack.services import scheduler

    name = request.query.get("name", [""])[0]
    group = request.query.get("group", ["default"])[0]
    schedule = scheduler._schedules.get(f"{group}/{name}")
    if schedule is None:
        message = f"Schedule {name} does not exist in group {group}."
        return 404, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()
    outcome = fire(schedule, endpoint=endpoint)
    status = 200 if outcome["delivered"] else 502
    return status, {"Content-Type": "application/json"}, json.dumps(outcome, default=str).encode()
