"""EventBridge Scheduler's expressions: what they mean, when they fire, and which of them start a pipeline.

Source: EventBridge Scheduler user guide, "Schedule types": cron-based, rate-based and one-time schedules, time zones.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import available_timezones

from config.errors import did_you_mean

_FIELDS = ("minutes", "hours", "day of month", "month", "day of week", "year")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_NAMES = {
    3: "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(),
    4: "SUN MON TUE WED THU FRI SAT".split(),
}
_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_LENGTHS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_YEAR = timedelta(days=366)
# The shortest rate of the service is a minute: who asks for it has mistaken a field. A run holds the pipeline's lock,
# and every start until it ends is turned away, with an alarm.
_EVERY_MINUTE = timedelta(minutes=1)
_MOST_LOOKED_AT = 1_000  # starts, of which two that are close tell


@dataclass(frozen=True)
class Cron:
    """`day` says whether a date is one of the expression's; `times` are minutes of such a day, in order."""

    day: Callable[[date], bool]
    times: tuple[int, ...]

    def fires(self, since: datetime, until: datetime) -> Iterator[datetime]:
        at = datetime(since.year, since.month, since.day)
        while at < until:
            if self.day(at.date()):
                moments = (at + timedelta(minutes=minute) for minute in self.times)
                yield from (moment for moment in moments if since <= moment < until)
            at += timedelta(days=1)


def check_schedule(expression: str, *, now: datetime | None = None) -> str:
    """A `cron(...)` or `rate(...)` that starts a pipeline: it fires within a year, and not every minute.

    Raises ValueError that names the expression and the field or the cure.
    """
    if _AT.fullmatch(expression):
        raise ValueError(f"expression is {expression!r}, which fires once: write cron(...) or rate(...)")
    return check_starts(expression, now=now)


def check_starts(expression: str, *, now: datetime | None = None) -> str:
    """The same of any schedule, also of one that fires once."""
    _check_unit(expression)
    starts = list(islice(fires(expression, now or datetime.now()), _MOST_LOOKED_AT))
    if not starts:
        raise ValueError(
            f"expression {expression!r} does not fire within a year: correct its days, month or year"
        )
    if any(after - before <= _EVERY_MINUTE for before, after in pairwise(starts)):
        raise ValueError(
            f"expression {expression!r} fires every minute, while a run takes hours and turns others away: "
            "correct its minutes, such as cron(0 3 * * ? *)"
        )
    return expression


def _check_unit(expression: str) -> None:
    """EventBridge's rules refuse `rate(1 days)` and `rate(5 minute)`; the Scheduler's guide shows neither."""
    rate = _RATE.fullmatch(expression)
    if rate is None:
        return
    right = f"rate({rate[1]} {rate[2]}{'' if rate[1] == '1' else 's'})"
    if expression != right:
        raise ValueError(f"expression is {expression!r}: write {right}")


# Leap days and each weekday at each day of a month come within four years; a window that begins with a year gives the
# same answer all through it.
_FOUR_YEARS = 4 * 365 + 1


def longest_wait(expression: str, *, since: date | None = None) -> timedelta | None:
    """The longest time between two starts in a row; None where there are no two in four years.

    Raises ValueError for no expression.
    """
    if rate := _RATE.fullmatch(expression):
        return int(rate[1]) * _LENGTHS[rate[2]]
    if _AT.fullmatch(expression):
        return None
    given = cron(expression)
    first = since or date(datetime.now().year, 1, 1)
    days = [day for day in (first + timedelta(days=n) for n in range(_FOUR_YEARS)) if given.day(day)]
    within = [timedelta(minutes=after - before) for before, after in pairwise(given.times)]
    night = timedelta(minutes=given.times[0] - given.times[-1])
    return max([*(after - before + night for before, after in pairwise(days)), *within], default=None)


# What an alarm on periods of an hour looks back at most: CloudWatch's PutMetricAlarm, EvaluationPeriods.
LOOKS_BACK_HOURS = 7 * 24
# Of an environment with as many data as the ones that are shipped; who has more sets `late_after_hours`.
_HOURS_OF_A_RUN = 6


def late_after(expression: str) -> int | None:
    """Hours from one start to the end of the next run, at the longest; None where no alarm looks back so far."""
    wait = _wait_hours(expression)
    return None if wait >= LOOKS_BACK_HOURS else min(math.ceil(wait) + _HOURS_OF_A_RUN, LOOKS_BACK_HOURS)


def check_late_after(hours: int, expression: str) -> None:
    """Refuses an alarm that rings between two starts although nothing is late. Raises ValueError with the cure."""
    wait = _wait_hours(expression)
    if hours > wait:
        return
    waits = "more than four years" if wait == math.inf else f"{wait:g} hours"
    more = f" or write {math.floor(wait) + 1} or more" if wait < LOOKS_BACK_HOURS else ""
    raise ValueError(
        f"late_after_hours is {hours}, and expression {expression!r} leaves up to {waits} between two starts: "
        f"the alarm would ring though nothing is late, so leave the key out{more}"
    )


def _wait_hours(expression: str) -> float:
    wait = longest_wait(expression)
    return math.inf if wait is None else wait / timedelta(hours=1)


# A machine's own, which another machine has otherwise or not at all.
_OF_THE_MACHINE = frozenset({"localtime", "Factory", "posixrules"})


def check_time_zone(name: str) -> str:
    """An IANA time zone. Raises ValueError with a cure that is never another zone of a like name."""
    known = available_timezones() - _OF_THE_MACHINE
    if name not in known:
        example = "write region and city, such as Asia/Tokyo, or UTC"
        cure = did_you_mean(name, known) if "/" in name else example
        raise ValueError(f"time_zone is {name!r}, no time zone of IANA: {cure}")
    return name


def fires(expression: str, since: datetime) -> Iterator[datetime]:
    """Every start within a year of `since`, in the schedule's own time zone. Raises ValueError for no expression."""
    rate, at = _RATE.fullmatch(expression), _AT.fullmatch(expression)
    if rate:
        return _repeated(int(rate[1]) * _LENGTHS[rate[2]], since)
    if at:
        return (moment for moment in (_moment(expression, at[1]),) if moment >= since)
    return cron(expression).fires(since, since + _YEAR)


def _repeated(length: timedelta, since: datetime) -> Iterator[datetime]:
    moment = since
    while moment < since + _YEAR:
        yield moment
        moment += length


def _moment(expression: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expression {expression!r}: {error}: write a date that exists") from None


def cron(expression: str) -> Cron:
    """Raises ValueError that names the expression, and the field."""
    body = re.fullmatch(r"cron\((.+)\)", expression)
    if not body:
        raise ValueError(
            f"expression is {expression!r}: write cron(minutes hours day-of-month month day-of-week year), "
            "such as cron(0 3 * * ? *), or rate(1 day)"
        )
    fields = body.group(1).split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"expression {expression!r} has {len(fields)} fields, a cron has 6: {', '.join(_FIELDS)}"
        )
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"expression {expression!r}: exactly one of day of month and day of week must be ?")
    minutes, hours, months, years = (_values(expression, at, fields[at]) for at in (0, 1, 3, 5))
    of_month, of_week = _of_month(expression, fields[2]), _of_week(expression, fields[4])

    def day(given: date) -> bool:
        return given.month in months and given.year in years and of_month(given) and of_week(given)

    return Cron(day, tuple(hour * 60 + minute for hour in sorted(hours) for minute in sorted(minutes)))


Day = Callable[[date], bool]


def _of_month(expression: str, field: str) -> Day:
    if field == "?":
        return lambda day: True
    parts = [_day_of_month(expression, part) for part in field.split(",")]
    return lambda day: any(part(day) for part in parts)


def _day_of_month(expression: str, part: str) -> Day:
    weekday = re.fullmatch(r"(\d+)W", part)
    if part == "L":
        return lambda day: day.day == _last(day)
    if part == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last(day))
    if weekday and 1 <= int(weekday[1]) <= 31:
        return lambda day: day.day == _nearest_weekday(day, int(weekday[1]))
    days = _values(expression, 2, part)
    return lambda day: day.day in days


def _of_week(expression: str, field: str) -> Day:
    if field == "?":
        return lambda day: True
    parts = [_day_of_week(expression, part) for part in field.split(",")]
    return lambda day: any(part(day) for part in parts)


def _day_of_week(expression: str, part: str) -> Day:
    """`L` is Saturday, `5L` the month's last Thursday, `3#2` its second Tuesday."""
    last, nth = re.fullmatch(r"([1-7])L", part), re.fullmatch(r"([1-7])#([1-5])", part)
    if last:
        return lambda day: _weekday(day) == int(last[1]) and day.day > _last(day) - 7
    if nth:
        return lambda day: _weekday(day) == int(nth[1]) and (day.day + 6) // 7 == int(nth[2])
    days = {7} if part == "L" else _values(expression, 4, part)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The day within the month; 0 in a month that has no such day."""
    if wanted > _last(day):
        return 0
    weekday = _weekday(day.replace(day=wanted))
    if weekday == 7:
        return wanted - 1 if wanted > 1 else 3
    if weekday == 1:
        return wanted + 1 if wanted < _last(day) else wanted - 2
    return wanted


def _values(expression: str, position: int, field: str) -> frozenset[int]:
    return frozenset(value for part in field.split(",") for value in _of_part(expression, position, part))


def _of_part(expression: str, position: int, part: str) -> range:
    """`*`, `a`, `a-b`, each with `/step`; `a/step` goes on to the field's end."""
    low, high = _RANGES[position]
    base, slash, step = part.partition("/")
    ends = [str(low), str(high)] if base == "*" else base.split("-")
    numbers = [_number(position, end) for end in ends]
    inside = [number for number in numbers if number is not None and low <= number <= high]
    stepped = not slash or (step.isdecimal() and int(step) > 0)
    if len(inside) != len(ends) or len(ends) > 2 or inside[0] > inside[-1] or not stepped:
        raise ValueError(f"expression {expression!r}: {_FIELDS[position]} {part!r} is not in {low}-{high}")
    last = high if slash and len(ends) == 1 else inside[-1]
    return range(inside[0], last + 1, int(step) if slash else 1)


def _number(position: int, text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    names = _NAMES.get(position, [])
    return names.index(text.upper()) + 1 if text.upper() in names else None
