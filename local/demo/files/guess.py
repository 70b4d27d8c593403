"""Guesses that only make a cure concrete: which column may hold what. Nothing is read by them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_TIME = re.compile(
    r"\d{9,10}(\.\d+)?|\d{12,13}|\d{15,16}|\d{18,19}"  # epoch seconds, ms, µs, ns
    r"|(19|20)\d\d[-/]?[01]\d[-/]?[0-3]\d([ T].*)?|(19|20)\d\d[-/]\d{1,2}[-/]\d{1,2}([ T].*)?"
    r"|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}([ T].*)?"
)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_NAMES = {
    "USER_ID": r"user|customer|visitor|member|client|household|session|account|reviewer|person|uid|buyer",
    "ITEM_ID": r"item|product|article|movie|film|song|track|video|book|asin|sku|recipe|content|isbn|goods",
    "TIMESTAMP": r"time|date|when|day|_at$|dat$|^ts$",
}


def is_time(value: str) -> bool:
    return bool(_TIME.fullmatch(value.strip()))


def column_for(name: str, sample: Mapping[str, Sequence[str]], taken: Sequence[str] = ()) -> str | None:
    """The column that may hold USER_ID, ITEM_ID or TIMESTAMP, by its values (times) and its name."""
    free = [column for column in sample if column not in taken]
    if name == "TIMESTAMP":
        free = [column for column in free if _mostly_times(sample[column])]
    matching = [column for column in free if re.search(_NAMES[name], column, re.IGNORECASE)]
    return next(iter([*matching, *(free if name == "TIMESTAMP" else [])]), None)


def _mostly_times(values: Sequence[str]) -> bool:
    given = [value for value in values if value.strip()]
    return bool(given) and sum(map(is_time, given)) > 0.9 * len(given)


def is_data(fields: Sequence[str]) -> bool:
    """Whether the first line looks like a row: some of its fields are numbers or times."""
    return any(_NUMBER.fullmatch(field.strip()) or is_time(field) for field in fields)


def header_for(fields: Sequence[str]) -> list[str]:
    """Names in the order of the fields of a row: user and item first, as nearly every such file has them."""
    time = next((n for n in reversed(range(len(fields))) if is_time(fields[n])), None)
    names = iter(("USER_ID", "ITEM_ID"))
    return ["TIMESTAMP" if n == time else next(names, f"COLUMN_{n + 1}") for n, _ in enumerate(fields)]
