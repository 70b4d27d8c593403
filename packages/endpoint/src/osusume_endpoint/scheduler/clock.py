"""Which schedules are due: looked at every second."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from osusume_endpoint.scheduler import expressions

Schedule = dict[str, Any]


class Clock:
    """Remembers when each schedule fires next; a schedule that changes is planned again.

    In a flexible window it fires at a moment that its ARN and the scheduled time decide, so that runs can be
    repeated; windows shrink with wait_scale. Times that pass while the endpoint is down do not fire.
    """

    def __init__(self, fire: Callable[[Schedule, datetime], object], *, wait_scale: float = 1.0) -> None:
        self._fire, self._wait_scale = fire, wait_scale
        self._planned: dict[tuple[str, str], datetime | None] = {}

    def tick(self, schedules: list[Schedule], now: datetime) -> list[Schedule]:
        """Starts what is due in threads of its own, and returns those that have completed for good."""
        completed = []
        for schedule in schedules:
            if schedule.get("State") != "ENABLED":
                continue
            due = self.due(schedule, now)
            if due is not None:
                threading.Thread(target=self._fire, args=(schedule, due), daemon=True).start()
            if self._planned[_version(schedule)] is None:
                completed.append(schedule)
        return completed

    def due(self, schedule: Schedule, now: datetime) -> datetime | None:
        """The scheduled time that is to fire now, each one once."""
        version = _version(schedule)
        if version not in self._planned:
            self._planned[version] = next_time(schedule, after=now)
        planned = self._planned[version]
        if planned is None or now < planned + self._flexible(schedule, planned):
            return None
        self._planned[version] = next_time(schedule, after=planned)
        return planned

    def _flexible(self, schedule: Schedule, planned: datetime) -> timedelta:
        window = schedule.get("FlexibleTimeWindow") or {}
        if window.get("Mode") != "FLEXIBLE":
            return timedelta(0)
        share = random.Random(f"{schedule['Arn']} {planned.isoformat()}").random()
        return timedelta(minutes=share * int(window["MaximumWindowInMinutes"]) * self._wait_scale)


def check_window(window: Mapping[str, Any]) -> None:
    """ValueError unless a FLEXIBLE window, and no other, has a length of 1 to 1440 minutes."""
    minutes = window.get("MaximumWindowInMinutes")
    if window.get("Mode") != "FLEXIBLE":
        if minutes is not None:
            raise ValueError(f"MaximumWindowInMinutes is {minutes}: leave it out, or set Mode to FLEXIBLE.")
    elif not isinstance(minutes, int) or not 1 <= minutes <= 1440:
        raise ValueError(f"MaximumWindowInMinutes must be 1 to 1440 in Mode FLEXIBLE, not {minutes}.")


def _version(schedule: Schedule) -> tuple[str, str]:
    return schedule["Arn"], str(schedule.get("LastModificationDate"))


def next_time(schedule: Schedule, *, after: datetime) -> datetime | None:
    """The next invocation within the schedule's start and end dates; None when there is none."""
    expression = expressions.parse(
        schedule["ScheduleExpression"], schedule.get("ScheduleExpressionTimezone") or "UTC"
    )
    start, end = _moment(schedule.get("StartDate")), _moment(schedule.get("EndDate"))
    anchor = start or _moment(schedule.get("CreationDate")) or after
    if start and after < start and not isinstance(expression, expressions.At):
        if isinstance(expression, expressions.Rate):
            return start
        after = start
    planned = expression.next_after(after, anchor=anchor)
    return None if planned and end and planned > end else planned


def _moment(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
