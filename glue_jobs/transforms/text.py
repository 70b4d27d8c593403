"""Values as text that CSV and JSON lines carry unharmed."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import (
    ACTION_ID,
    ITEM_ID,
    MAX_ID_LENGTH,
    MAX_WRONG_LENGTH,
    SHOWN,
    USER_ID,
    WIDEST_BYTES,
)

# Line and paragraph separators too: a CSV or JSON reader may end a record at any of them.
_BREAKS = "[\\r\\n\\u000B\\u000C\\u0085\\u2028\\u2029\\u0000]+"

# Columns whose texts are ids: lists are looked up by them, so they stay as they are.
_IDS = {USER_ID, ITEM_ID, ACTION_ID, *SHOWN.values()}
# What readers of CSV differ about, and its full-width form, which each reads alike.
_WIDE = {'"': "\uff02", r"\\": "\uff3c"}

LARGEST = 1e18
PLAIN = "0.#########"
# Items of a list whose JSON fits into the warehouse's widest column whatever they are: each has up to 256 characters
# of up to six bytes (JSON writes a control character as \\u0001), two quotes and a comma.
_ITEMS_THAT_FIT = WIDEST_BYTES // (6 * MAX_ID_LENGTH + 3)


def one_line(column: Column) -> Column:
    """Line breaks become a blank: Personalize reads one record per line. Blank text becomes null."""
    flat = F.regexp_replace(column.cast("string"), _BREAKS, " ")
    return F.when(flat.rlike(r"\S"), flat)


def plain_number(column: str) -> Column:
    """A number without an exponent (Spark writes 1.0E-8, and 0E-9 for a decimal zero) and without trailing zeros."""
    kind = "decimal(28,9)"
    return F.expr(f"format_number(try_cast(`{column}` as {kind}), '{PLAIN}')")


def number(column: str, kind: str = "double") -> Column:
    """Null where the text is no number, or one that others refuse to read (NaN, Infinity)."""
    value = F.expr(f"try_cast(cast(`{column}` as string) as {kind})")
    return F.when(value.between(-LARGEST, LARGEST), value)


def number_reason(column: str, reason: str) -> Column:
    """`reason` where a value is there that is no number."""
    given = one_line(F.col(column)).isNotNull()
    return F.when(given & number(column).isNull(), F.lit(reason))


def wrong(column: Column) -> Column:
    """A wrong value as it is kept beside its reason."""
    return cut(column.cast("string"), MAX_WRONG_LENGTH)


def json_value(column: Column) -> Column:
    """The JSON text of a scalar, escaped; null is `null`."""
    array = F.to_json(F.array(column))
    return array.substr(F.lit(2), F.length(array) - 2)


def try_cast(column: str, kind: str) -> Column:
    """Null where the text isn't a value of the type, on Spark 3 and 4 (which is ANSI by default)."""
    path = column if "." in column else f"`{column}`"
    return F.expr(f"try_cast({path} as {kind})")


def utc_text(seconds: Column) -> Column:
    """`YYYY-MM-DD HH:MM:SS` of epoch seconds; the session's time zone is UTC."""
    return F.date_format(F.timestamp_seconds(seconds), "yyyy-MM-dd HH:mm:ss")


def for_csv(frame: DataFrame) -> DataFrame:
    """Numbers with a fraction as plain text; everything else stays as it is."""
    fractions = {name for name, kind in frame.dtypes if kind in ("float", "double")}
    return frame.select([plain_number(c).alias(c) if c in fractions else F.col(c) for c in frame.columns])


def read_alike(frame: DataFrame) -> DataFrame:
    """Texts but ids with full-width quotation marks and backslashes.

    Personalize's guide escapes a quotation mark by a backslash ("Data format guidelines"), its notebooks double it and
    leave backslashes alone: what has neither is the same for both.
    """
    texts = {name for name, kind in frame.dtypes if kind == "string" and name not in _IDS}
    return frame.select([_widened(F.col(c)).alias(c) if c in texts else F.col(c) for c in frame.columns])


def _widened(column: Column) -> Column:
    return reduce(lambda so_far, mark: F.regexp_replace(so_far, mark, _WIDE[mark]), _WIDE, column)


def cut(column: Column, characters: int) -> Column:
    """The first characters: what the warehouse keeps of a longer text."""
    return F.substring(column, 1, characters)


def list_as_json(items: Column) -> Column:
    """A list of ids as JSON that fits into the warehouse's widest column: of a longer one, the first items."""
    whole = F.to_json(items)
    short = F.transform(F.slice(items, 1, _ITEMS_THAT_FIT), lambda item: cut(item, MAX_ID_LENGTH))
    return F.when(F.octet_length(whole) <= WIDEST_BYTES, whole).otherwise(F.to_json(short))


def fits(*ids: str) -> Column:
    """Whether none of the ids is longer than Personalize and the warehouse take; one that is null fits."""
    lengths = [F.coalesce(F.length(name), F.lit(0)) <= MAX_ID_LENGTH for name in ids]
    return reduce(lambda one, other: one & other, lengths)
