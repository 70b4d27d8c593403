"""Times as people write them -> UTC: epoch numbers by their size, ISO 8601, days, or a format of mapping.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pandas as pd

from local.demo.files.mapping import UNITS, Time

OLDEST = 100_000_000  # 1973, in seconds: a smaller number is a date written as digits, or days
MAX = 9_000_000_000_000_000_000  # below 2**63
# Each unit's numbers are 1,000 times the next one's, so that 1973 to 5138 tells them apart.
_BOUNDS = {unit: (OLDEST * per, min(1_000 * OLDEST * per, MAX)) for unit, per in UNITS.items()}
_TITLES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_DIGITS = r"-?[0-9]+(?:\.[0-9]*)?"
_EXPONENT = r"-?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+"
_ZONED = r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})$"
_DAY_AND_MONTH = r"([0-9]{1,2})([/.-])([0-9]{1,2})[/.-][0-9]{4}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?"
_YEAR_FIRST = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:[.,][0-9]+)?))?)?(?: ?(Z|UTC|GMT))?"
)
# Whole columns only: among epoch seconds, 20260131 is 1970.
_COMPACT = ((r"(?:19|20)[0-9]{6}", "%Y%m%d"), (r"(?:19|20)[0-9]{12}", "%Y%m%d%H%M%S"))
_DAY = r"[0-9]{4}[-/.]?[0-9]{1,2}[-/.]?[0-9]{1,2}"


@dataclass(frozen=True)
class Times:
    """`values`: UTC, NaT where nothing was read. The flags say why, the texts what was done."""

    values: pd.Series
    unreadable: pd.Series
    small: pd.Series  # numbers that would be before 1973
    shortened: pd.Series  # 1.76E+09: a spreadsheet dropped the digits
    units: dict[str, pd.Series] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def parse(text: pd.Series, how: Time) -> Times:
    """`text`: as written, nulls as <NA>."""
    none = pd.Series(False, index=text.index)
    compact = _compact(text) if not (how.unit or how.format) else None
    fmt = how.format or compact
    if fmt:
        parsed = pd.to_datetime(text, format=fmt, errors="coerce", utc="%z" in fmt)
        values, notes = _in_utc(parsed, how.zone)
        unreadable = text.notna() & values.isna()
        return Times(values, unreadable, none, none, {}, notes + _about_days(text, values, how))
    return _numbers_and_text(text, how)


def _compact(text: pd.Series) -> str | None:
    given = text.dropna()
    for pattern, fmt in _COMPACT:
        if (
            len(given)
            and given.str.fullmatch(pattern).all()
            and pd.to_datetime(given, format=fmt, errors="coerce").notna().all()
        ):
            return fmt
    return None


def _numbers_and_text(text: pd.Series, how: Time) -> Times:
    exponent = _flags(text.str.fullmatch(_EXPONENT))
    if exponent.any():
        text = text.mask(exponent, text[exponent].map(_without_exponent))
    shortened = exponent & text.isna()
    numeric = _flags(text.str.fullmatch(_DIGITS))
    micros, units, small = _epochs(text[numeric], how)
    values = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us, UTC]")
    values[numeric] = pd.to_datetime(micros, unit="us", utc=True).astype("datetime64[us, UTC]")
    rest = text.notna() & ~numeric
    notes: tuple[str, ...] = ()
    if rest.any():
        parsed, notes = _texts(text[rest], how.zone)
        values[rest] = parsed
        notes += _about_days(text[rest], parsed, how)
    spread = lambda part: part.reindex(text.index, fill_value=False)  # noqa: E731
    return Times(
        values,
        rest & values.isna(),
        spread(small),
        shortened,
        {unit: spread(flags) for unit, flags in units.items()},
        notes,
    )


def _without_exponent(value: str) -> str | None:
    """The number in digits, where it has all of them."""
    number = Decimal(value)
    kept = len(number.as_tuple().digits)
    return format(number, "f") if kept > number.adjusted() else None


def _epochs(text: pd.Series, how: Time) -> tuple[pd.Series, dict[str, pd.Series], pd.Series]:
    """Microseconds (NA where there are none), which rows are of which unit, and which are too small."""
    whole, fraction = _split(text)
    size = whole.astype("double[pyarrow]").abs()
    exact = whole.where(_flags(size < MAX)).astype("int64[pyarrow]").astype("Int64")
    micros = pd.Series(pd.NA, index=text.index, dtype="Int64")
    units = {}
    for unit, per in UNITS.items():
        low, high = _BOUNDS[unit]
        here = _flags((exact >= low) & (exact < high))
        if how.unit and unit != how.unit:
            continue
        if here.any():
            units[unit] = here
            micros[here] = _microseconds(exact[here], fraction[here], per)
    return micros, units, _flags(micros.isna())


def _split(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The digits before and after the point."""
    if not _flags(text.str.contains(".", regex=False)).any():
        return text, text.where(text.isna())
    parts = text.str.split(".", n=1, expand=True)
    return parts[0], parts[1]


def _microseconds(whole: pd.Series, fraction: pd.Series, per: int) -> pd.Series:
    if per >= 1_000_000:
        return whole // (per // 1_000_000)
    if fraction.isna().all():
        return whole * (1_000_000 // per)
    digits = len(str(1_000_000 // per)) - 1
    given = fraction.fillna("").str.slice(0, digits).str.pad(digits, side="right", fillchar="0")
    return whole * (1_000_000 // per) + given.astype("int64[pyarrow]").astype("Int64")


def _texts(text: pd.Series, zone: str | None) -> tuple[pd.Series, tuple[str, ...]]:
    """ISO 8601, with what people drop of it: zeros, T, dashes for slashes."""
    day = _flags(text.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"))
    minute = _flags(text.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"))
    unlike = ~(day | minute)
    unlike |= _flags(text.str.contains(r"UTC|GMT"))
    if unlike.any():
        text = text.mask(unlike, text[unlike].map(_iso))
    # pandas reads a month as its first day.
    text = text.mask(_flags(text.str.fullmatch(r"[0-9]{4}(?:-?[0-9]{2})?")), "no day")
    zoned = _flags(text.str.contains(r"[0-9]{1,2}:[0-9]{2}") & text.str.contains(_ZONED))
    values = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us, UTC]")
    moments = pd.to_datetime(text[zoned], format="ISO8601", utc=True, errors="coerce")
    values[zoned] = moments.astype("datetime64[us, UTC]")
    local = pd.to_datetime(text[~zoned], format="ISO8601", errors="coerce")
    values[~zoned], notes = _in_utc(local, zone)
    return values, notes


def _iso(value: str) -> str:
    match = _YEAR_FIRST.fullmatch(value.strip())
    if not match:
        return value
    year, month, day, hour, minute, second, zone = match.groups()
    date = f"{year}-{int(month):02d}-{int(day):02d}"
    if hour is None:
        return date
    time = f"{int(hour):02d}:{minute}:{(second or '00').replace(',', '.')}"
    return f"{date}T{time}{'Z' if zone else ''}"


def _in_utc(local: pd.Series, zone: str | None) -> tuple[pd.Series, tuple[str, ...]]:
    """Times of a zone (UTC without one). The first of an hour that clocks repeat; after one that they skip."""
    if isinstance(local.dtype, pd.DatetimeTZDtype):
        return local.dt.tz_convert("UTC").astype("datetime64[us, UTC]"), ()
    if not zone:
        plain = local.dt.tz_localize("UTC").astype("datetime64[us, UTC]")
        days = (local.dropna() == local.dropna().dt.normalize()).all()
        if local.notna().any() and not days:
            return plain, (
                "times without a zone are read as UTC: give `time: {zone: ...}` if they are local",
            )
        return plain, ()
    placed = local.dt.tz_localize(zone, ambiguous=np.ones(len(local), bool), nonexistent="shift_forward")
    return placed.dt.tz_convert("UTC").astype("datetime64[us, UTC]"), (f"times are of the zone {zone}",)


def _about_days(text: pd.Series, values: pd.Series, how: Time) -> tuple[str, ...]:
    given = text[values.notna()]
    if how.format or not len(given) or not given.str.fullmatch(_DAY).all():
        return ()
    return ("times are days: what a user did on one day counts as done at its midnight",)


def day_month_format(values: pd.Series) -> str | None:
    """The format of dates such as 31/01/2026 or 31.01.2026 14:05, which only mapping.yaml can tell for sure."""
    given = values.dropna().head(10_000)
    if not len(given) or not _flags(given.str.fullmatch(_DAY_AND_MONTH)).all():
        return None
    parts = given.str.extract(_DAY_AND_MONTH)
    separator = parts[1].iloc[0]
    month_first = (pd.to_numeric(parts[2]) > 12).any() and not (pd.to_numeric(parts[0]) > 12).any()
    date = separator.join(["%m", "%d", "%Y"] if month_first else ["%d", "%m", "%Y"])
    time = "" if parts[3].isna().all() else (" %H:%M" if parts[4].isna().all() else " %H:%M:%S")
    return date + time


def title(unit: str) -> str:
    return _TITLES[unit]


def _flags(flags: pd.Series) -> pd.Series:
    return flags.fillna(False).astype(bool)
