from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from osusume_endpoint.scheduler.clock import Clock, check_window, next_time
from osusume_endpoint.scheduler.expressions import InvalidExpression, parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def following(expression: str, after: str, zone: str = "UTC") -> str | None:
    found = parse(expression, zone).next_after(at(after), anchor=at("2026-01-01T00:00:00"))
    return found.strftime("%Y-%m-%dT%H:%M") if found else None


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(0 3 * * ? *)", "2026-11-24T02:59:59", "2026-11-24T03:00"),
        ("cron(0 3 * * ? *)", "2026-11-24T03:00:00", "2026-11-25T03:00"),
        ("cron(0/20 * * * ? *)", "2026-11-24T10:21:00", "2026-11-24T10:40"),
        ("cron(15 8 ? * MON-FRI *)", "2026-11-27T09:00:00", "2026-11-30T08:15"),
        ("cron(0 0 L * ? *)", "2026-02-01T00:00:00", "2026-02-28T00:00"),
        ("cron(0 0 15W * ? *)", "2026-08-01T00:00:00", "2026-08-14T00:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-11-24T00:00:00", "2026-12-07T09:00"),
        ("cron(0 9 ? * FRIL *)", "2026-11-01T00:00:00", "2026-11-27T09:00"),
        ("cron(0 12 29 FEB ? *)", "2026-01-01T00:00:00", "2028-02-29T12:00"),
        ("cron(0 12 * * ? 2026)", "2026-12-31T12:00:00", None),
        ("rate(5 minutes)", "2026-01-01T00:07:00", "2026-01-01T00:10"),
        ("rate(1 day)", "2026-11-24T10:00:00", "2026-11-25T00:00"),
        ("at(2026-11-24T10:00:00)", "2026-11-24T09:00:00", "2026-11-24T10:00"),
        ("at(2026-11-24T10:00:00)", "2026-11-24T10:00:00", None),
    ],
)
def test_the_next_time_of(expression: str, after: str, expected: str | None) -> None:
    assert following(expression, after) == expected


def test_a_time_zone_moves_the_time() -> None:
    assert following("cron(0 3 * * ? *)", "2026-11-24T00:00:00", "Asia/Tokyo") == "2026-11-24T18:00"
    assert following("at(2026-11-24T10:00:00)", "2026-11-24T00:00:00", "Asia/Tokyo") == "2026-11-24T01:00"


def test_a_local_time_that_daylight_saving_skips_does_not_fire() -> None:
    # Berlin, 29 March 2026: 02:00 becomes 03:00.
    assert following("cron(30 2 * * ? *)", "2026-03-28T12:00:00", "Europe/Berlin") == "2026-03-30T00:30"


def test_a_local_time_that_daylight_saving_repeats_fires_once() -> None:
    # Berlin, 25 October 2026: 03:00 becomes 02:00.
    first = following("cron(30 2 * * ? *)", "2026-10-24T12:00:00", "Europe/Berlin")
    assert first == "2026-10-25T00:30"
    assert following("cron(30 2 * * ? *)", "2026-10-25T00:30:00", "Europe/Berlin") == "2026-10-26T01:30"


@pytest.mark.parametrize(
    "expression",
    [
        "every day",
        "rate(0 minutes)",
        "rate(5 fortnights)",
        "cron(0 3 * * *)",
        "cron(0 3 * * * *)",
        "cron(0 3 ? * ? *)",
        "cron(60 3 * * ? *)",
        "cron(0 3 ? * XYZ *)",
        "at(tomorrow)",
    ],
)
def test_what_could_never_fire_is_refused(expression: str) -> None:
    with pytest.raises(InvalidExpression):
        parse(expression)


def test_an_unknown_time_zone_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidExpression, match="Mars/Olympus"):
        parse("rate(1 day)", "Mars/Olympus")


def schedule(expression: str, **more: object) -> dict[str, object]:
    created = {"CreationDate": at("2026-01-01T00:00:00").timestamp()}
    return {"Arn": "a", "Name": "n", "State": "ENABLED", "ScheduleExpression": expression, **created, **more}


def test_start_and_end_dates_bound_a_schedule() -> None:
    bounded = schedule("rate(1 hour)", StartDate="2026-06-01T00:00:00Z", EndDate="2026-06-01T02:00:00Z")
    assert next_time(bounded, after=at("2026-05-01T00:00:00")) == at("2026-06-01T00:00:00")
    assert next_time(bounded, after=at("2026-06-01T00:00:00")) == at("2026-06-01T01:00:00")
    assert next_time(bounded, after=at("2026-06-01T02:00:00")) is None


def test_the_clock_fires_each_time_once_and_reports_completion() -> None:
    fired: list[datetime] = []
    clock = Clock(lambda one, moment: fired.append(moment))
    once = schedule("at(2026-11-24T10:00:00)")
    assert clock.tick([once], at("2026-11-24T09:59:59")) == []
    assert clock.tick([once], at("2026-11-24T10:00:01")) == [once]
    clock.tick([once], at("2026-11-24T10:00:02"))
    assert fired == [at("2026-11-24T10:00:00")]


def test_a_disabled_schedule_does_not_fire() -> None:
    fired: list[datetime] = []
    clock = Clock(lambda one, moment: fired.append(moment))
    off = schedule("rate(1 minute)", State="DISABLED")
    for minute in range(5):
        clock.tick([off], at(f"2026-11-24T10:0{minute}:00"))
    assert fired == []


def fired_at(one: dict[str, object], *, wait_scale: float = 1.0) -> dict[datetime, datetime]:
    """When each scheduled time was fired, within a day."""
    clock = Clock(lambda *_: None, wait_scale=wait_scale)
    minutes = (at("2026-11-24T00:00:00") + timedelta(minutes=minute) for minute in range(24 * 60))
    return {due: now for now in minutes if (due := clock.due(one, now)) is not None}


def test_a_flexible_window_fires_once_somewhere_inside_it_and_always_there() -> None:
    hourly = schedule("rate(1 hour)", FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30})
    times = fired_at(hourly)
    delays = [(now - planned).total_seconds() / 60 for planned, now in times.items()]
    assert len(times) >= 22 and max(delays) <= 31 and len({round(delay) for delay in delays}) > 10
    assert fired_at(hourly) == times
    shrunk = fired_at(hourly, wait_scale=0.0)
    assert {(now - planned).total_seconds() for planned, now in shrunk.items()} == {0.0}


@pytest.mark.parametrize(
    "window",
    [
        {"Mode": "FLEXIBLE"},
        {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 0},
        {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441},
        {"Mode": "OFF", "MaximumWindowInMinutes": 5},
    ],
)
def test_a_window_that_is_none_is_refused(window: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="MaximumWindowInMinutes"):
        check_window(window)
