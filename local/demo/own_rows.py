"""Checks the rows of a person's files: ids, times, values, lengths; what a later stage would refuse is refused here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from config import limits
from config.settings import DatasetField
from local.demo import own_times
from local.demo.own_columns import Table
from local.demo.own_times import Times
from local.demo.problems import SHOWN, Problems, shown

_CJK = "[぀-ヿ㐀-鿿]"  # as the engine's import counts (Personalize: Chinese and Japanese text)
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
# With a decimal comma: a point stands between thousands and nowhere else.
_COMMA_NUMBER = r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*)(?:,?[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_NULLS = r"(?i)(?:null|none|nan|nat|n/?a|#n/a|nil|undefined|\\n|-+)"
_BREAK = f"[{limits.LINE_BREAKS}]"
_BOOLEANS = r"(?i:true|false|t|f|yes|no|y|n|1|0)"


def interactions(table: Table, *, now: pd.Timestamp, problems: Problems) -> pd.DataFrame:
    """USER_ID, ITEM_ID, occurred_at (UTC), EVENT_VALUE and, where the file or the mapping has it, EVENT_TYPE."""
    frame = table.frame
    _check_ids(table, "USER_ID", problems)
    _check_ids(table, "ITEM_ID", problems)
    times = _times(table, "TIMESTAMP", now=now, problems=problems)
    values = _values(table, problems)
    result = frame[["USER_ID", "ITEM_ID"]].astype(object).assign(occurred_at=times, EVENT_VALUE=values)
    if table.layout.event_type:
        return result.assign(EVENT_TYPE=table.layout.event_type)
    if "EVENT_TYPE" not in frame:
        return result
    _check_types(table, problems)
    return result.assign(EVENT_TYPE=frame.EVENT_TYPE.astype(object))


def metadata(
    table: Table, *, key: str, fields: tuple[DatasetField, ...], now: pd.Timestamp, problems: Problems
) -> pd.DataFrame:
    """The configuration's fields that the file has, CREATION_TIMESTAMP as UTC time, and TITLE."""
    _check_ids(table, key, problems)
    _check_duplicates(table, key, problems)
    present = [field for field in fields if field.name in table.frame]
    names = [key, *(field.name for field in present), *(["TITLE"] if "TITLE" in table.frame else [])]
    result = table.frame[list(dict.fromkeys(names))].astype(object)
    if "CREATION_TIMESTAMP" in names:
        times = _times(table, "CREATION_TIMESTAMP", now=now, problems=problems, required=False)
        result = result.assign(CREATION_TIMESTAMP=times)
    for field in present:
        if field.name not in (key, "CREATION_TIMESTAMP"):
            _check_field(table, field, problems)
    if "TITLE" in table.frame:
        _check_storable(table, "TITLE", problems)
    return result.where(result.notna(), None)


def _check_ids(table: Table, column: str, problems: Problems) -> None:
    ids = table.frame[column]
    report(table, column, ids.isna(), problems, lambda _: "the id is missing: give it, or remove the row")
    report(
        table,
        column,
        ids.str.len().fillna(0) > limits.MAX_ID_LENGTH,
        problems,
        lambda value: (
            f"the id has {len(value)} characters, Personalize takes {limits.MAX_ID_LENGTH}: shorten it"
        ),
    )
    report(
        table,
        column,
        ids.str.contains(_BREAK),
        problems,
        lambda value: f"{shown(value)} holds a line break, which is no part of an id: remove it",
    )
    _check_storable(table, column, problems)


def _check_storable(table: Table, column: str, problems: Problems) -> None:
    report(
        table,
        column,
        table.frame[column].str.contains(limits.FORBIDDEN_CHARACTER, regex=False),
        problems,
        lambda value: f"{shown(value)} holds a NUL character, which the database can't store: remove it",
    )


def _check_types(table: Table, problems: Problems) -> None:
    types = table.frame.EVENT_TYPE
    report(table, "EVENT_TYPE", types.isna(), problems, lambda _: "it is empty: give the type")
    report(
        table,
        "EVENT_TYPE",
        types.str.len().fillna(0) > limits.MAX_EVENT_TYPE_LENGTH,
        problems,
        lambda value: (
            f"the type has {len(value)} characters, at most {limits.MAX_EVENT_TYPE_LENGTH} fit: shorten it"
        ),
    )
    _check_storable(table, "EVENT_TYPE", problems)


def _check_duplicates(table: Table, key: str, problems: Problems) -> None:
    ids = table.frame[key]
    repeats = ids.duplicated() & ids.notna()
    if not repeats.any():
        return
    first = int((ids == ids[repeats].iloc[0]).to_numpy(dtype=bool, na_value=False).argmax())
    file, row = table.place(first)
    place = f"row {row:,}" if len(table.files) == 1 else f"row {row:,} of {file}"
    report(table, key, repeats, problems, lambda _: f"it repeats {place}: remove one of them")


def _check_field(table: Table, field: DatasetField, problems: Problems) -> None:
    """A field of the configuration, by its type: the application's column and Personalize's schema take it."""
    if field.type in limits.INTEGERS:
        _check_integers(table, field, problems)
    elif field.type in ("float", "double"):
        _numbers(table, field.name, problems)
    elif field.type == "boolean":
        _refuse_unlike(table, field.name, _BOOLEANS, "is not true or false: write one of them", problems)
    else:
        _check_storable(table, field.name, problems)
        _check_length(table, field, problems)
        _warn_of_nothing(table, field.name, problems)


def _warn_of_nothing(table: Table, column: str, problems: Problems) -> None:
    """nan, as pandas writes a gap: a category of that name, which is learned from."""
    values = table.frame[column]
    like = _true(values.str.fullmatch(r"(?i)(?:null|none|nan|nat|undefined)"))
    if like.any():
        report(
            table,
            column,
            like,
            problems,
            lambda value: f"{shown(value)} is kept as a text: {_null_cure(values[like])}",
            warn=True,
        )


def _check_integers(table: Table, field: DatasetField, problems: Problems) -> None:
    text = table.frame[field.name]
    low, high = limits.INTEGERS[field.type]
    _refuse_unlike(
        table, field.name, r"[+-]?[0-9]+", f"is not a whole number ({field.type}): correct it", problems
    )
    whole = text[_true(text.str.fullmatch(r"[+-]?[0-9]+"))]
    beyond = whole.map(lambda value: len(value) > 20 or not low <= int(value) <= high).astype(bool)
    report(
        table,
        field.name,
        beyond.reindex(text.index, fill_value=False),
        problems,
        lambda value: f"{value} does not fit {field.type} ({low} to {high}): correct it",
    )


def _refuse_unlike(table: Table, column: str, pattern: str, text: str, problems: Problems) -> None:
    values = table.frame[column]
    wrong = values.notna() & ~_true(values.str.fullmatch(pattern))
    report(table, column, wrong, problems, lambda value: f"{shown(value)} {text}")


def _check_length(table: Table, field: DatasetField, problems: Problems) -> None:
    values = table.frame[field.name]
    limit = limits.MAX_TEXT_LENGTH if field.textual else limits.MAX_CATEGORY_LENGTH
    kind = "a text" if field.textual else "a categorical value"
    length = values.str.len().fillna(0)

    def cure(value: str, limit: int = limit, of: str = "") -> str:
        return f"it has {len(value):,} characters, Personalize takes {limit:,} of {kind}{of}: shorten it"

    report(table, field.name, length > limit, problems, cure)
    if field.textual:
        wide = (length > limits.MAX_TEXT_LENGTH_CJK) & (length <= limit) & values.str.contains(_CJK)
        report(
            table,
            field.name,
            wide,
            problems,
            lambda value: cure(value, limits.MAX_TEXT_LENGTH_CJK, " in Chinese or Japanese"),
        )


def _times(
    table: Table, column: str, *, now: pd.Timestamp, problems: Problems, required: bool = True
) -> pd.Series:
    """UTC times; NaT where a problem was reported or nothing is given."""
    text = table.frame[column]
    if required:
        report(
            table, column, text.isna(), problems, lambda _: "the time is missing: give it in epoch seconds"
        )
    times = own_times.parse(text, table.layout.time)
    for note in times.notes:
        problems.note(f"{table.names.get(column, column)}: {note}", file=table.file)
    _tell_units(table, column, times, problems)
    _refuse_times(table, column, times, now, problems, required)
    return times.values


def _tell_units(table: Table, column: str, times: Times, problems: Problems) -> None:
    """A unit that is not seconds is said; one that only a part of the rows has is a warning."""
    counts = {unit: int(flags.sum()) for unit, flags in times.units.items()}
    if not counts:
        return
    usual = max(counts, key=lambda unit: counts[unit])
    if usual != "s":
        name = table.names.get(column, column)
        problems.note(f"{name}: the numbers are epoch {own_times.title(usual)}", file=table.file)
    for unit, flags in times.units.items():
        if unit != usual:
            text = f"is in {own_times.title(unit)}, most are in {own_times.title(usual)}: read by its size"
            report(table, column, flags, problems, lambda value, text=text: f"{value} {text}", warn=True)  # type: ignore[misc]


def _refuse_times(
    table: Table, column: str, times: Times, now: pd.Timestamp, problems: Problems, required: bool
) -> None:
    unit = table.layout.time.unit or "s"
    report(table, column, times.small, problems, lambda value: _about_small(value, unit))
    report(
        table,
        column,
        times.shortened,
        problems,
        lambda value: (
            f"{value} lost its digits in a spreadsheet: export the column as a whole number (1760000000)"
        ),
    )
    advice = _advice(table.frame[column][times.unreadable], table.layout.time.format, required)
    report(table, column, times.unreadable, problems, lambda value: f"{shown(value)} is not a time: {advice}")
    _refuse_early_and_late(table, column, times.values, now, problems, required)


def _refuse_early_and_late(
    table: Table, column: str, times: pd.Series, now: pd.Timestamp, problems: Problems, required: bool
) -> None:
    early = "correct it" if required else "leave it empty"
    report(
        table,
        column,
        times < pd.Timestamp(limits.OLDEST_TIME),
        problems,
        lambda value: f"{value} is before 1970, Personalize takes times since then: {early}",
    )
    report(
        table,
        column,
        times > now,
        problems,
        lambda value: f"{value} is in the future (now is {now:%Y-%m-%dT%H:%M:%SZ}): correct it",
    )


def _about_small(value: str, unit: str) -> str:
    value = value if len(value) <= SHOWN else f"{value[: SHOWN - 3]}..."
    if unit != "s":
        return (
            f"{value} as epoch {own_times.title(unit)} is not between 1973 and 5138: correct it, or `time` in"
            " mapping.yaml"
        )
    if len(value) > 11 and not value.startswith("-"):
        return f"{value} is no time in any unit: write epoch seconds (1760000000) or ISO 8601"
    return f"{value} as epoch seconds is before 1973: write epoch seconds (1760000000) or ISO 8601"


def _advice(unreadable: pd.Series, given: str | None, required: bool) -> str:
    if given:
        return f"it doesn't have the format {given} that mapping.yaml gives: correct it, or the format"
    if _all_like(unreadable, _NULLS):
        return "give the time, or remove the row" if required else _null_cure(unreadable)
    found = own_times.day_month_format(unreadable)
    if found:
        return f"say in mapping.yaml which part is the month, such as `time: {{format: '{found}'}}`"
    return "write epoch seconds (1760000000) or ISO 8601 (2026-01-31T12:00:00Z)"


def _values(table: Table, problems: Problems) -> pd.Series:
    """EVENT_VALUE as the pipeline keeps it: 9 decimals."""
    if table.layout.event_value:
        return pd.Series(float(table.layout.event_value), index=table.frame.index)
    if "EVENT_VALUE" not in table.frame:
        return pd.Series(float("nan"), index=table.frame.index, dtype="float64")
    values = _numbers(table, "EVENT_VALUE", problems)
    report(
        table,
        "EVENT_VALUE",
        values.abs() > limits.MAX_EVENT_VALUE,
        problems,
        lambda value: f"{value} is above {limits.MAX_EVENT_VALUE:g}, the most that is kept: correct it",
    )
    # Rounding multiplies, so only what a double then still holds exactly; the database rounds the others.
    exact = values.abs() < 2**53 / 10**limits.EVENT_VALUE_DECIMALS
    kept = values.where(~exact, values.round(limits.EVENT_VALUE_DECIMALS))
    _warn_of_values(table, values, kept, problems)
    return kept


def _warn_of_values(table: Table, values: pd.Series, kept: pd.Series, problems: Problems) -> None:
    # A 32-bit float, which is what Personalize keeps, has 24 bits: about 6e-8 of the value.
    lost = ((values - kept).abs() > 2**-24 * values.abs()) & (values.abs() <= limits.MAX_EVENT_VALUE)
    report(
        table,
        "EVENT_VALUE",
        lost,
        problems,
        lambda value: f"{value} has more than {limits.EVENT_VALUE_DECIMALS} decimals and is rounded to them",
        warn=True,
    )
    report(
        table,
        "EVENT_VALUE",
        values < 0,
        problems,
        lambda value: f"{value} is negative: leave the row out if it is a return, which is no interest",
        warn=True,
    )


def _numbers(table: Table, column: str, problems: Problems) -> pd.Series:
    """Finite numbers; what is none is reported, with the cure that fits a decimal comma."""
    text = table.frame[column]
    if table.layout.decimal == ",":
        plain = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        text = plain.where(_true(text.str.fullmatch(_COMMA_NUMBER)), "not a number").where(text.notna())
    like = _true(text.str.fullmatch(_NUMBER))
    values = text.where(like).astype("double[pyarrow]").astype("Float64").astype("float64")
    wrong = text.notna() & ~(like & np.isfinite(values))
    cure = _number_cure(table.frame[column][wrong], table.layout.decimal)
    report(table, column, wrong, problems, lambda value: f"{shown(value)} is not a number: {cure}")
    return values


def _number_cure(wrong: pd.Series, decimal: str) -> str:
    if _all_like(wrong, _NULLS):
        return _null_cure(wrong)
    if decimal == "," and _true(wrong.str.contains(".", regex=False)).any():
        return 'beside `decimal: ","` of mapping.yaml a point separates thousands: correct it, or leave the option out'
    if _all_like(wrong, r"[+-]?[0-9]+,[0-9]+"):
        return 'write a point, or `decimal: ","` in mapping.yaml if it is a decimal comma'
    if _all_like(wrong, r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"):
        return "write it without commas between thousands"
    return "correct it"


def _all_like(values: pd.Series, pattern: str) -> bool:
    return len(values) > 0 and bool(_true(values.str.fullmatch(pattern)).all())


def _null_cure(values: pd.Series) -> str:
    names = ", ".join(repr(str(value)) for value in values.drop_duplicates().head(5))
    return f"leave it empty, or write `null: [{names}]` in mapping.yaml if it means nothing"


def _true(flags: pd.Series) -> pd.Series:
    return flags.fillna(False).astype(bool)


def report(
    table: Table,
    column: str,
    wrong: pd.Series,
    problems: Problems,
    text: Callable[[str], str],
    *,
    warn: bool = False,
) -> None:
    """One line for all rows of a kind: the first row's file and number, and how many follow."""
    wrong = _true(wrong)
    if not wrong.any():
        return
    position = int(wrong.to_numpy().argmax())
    file, row = table.place(position)
    say = problems.warn if warn else problems.add
    say(
        text(str(table.frame[column].iloc[position])),
        file=file,
        row=row,
        more=int(wrong.sum()) - 1,
        column=table.names.get(column, column),
    )
