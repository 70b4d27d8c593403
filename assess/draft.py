"""Which fields a Users or Items dataset would have, told by the columns of a person's files."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from config import limits, rules
from config.settings import DatasetField

KEYS = {"users": "USER_ID", "items": "ITEM_ID"}
TITLE = "TITLE"
CREATED = "CREATION_TIMESTAMP"
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_WHOLE, _NUMBER = r"[+-]?(?:0|[1-9][0-9]{0,17})", r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
FEW_VALUES = 100  # whole numbers of so few values are codes, not quantities
TEXT_LENGTH = 40  # mean characters of a text
ALMOST_ALL = 0.9  # of the rows have a value of their own: a name, which nothing can be learned from
MANY = 50  # rows, from which on that is said


@dataclass(frozen=True)
class Left:
    """A column that makes no field, and why: a key of the words."""

    table: str
    column: str
    reason: str


@dataclass(frozen=True)
class Draft:
    fields: tuple[DatasetField, ...]  # the key first; the key alone makes no dataset
    left: tuple[Left, ...]


def draft(name: str, frame: pd.DataFrame) -> Draft:
    """`frame`: texts under upper-case names, as own_columns.metadata_columns gives them."""
    key = KEYS[name]
    fields, left = [DatasetField(name=key, column=key.lower())], []
    text = _longest_text(frame) if name == "items" else None
    for column in [c for c in frame.columns if c not in (key, TITLE)]:
        reason = _unusable(name, column, frame[column], text)
        if reason:
            left.append(Left(name, column, reason))
        else:
            fields.append(_field(column, frame[column], textual=column == text))
    most = limits.MAX_METADATA[key] + 1
    left += [Left(name, field.name, "too_many") for field in fields[most:]]
    return Draft(tuple(fields[:most]), tuple(left))


def _unusable(name: str, column: str, values: pd.Series, text: str | None) -> str:
    """The reason why the column can be no field; empty where it can."""
    given = values.dropna()
    if not _NAME.fullmatch(column) or not _takes(KEYS[name], column):
        return "name"
    if not len(given):
        return "empty"
    if column == CREATED:
        return ""
    if given.nunique() == 1 and len(given) == len(values):
        return "constant"
    if column == text or _all_like(given, _NUMBER):
        return ""
    unique = given.nunique() > ALMOST_ALL * len(given) and len(given) > MANY
    return "unique" if unique else ""


def _takes(key: str, column: str) -> bool:
    try:
        rules.check_column_name(key, column)
    except ValueError:
        return False
    return True


def _longest_text(frame: pd.DataFrame) -> str | None:
    """Personalize takes one textual field in Items ("Quotas")."""
    lengths = {
        column: float(frame[column].str.len().mean())
        for column in frame.columns
        if column not in (*KEYS.values(), TITLE, CREATED) and frame[column].notna().any()
    }
    texts = {c: n for c, n in lengths.items() if n > TEXT_LENGTH and frame[c].nunique() > len(frame) / 2}
    return max(texts, key=lambda column: texts[column]) if texts else None


def _field(column: str, values: pd.Series, *, textual: bool) -> DatasetField:
    given = values.dropna()
    if column == CREATED:
        return DatasetField(name=CREATED, column="created_at", type="long")
    kind = _type(given)
    return DatasetField(
        name=column,
        column=column.lower(),
        type=kind,  # type: ignore[arg-type]
        textual=textual,
        categorical=kind == "string" and not textual,
        nullable=True,
    )


def _type(given: pd.Series) -> str:
    if _all_like(given, _WHOLE):
        if given.nunique() <= FEW_VALUES:
            return "string"
        low, high = limits.INTEGERS["int"]
        numbers = given.astype("int64")
        return "int" if numbers.between(low, high).all() else "long"
    return "double" if _all_like(given, _NUMBER) else "string"


def _all_like(given: pd.Series, pattern: str) -> bool:
    return bool(given.str.fullmatch(pattern).all())
