"""Schedule expressions of EventBridge Scheduler: cron, rate and at, in a time zone.

Source: "Schedule types" of the EventBridge Scheduler user guide. A local time that a daylight saving change
skips does not fire; one that it repeats fires once. Rates count elapsed time, whatever the zone.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_HORIZON = timedelta(days=366 * 8)  # long enough for 29 February


class InvalidExpression(ValueError):
    """Names the expression and what is wrong with it."""


@dataclass(frozen=True)
class Rate:
    seconds: int

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime:
        passed = max(0, int((moment - anchor).total_seconds() // self.seconds))
        return anchor + timedelta(seconds=(passed + 1) * self.seconds)


@dataclass(frozen=True)
class At:
    moment: datetime

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:
        return self.moment if self.moment > moment else None


@dataclass(frozen=True)
class Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    day_of_month: str
    months: frozenset[int]
    day_of_week: str
    years: frozenset[int]
    zone: ZoneInfo

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:
        start = moment.astimezone(self.zone)
        day = start.date()
        while day <= start.date() + _HORIZON:
            if day.year in self.years and day.month in self.months and self._matches(day):
                found = self._first_on(day, after=moment)
                if found:
                    return found
            day += timedelta(days=1)
        return None

    def _first_on(self, day: date, *, after: datetime) -> datetime | None:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                fired = local.astimezone(UTC)
                exists = fired.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None)
                if exists and fired > after:
                    return fired
        return None

    def _matches(self, day: date) -> bool:
        if self.day_of_week == "?":
            return _matches_day_of_month(self.day_of_month, day)
        return _matches_day_of_week(self.day_of_week, day)


Expression = Rate | At | Cron


def parse(text: str, zone: str = "UTC") -> Expression:
    """Raises InvalidExpression."""
    try:
        where = ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidExpression(f"{zone} is not a time zone of the IANA database") from None
    found = re.fullmatch(r"\s*(rate|cron|at)\((.*)\)\s*", text)
    if not found:
        raise InvalidExpression(f"Invalid Schedule Expression {text}. Use cron(), rate() or at().")
    kind, body = found.groups()
    if kind == "rate":
        return _rate(body, text)
    return _at(body, text, where) if kind == "at" else _cron(body, text, where)


def _rate(body: str, text: str) -> Rate:
    found = re.fullmatch(r"(\d+) (minute|hour|day)s?", body.strip())
    if not found or int(found.group(1)) < 1:
        raise InvalidExpression(f"Invalid Schedule Expression {text}: rate(value minutes|hours|days)")
    return Rate(int(found.group(1)) * _UNITS[found.group(2)])


def _at(body: str, text: str, zone: ZoneInfo) -> At:
    try:
        return At(datetime.strptime(body.strip(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).astimezone(UTC))
    except ValueError:
        raise InvalidExpression(f"Invalid Schedule Expression {text}: at(yyyy-mm-ddThh:mm:ss)") from None


def _cron(body: str, text: str, zone: ZoneInfo) -> Cron:
    fields = body.split()
    if len(fields) != 6:
        raise InvalidExpression(
            f"Invalid Schedule Expression {text}: cron takes six fields, got {len(fields)}"
        )
    minutes, hours, day_of_month, months, day_of_week, years = fields
    if (day_of_month == "?") == (day_of_week == "?"):
        raise InvalidExpression(
            f"Invalid Schedule Expression {text}: exactly one of day-of-month and day-of-week must be ?"
        )
    try:
        cron = Cron(
            minutes=_values(minutes, 0, 59),
            hours=_values(hours, 0, 23),
            day_of_month=day_of_month.upper(),
            months=_values(months, 1, 12, _MONTHS),
            day_of_week=day_of_week.upper(),
            years=_values(years, 1970, 2199),
            zone=zone,
        )
        cron._matches(date(2026, 1, 1))  # a malformed day field shows here
    except (ValueError, KeyError) as error:
        raise InvalidExpression(f"Invalid Schedule Expression {text}: {error}") from None
    return cron


def _values(field: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        first, last = _span(span, low, high, names or {}, stepped=bool(step))
        if not low <= first <= last <= high:
            raise ValueError(f"{part} is not within {low}-{high}")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _span(span: str, low: int, high: int, names: dict[str, int], *, stepped: bool) -> tuple[int, int]:
    if span == "*":
        return low, high
    first, _, last = span.partition("-")
    start = _number(first, names)
    if last:
        return start, _number(last, names)
    return start, high if stepped else start


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)


def _matches_day_of_month(field: str, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if field == "L":
        return day.day == last
    if field == "LW":
        return day.day == _nearest_weekday(day.year, day.month, last)
    if field.endswith("W"):
        return day.day == _nearest_weekday(day.year, day.month, min(int(field[:-1]), last))
    return day.day in _values(field, 1, 31)


def _nearest_weekday(year: int, month: int, wanted: int) -> int:
    last, weekday = calendar.monthrange(year, month)[1], date(year, month, wanted).weekday()
    if weekday == 5:  # Saturday
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 6:
        return wanted + 1 if wanted < last else wanted - 2
    return wanted


def _matches_day_of_week(field: str, day: date) -> bool:
    number = day.isoweekday() % 7 + 1  # Sunday is 1
    if "#" in field:
        wanted, _, nth = field.partition("#")
        return number == _number(wanted, _DAYS) and (day.day - 1) // 7 + 1 == int(nth)
    if field.endswith("L"):
        last = calendar.monthrange(day.year, day.month)[1]
        return number == (_number(field[:-1], _DAYS) if field != "L" else 7) and day.day > last - 7
    return number in _values(field, 1, 7, _DAYS)
