"""What is allowed in a person's files and yet looks wrong: warnings, each with an example."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from local.demo.own_columns import Table
from local.demo.own_rows import report
from local.demo.problems import SHOWN, Problems, shown

FEW_KNOWN = 0.1  # of the interactions' ids that have metadata
MOST = 0.5  # of the events
NOBODY = r"(?i)(?:null|none|nan|unknown|guest|anonymous|undefined|n/?a|-?1|0+)"
NOBODYS_SHARE = 0.05
GONE_FOR = 0.25  # of the time that the file spans
GONE_EVENTS = 20  # that would have been expected since
_ID_PATTERNS = {
    r"-?\d+\.0*": "is an id with decimals, as pandas writes a column with gaps: write it as text",
    r"-?\d(?:[.,]\d+)?[eE]\+\d+": "is an id that a spreadsheet shortened, so several may be one: export it as text",
    r"[\[{(].*[\]})]": "is an id that looks like code: give what is inside",
    r"(?i)(?:null|none|nan|undefined|#n/a|#(?:ref|value|name)[!?])": (
        "is an id that stands for nothing: leave such rows out"
    ),
    r"=?\".*\"|'[^']*'?": "is an id in quotes of a spreadsheet: give what is inside",
}
# Controls, and marks that no screen shows, such as a zero-width blank or a byte order mark.
_UNSEEN = r"[\p{Cc}\p{Cf}]"


def look(
    interactions: pd.DataFrame, tables: Mapping[str, Table], *, types: tuple[str, ...], problems: Problems
) -> None:
    """Warns. `interactions`: as own_rows gives them, with EVENT_TYPE; `types`: those that count."""
    table = tables["interactions"]
    for column in ("USER_ID", "ITEM_ID"):
        _ids(table, column, problems)
    for name, column in (("users", "USER_ID"), ("items", "ITEM_ID")):
        if name in tables:
            _ids(tables[name], column, problems)
            _strangers(table, tables[name], name, column, problems)
    counted = interactions[interactions.EVENT_TYPE.isin(types)]
    if len(counted):
        _one_user(counted, table, problems)
        _one_second(counted, table, problems)
        _vanished(counted, table, problems)


def _ids(table: Table, column: str, problems: Problems) -> None:
    ids = table.frame[column]
    for pattern, text in _ID_PATTERNS.items():
        like = ids.str.fullmatch(pattern)
        report(table, column, like, problems, lambda value, text=text: f"{shown(value)} {text}", warn=True)  # type: ignore[misc]
    report(
        table,
        column,
        ids.str.contains("\ufffd", regex=False),
        problems,
        lambda value: f"{shown(value)} holds a character that was lost: give the file's `encoding`",
        warn=True,
    )
    report(
        table,
        column,
        pd.Series(_contains(ids, _UNSEEN), index=ids.index),
        problems,
        lambda value: (
            f"{str(value)[:SHOWN]!a} holds a character that nobody sees: remove it, or it is another id"
        ),
        warn=True,
    )
    _look_alikes(table, column, problems)


def _contains(texts: pd.Series, pattern: str) -> np.ndarray:
    """Which texts have the pattern, of RE2, which knows Unicode's categories."""
    found = pc.match_substring_regex(pa.array(texts, pa.string()), pattern)
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), dtype=bool)


def _look_alikes(table: Table, column: str, problems: Problems) -> None:
    """000012 beside 12, A1 beside a1: two ids, which may be meant as one."""
    distinct = table.frame[column].drop_duplicates().dropna()
    plain = _plain(distinct)
    twice = plain.duplicated()
    if not twice.any():
        return
    second = distinct[twice].iloc[0]
    first = distinct[plain == plain[twice].iloc[0]].iloc[0]
    report(
        table,
        column,
        table.frame[column] == second,
        problems,
        lambda value: (
            f"{shown(value)} stands beside {shown(first)}: they are two ids ({int(twice.sum()):,} such)"
        ),
        warn=True,
    )


def _plain(ids: pd.Series) -> pd.Series:
    """Ids without what exports change: leading zeros, decimals, commas between thousands, case, width, unseen marks."""
    normal = pc.replace_substring_regex(pc.utf8_normalize(pa.array(ids, pa.string()), "NFKC"), _UNSEEN, "")
    lower = pd.Series(pd.array(normal, dtype="string[pyarrow]"), index=ids.index).str.lower()
    grouped = lower.str.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+").fillna(False).astype(bool)
    lower = lower.mask(grouped, lower.str.replace(",", "", regex=False))
    whole = lower.str.fullmatch(r"-?[0-9]+\.0*").fillna(False).astype(bool)
    return lower.mask(whole, lower.str.partition(".")[0]).str.replace(r"^0+(\d)", r"\1", regex=True)


def _strangers(table: Table, metadata: Table, name: str, column: str, problems: Problems) -> None:
    """Metadata that the interactions' ids never meet."""
    acting = table.frame[column].drop_duplicates().dropna()
    listed = metadata.frame[column].drop_duplicates().dropna()
    known = int(acting.isin(listed).sum())
    if not len(acting) or known >= FEW_KNOWN * len(acting):
        return
    left, right = _near(acting[~acting.isin(listed)], listed)
    problems.warn(
        f"{known:,} of the {len(acting):,} ids in {table.file} are in it: the others get no metadata"
        f" ({shown(left)} there, {shown(right)} here)",
        file=metadata.file,
        column=metadata.names.get(column, column),
    )


def _near(acting: pd.Series, listed: pd.Series) -> tuple[str, str]:
    """Two ids that may be one; else the first of each."""
    by_plain = dict(zip(_plain(listed), listed, strict=True))
    for plain, written in zip(_plain(acting), acting, strict=True):
        if plain in by_plain:
            return str(written), str(by_plain[plain])
    return str(acting.iloc[0]), str(listed.iloc[0]) if len(listed) else ""


def _one_user(counted: pd.DataFrame, table: Table, problems: Problems) -> None:
    events = counted.USER_ID.value_counts()
    top = pd.Series(events.index.astype(str)).str.fullmatch(NOBODY).to_numpy(dtype=bool)
    for user, count, is_nobody in zip(events.index[:20], events[:20], top[:20], strict=True):
        if count > (NOBODYS_SHARE if is_nobody else MOST) * len(counted):
            problems.warn(
                f"{shown(user)} has {count:,} of the {len(counted):,} events: leave the rows out if it stands"
                " for visitors who weren't told apart",
                file=table.file,
                column=table.names.get("USER_ID", "USER_ID"),
            )


def _one_second(counted: pd.DataFrame, table: Table, problems: Problems) -> None:
    moments = counted.occurred_at.value_counts()
    if moments.iloc[0] > MOST * len(counted):
        problems.warn(
            f"{moments.iloc[0]:,} of the {len(counted):,} events are at {moments.index[0]:%Y-%m-%dT%H:%M:%SZ}:"
            " what came first can't be learned; give the time of the event, not of the export",
            file=table.file,
            column=table.names.get("TIMESTAMP", "TIMESTAMP"),
        )


def _vanished(counted: pd.DataFrame, table: Table, problems: Problems) -> None:
    end, start = counted.occurred_at.max(), counted.occurred_at.min()
    for kind, times in counted.groupby("EVENT_TYPE").occurred_at:
        first, last = times.min(), times.max()
        gone = end - last
        expected = len(times) * (gone / (last - first)) if last > first else 0
        if gone > GONE_FOR * (end - start) and expected > GONE_EVENTS:
            problems.warn(
                f"the last {shown(kind)} is of {last:%Y-%m-%d}, the newest event of {end:%Y-%m-%d}: is a part"
                " of the export missing?",
                file=table.file,
                column=table.names.get("EVENT_TYPE", "EVENT_TYPE"),
            )
