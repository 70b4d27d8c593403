"""Checks the rows of a person's files: ids, times, values, duplicates."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from config.settings import DatasetField
from local.demo.own_columns import Table
from local.demo.problems import Problems

MAX_ID = 256
OLDEST = 100_000_000  # 1973: a smaller number is a date written as digits, or days
MILLISECONDS = 100_000_000_000  # the year 5138, in seconds


def interactions(table: Table, *, now: pd.Timestamp, problems: Problems) -> pd.DataFrame:
    """USER_ID, ITEM_ID, occurred_at (UTC), EVENT_VALUE and, where the file has it, EVENT_TYPE."""
    frame = table.frame
    _check_ids(table, "USER_ID", problems)
    _check_ids(table, "ITEM_ID", problems)
    times = _times(table, "TIMESTAMP", now=now, problems=problems)
    values = _values(table, problems)
    columns = ["USER_ID", "ITEM_ID", *(["EVENT_TYPE"] if "EVENT_TYPE" in frame else [])]
    if "EVENT_TYPE" in frame:
        _report(
            table, "EVENT_TYPE", frame.EVENT_TYPE.isna(), problems, lambda _: "it is empty: give the type"
        )
    result = frame[columns].astype(object).assign(occurred_at=times, EVENT_VALUE=values)
    _check_duplicates(table, result, [*columns, "occurred_at"], problems)
    return result


def metadata(
    table: Table, *, key: str, fields: tuple[DatasetField, ...], now: pd.Timestamp, problems: Problems
) -> pd.DataFrame:
    """The configuration's fields that the file has, CREATION_TIMESTAMP as UTC time, and TITLE."""
    _check_ids(table, key, problems)
    _check_duplicates(table, table.frame, [key], problems)
    names = [field.name for field in fields if field.name in table.frame]
    names += ["TITLE"] if "TITLE" in table.frame else []
    result = table.frame[list(dict.fromkeys([key, *names]))].astype(object)
    if "CREATION_TIMESTAMP" in names:
        times = _times(table, "CREATION_TIMESTAMP", now=now, problems=problems, required=False)
        result = result.assign(CREATION_TIMESTAMP=times)
    return result.where(result.notna(), None)


def _check_ids(table: Table, column: str, problems: Problems) -> None:
    ids = table.frame[column]
    _report(table, column, ids.isna(), problems, lambda _: "the id is missing: give it, or remove the row")
    _report(
        table,
        column,
        ids.str.len().fillna(0) > MAX_ID,
        problems,
        lambda value: f"the id has {len(value)} characters, Personalize takes {MAX_ID}: shorten it",
    )


def _check_duplicates(table: Table, frame: pd.DataFrame, columns: list[str], problems: Problems) -> None:
    repeats = frame.duplicated(columns) & frame[columns].notna().all(axis=1)
    if not repeats.any():
        return
    position = int(repeats.to_numpy().argmax())
    same = (frame[columns] == frame[columns].iloc[position]).all(axis=1)
    names = ", ".join(table.names.get("TIMESTAMP" if c == "occurred_at" else c, c) for c in columns)
    problems.add(
        f"it repeats row {table.row(int(same.to_numpy().argmax())):,}: remove one of them",
        file=table.file,
        row=table.row(position),
        more=int(repeats.sum()) - 1,
        column=names,
    )


def _times(
    table: Table, column: str, *, now: pd.Timestamp, problems: Problems, required: bool = True
) -> pd.Series:
    """UTC times of epoch seconds or ISO 8601; NaT where a problem was reported or nothing is given."""
    text = table.frame[column]
    number = pd.to_numeric(text, errors="coerce").astype("Float64")
    if required:
        _report(
            table, column, text.isna(), problems, lambda _: "the time is missing: give it in epoch seconds"
        )
    _report(table, column, _true(number.abs() >= MILLISECONDS), problems, _about_milliseconds)
    _report(table, column, _true(number < OLDEST), problems, _about_small)
    seconds = number.where((number >= OLDEST) & (number < MILLISECONDS))
    parsed = pd.to_datetime(text.where(number.isna()), format="ISO8601", utc=True, errors="coerce")
    times = pd.to_datetime(seconds.astype("Int64"), unit="s", utc=True).fillna(parsed)
    _report(
        table,
        column,
        text.notna() & number.isna() & parsed.isna(),
        problems,
        lambda value: (
            f"{value!r} is not a time: write epoch seconds (1760000000) or ISO 8601 (2026-01-31T12:00:00Z)"
        ),
    )
    _report(
        table,
        column,
        times > now,
        problems,
        lambda value: f"{value} is in the future (now is {now:%Y-%m-%dT%H:%M:%SZ}): correct it",
    )
    return times


def _true(flags: pd.Series) -> pd.Series:
    return flags.fillna(False).astype(bool)


def _about_milliseconds(value: str) -> str:
    return f"{value} is milliseconds or finer, Personalize takes seconds: divide by 1,000"


def _about_small(value: str) -> str:
    return f"{value} as epoch seconds is before 1973: write epoch seconds (1760000000) or ISO 8601"


def _values(table: Table, problems: Problems) -> pd.Series:
    if "EVENT_VALUE" not in table.frame:
        return pd.Series(float("nan"), index=table.frame.index, dtype="float64")
    text = table.frame["EVENT_VALUE"]
    values = pd.to_numeric(text, errors="coerce").astype("Float64")
    wrong = text.notna() & values.isna()
    _report(table, "EVENT_VALUE", wrong, problems, lambda value: f"{value!r} is not a number: correct it")
    return values.astype("float64")


def _report(
    table: Table, column: str, wrong: pd.Series, problems: Problems, text: Callable[[str], str]
) -> None:
    """One line for all rows of a kind: the first row's number and how many follow."""
    wrong = _true(wrong)
    if not wrong.any():
        return
    position = int(wrong.to_numpy().argmax())
    problems.add(
        text(str(table.frame[column].iloc[position])),
        file=table.file,
        row=table.row(position),
        more=int(wrong.sum()) - 1,
        column=table.names.get(column, column),
    )
