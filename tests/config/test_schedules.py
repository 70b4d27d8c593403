"""Schedules: when they fire, by two other implementations and by the examples of AWS's user guide."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from pyawscron import AWSCron

from config.schedules import check_late_after, check_schedule, check_starts, fires, late_after, longest_wait
from osusume_endpoint.scheduler import expressions

NOW = datetime(2026, 11, 27, 12)


def ours(expression: str, count: int) -> list[datetime]:
    return list(islice(fires(expression, NOW + timedelta(minutes=1)), count))


# EventBridge Scheduler user guide, "Schedule types", with the times that its sentences say.
GUIDE = {
    "cron(15 10 L * ? 2019-2029)": ("2026-11-30T10:15", "2026-12-31T10:15", "2027-01-31T10:15"),
    "cron(0 10 * * ? *)": ("2026-11-28T10:00", "2026-11-29T10:00"),  # every day
    "cron(0 18 ? * MON-FRI *)": ("2026-11-27T18:00", "2026-11-30T18:00", "2026-12-01T18:00"),
    "cron(0 8 1 * ? *)": ("2026-12-01T08:00", "2027-01-01T08:00"),  # the first of a month
    "cron(0/10 * ? * MON-FRI *)": ("2026-11-27T12:10", "2026-11-27T12:20"),
    "cron(30 10 ? * 6L 2019-2029)": ("2026-12-25T10:30", "2027-01-29T10:30"),  # the last Friday
    "cron(0 9 ? * 3#2 *)": ("2026-12-08T09:00", "2027-01-12T09:00"),  # "the second Tuesday of the month"
    "cron(0 9 3W * ? *)": ("2026-12-03T09:00", "2027-01-04T09:00"),  # "the weekday closest to the third day"
    "rate(1 day)": ("2026-11-27T12:01", "2026-11-28T12:01"),
    "at(2027-01-01T00:00:00)": ("2027-01-01T00:00",),
}


@pytest.mark.parametrize("expression", GUIDE)
def test_the_guides_examples_fire_when_it_says(expression: str) -> None:
    wanted = [datetime.fromisoformat(text) for text in GUIDE[expression]]
    assert ours(expression, len(wanted)) == wanted


def made(chance: random.Random) -> str:
    """Forms that pyawscron reads: one value for L, W and #; it crashes on days that a month lacks."""
    minute = chance.choice(("0", "30", "0/20", "5,45", "10-40/15"))
    hour = chance.choice(("3", "*", "0/6", "22,23", "8-18/5"))
    month = chance.choice(("*", "2", "JAN,JUL", "4-6", "1/3"))
    year = chance.choice(("*", "2026-2028", "2027"))
    of_month = chance.choice(("*", "28", "L", "1W", "15W", "10-12", "2,20", "1/9"))
    of_week = chance.choice(("MON", "SUN-TUE", "2#1", "6#5", "6L", "7", "1,4"))
    days = f"{of_month} {month} ?" if chance.random() < 0.5 else f"? {month} {of_week}"
    return f"cron({minute} {hour} {days} {year})"


@pytest.mark.parametrize("seed", range(4))
def test_schedules_made_by_chance_fire_when_another_implementation_says(seed: int) -> None:
    chance = random.Random(seed)
    for expression in {made(chance) for _ in range(40)}:
        found = ours(expression, 12)
        theirs = AWSCron.get_next_n_schedule(len(found), NOW.replace(tzinfo=UTC), expression[5:-1])
        assert found == [moment.replace(tzinfo=None) for moment in theirs], expression
        assert found == by_the_endpoint(expression, len(found)), expression


@pytest.mark.parametrize(
    ("wrong", "right"), [("rate(1 days)", "rate(1 day)"), ("rate(5 minute)", "rate(5 minutes)")]
)
def test_a_unit_of_another_number_is_refused_with_the_right_one(wrong: str, right: str) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(wrong)}': write {re.escape(right)}"):
        check_schedule(wrong)
    assert check_schedule(right) == right


@pytest.mark.parametrize("seed", range(4))
def test_the_longest_wait_is_that_of_another_implementation(seed: int) -> None:
    chance, since = random.Random(seed), datetime(2026, 1, 1, tzinfo=UTC)
    for expression in {made(chance) for _ in range(8)}:
        every = AWSCron(expression[5:-1])
        theirs, moment = [], every.occurrence(since).next()
        while moment and moment.year < 2030 and len(theirs) < 1_500:
            theirs.append(moment)
            moment = every.occurrence(moment).next()
        wait, seen = longest_wait(expression, since=since.date()), len(theirs) == 1_500
        waits = [after - before for before, after in pairwise(theirs)]
        assert (max(waits) <= (wait or timedelta())) if seen else (wait == max(waits, default=None)), (
            expression
        )


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("cron(0 3 * * ? *)", 30),
        ("cron(0 1,3 * * ? *)", 28),
        ("cron(0 3 ? * MON-FRI *)", 78),
        ("rate(12 hours)", 18),
        ("rate(6 days)", 150),
        ("cron(0 3,15 ? * SUN-FRI *)", 42),
        ("cron(0 3,9 ? * MON *)", 168),  # 162 hours and six
        ("cron(0 3 ? * MON *)", None),
        ("rate(7 days)", None),
        ("cron(0 3 L * ? *)", None),
        ("cron(0 3 1 1 ? 2199)", None),
    ],
)
def test_a_run_is_late_six_hours_after_the_longest_wait(expression: str, hours: int | None) -> None:
    assert late_after(expression) == hours


def test_an_alarm_that_would_ring_between_two_starts_is_refused_with_hours_that_are_accepted() -> None:
    check_late_after(73, "cron(0 3 ? * MON-FRI *)")
    with pytest.raises(ValueError, match=r"up to 72 hours between two starts: .*or write 73 or more"):
        check_late_after(72, "cron(0 3 ? * MON-FRI *)")
    with pytest.raises(ValueError, match=r"up to 168 hours .*, so leave the key out\Z"):
        check_late_after(168, "rate(7 days)")


@pytest.mark.parametrize("days", ["31 * ?", "29,30 * ?", "1/10 * ?", "LW * ?", "? * 1#5", "30 2,3 ?"])
def test_days_that_some_months_lack_fire_in_the_others(days: str) -> None:
    found = ours(f"cron(0 3 {days} *)", 12)
    assert found and found == by_the_endpoint(f"cron(0 3 {days} *)", len(found))


def by_the_endpoint(expression: str, count: int) -> list[datetime]:
    found: list[datetime] = []
    for _ in range(count):
        after = (found or [NOW])[-1].replace(tzinfo=UTC)
        moment = expressions.parse(expression, "UTC").next_after(after, anchor=after)
        assert moment is not None
        found.append(moment.replace(tzinfo=None))
    return found


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 31 2 ? *)",
        "cron(0 3 31 4,6,9,11 ? *)",
        "cron(0 3 30 FEB ? *)",
        "cron(0 3 29 2 ? *)",  # the next one is in 2028
        "cron(0 3 * * ? 2025)",
        "cron(0 3 * * ? 2030)",
        "cron(0 3 31W 2 ? *)",
        "cron(0 3 ? 2 1#5 *)",
    ],
)
def test_a_schedule_that_does_not_fire_again_within_a_year_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"does not fire within a year"):
        check_schedule(expression, now=NOW)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "cron(* * * * ? *)",
        "cron(0/1 * * * ? *)",
        "cron(0-59 3 * * ? *)",
        "cron(* 3 ? * MON *)",
        "cron(59,0 * * * ? *)",
    ],
)
def test_a_schedule_that_fires_every_minute_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"fires every minute"):
        check_schedule(expression, now=NOW)


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("cron(0 3 40W * ? *)", "day of month '40W'"),
        ("cron(0 3 0W * ? *)", "day of month '0W'"),
        ("cron(0 3 W * ? *)", "day of month 'W'"),
        ("cron(0 3 ? * 8#1 *)", "day of week '8#1'"),
        ("cron(0 3 ? * 2#6 *)", "day of week '2#6'"),
        ("cron(0 3 20-10 * ? *)", "day of month '20-10'"),
        ("cron(0 3 1- * ? *)", "day of month '1-'"),
        ("cron(0/0 3 * * ? *)", "minutes '0/0'"),
        ("cron(? 3 * * ? *)", "minutes '?'"),
        ("cron(L 3 * * ? *)", "minutes 'L'"),
        ("cron(0 3 * * ? 1969)", "year '1969'"),
        ("cron(²0 3 * * ? *)", "minutes '²0'"),
    ],
)
def test_a_field_that_says_nothing_is_named(expression: str, word: str) -> None:
    with pytest.raises(ValueError) as raised:
        check_schedule(expression, now=NOW)
    assert word in str(raised.value)


def test_a_schedule_that_fires_once_starts_no_pipeline_and_may_stand_in_a_template() -> None:
    with pytest.raises(ValueError, match=r"fires once: write cron"):
        check_schedule("at(2027-01-01T00:00:00)", now=NOW)
    assert check_starts("at(2027-01-01T00:00:00)", now=NOW)
    with pytest.raises(ValueError, match=r"does not fire within a year"):
        check_starts("at(2026-01-01T00:00:00)", now=NOW)
    with pytest.raises(ValueError, match=r"write a date that exists"):
        check_starts("at(2027-02-30T00:00:00)", now=NOW)
