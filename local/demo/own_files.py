"""A person's own data in one folder: interactions, optionally users, items and mapping.yaml (docs/data.md).

Everything is checked before anything is changed: `read` gives ShopData or raises OwnFilesRefused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from config import limits
from config.settings import DatasetField, Datasets
from local.demo import own_columns, own_rows, own_suspicions
from local.demo.files.mapping import FolderMapping
from local.demo.own_columns import Table
from local.demo.problems import OwnFilesRefused, Problems, shown
from local.demo.shop import EVENT_COLUMNS, ORDER_COLUMNS, ShopData, no_events

# The application's columns beside those that the configuration maps.
ITEM_DEFAULTS = ("department", "category", "brand", "title")
USER_DEFAULTS = ("age", "income", "household_size")
KEY = ["USER_ID", "ITEM_ID", "EVENT_TYPE", "occurred_at"]
CREATED = "CREATION_TIMESTAMP"
FIRST = "_first_seen"


@dataclass
class _Reading:
    datasets: Datasets
    now: pd.Timestamp
    counted: tuple[str, ...]  # event types; empty: all that there are
    minima: bool = True  # whether what is less than Personalize needs is a problem
    problems: Problems = field(default_factory=Problems)

    @property
    def types(self) -> tuple[str, ...]:
        return self.counted


@dataclass(frozen=True)
class Examined:
    """What a folder holds, and what is wrong with it. The frames are None where no table could be read.

    interactions: USER_ID, ITEM_ID, EVENT_TYPE, occurred_at, EVENT_VALUE, an event once; users, items: as
    own_rows.metadata gives them.
    """

    problems: Problems
    interactions: pd.DataFrame | None = None
    users: pd.DataFrame | None = None
    items: pd.DataFrame | None = None


def read(folder: Path, *, datasets: Datasets, now: pd.Timestamp) -> ShopData:
    """The folder as an application's tables and log. Raises OwnFilesRefused with every problem found."""
    types = tuple(rule.type for rule in datasets.interactions.events)
    reading = _Reading(datasets=datasets, now=now, counted=types)
    found = _examined(folder, reading)
    if found.problems.lines or found.interactions is None:
        raise OwnFilesRefused(folder, found.problems)
    return _shop(folder, found.interactions, found.users, found.items, reading)


def examine(folder: Path, *, datasets: Datasets, now: pd.Timestamp) -> Examined:
    """The same check, which refuses nothing. Every event type counts, up to as many as Personalize takes.

    How much there is the caller compares with Personalize's minimums: too little is no problem here.
    """
    return _examined(folder, _Reading(datasets=datasets, now=now, counted=(), minima=False))


def _examined(folder: Path, reading: _Reading) -> Examined:
    problems = reading.problems
    tables, mapping = own_columns.read_tables(folder, datasets=reading.datasets, problems=problems)
    if problems.lines:
        return Examined(problems)
    interactions = own_rows.interactions(tables["interactions"], now=reading.now, problems=problems)
    users = _metadata(tables.get("users"), "USER_ID", reading)
    items = _metadata(tables.get("items"), "ITEM_ID", reading)
    interactions = _typed(interactions, mapping, reading)
    once = _once(interactions, tables["interactions"], problems)
    enough = _check_minima(once, tables["interactions"], reading)
    if enough and not problems.lines:
        own_suspicions.look(interactions, tables, types=reading.types, problems=problems)
    return Examined(problems, once, users, items)


def _metadata(table: Table | None, key: str, reading: _Reading) -> pd.DataFrame | None:
    if table is None:
        return None
    fields = reading.datasets.fields("users" if key == "USER_ID" else "items")
    return own_rows.metadata(table, key=key, fields=fields, now=reading.now, problems=reading.problems)


def _typed(frame: pd.DataFrame, mapping: FolderMapping, reading: _Reading) -> pd.DataFrame:
    """EVENT_TYPE as the configuration names it."""
    if "EVENT_TYPE" not in frame:
        usual = reading.datasets.interactions.events[0].type
        reading.problems.note(f"no EVENT_TYPE is given: every row counts as {usual}")
        reading.counted = reading.counted or (usual,)
        return frame.assign(EVENT_TYPE=usual)
    present = set(frame.EVENT_TYPE.dropna())
    for name in sorted(mapping.event_types.keys() - present):
        reading.problems.warn(f"event_types maps {shown(name)}, which no row has", file="mapping.yaml")
    types = frame.EVENT_TYPE.replace(dict(mapping.event_types))
    if not reading.counted:
        reading.counted = tuple(
            types.value_counts().sort_index(kind="stable").nlargest(limits.MAX_SENT_TYPES).index
        )
    return frame.assign(EVENT_TYPE=types)


def _once(frame: pd.DataFrame, table: Table, problems: Problems) -> pd.DataFrame:
    """One row for each user, item, type and time, with its largest value: what the pipeline keeps of them."""
    repeats = frame.duplicated(KEY) & frame[KEY].notna().all(axis=1)
    if not repeats.any():
        return frame
    position = int(repeats.to_numpy().argmax())
    same = (frame[KEY] == frame[KEY].iloc[position]).all(axis=1)
    first_file, first_row = table.place(int(same.to_numpy().argmax()))
    file, row = table.place(position)
    names = ", ".join(table.names.get("TIMESTAMP" if c == "occurred_at" else c, c) for c in KEY)
    of = "" if file == first_file else f" of {first_file}"
    problems.warn(
        f"it repeats row {first_row:,}{of}: such rows count once, with the largest value",
        file=file,
        row=row,
        more=int(repeats.sum()) - 1,
        column=names,
    )
    largest = frame.groupby(KEY, dropna=False, sort=False).EVENT_VALUE.transform("max")
    return frame.assign(EVENT_VALUE=largest)[~repeats]


def _check_minima(once: pd.DataFrame, table: Table, reading: _Reading) -> bool:
    """Whether there is as much as Personalize needs."""
    counted = once[once.EVENT_TYPE.isin(reading.types)]
    # The pipeline's times are whole seconds, and of one second it keeps one.
    counted = counted.assign(occurred_at=counted.occurred_at.dt.floor("s"))
    counted = counted[~(counted.duplicated(KEY) & counted[KEY].notna().all(axis=1))]
    ignored = once.EVENT_TYPE[~once.EVENT_TYPE.isin(reading.types)].value_counts()
    _check_interactions(len(counted), ignored, table, reading)
    users = int((counted.groupby("USER_ID").size() >= limits.MIN_INTERACTIONS_OF_A_USER).sum())
    if users < limits.MIN_USERS and reading.minima:
        reading.problems.add(
            f"{users} users have 2 interactions or more, Personalize needs {limits.MIN_USERS}: add more",
            file=table.file,
            column=table.names.get("USER_ID", "USER_ID"),
        )
    items = counted.ITEM_ID.nunique()
    if 0 < items < limits.MIN_ITEMS and reading.minima:
        reading.problems.add(
            f"every interaction is with {shown(counted.ITEM_ID.iloc[0])}: lists need"
            f" {limits.MIN_ITEMS} items, look whether the column is the item's id",
            file=table.file,
            column=table.names.get("ITEM_ID", "ITEM_ID"),
        )
    return len(counted) >= limits.MIN_INTERACTIONS and users >= limits.MIN_USERS and items >= limits.MIN_ITEMS


def _check_interactions(count: int, ignored: pd.Series, table: Table, reading: _Reading) -> None:
    """Too few are a problem; types that don't count are said in any case."""
    listed = ", ".join(f"{name!r} ({rows:,} rows)" for name, rows in ignored.head(5).items())
    cure = (
        f"event types that don't count: {listed}: map them to one of {', '.join(reading.types)} under"
        " event_types in mapping.yaml, or list them in datasets.interactions.events"
    )
    column = table.names.get("EVENT_TYPE", "EVENT_TYPE") if len(ignored) else ""
    if count < limits.MIN_INTERACTIONS and reading.minima:
        text = f"{count:,} interactions count, Personalize needs {limits.MIN_INTERACTIONS:,}: add more"
        reading.problems.add(f"{text}; {cure}" if len(ignored) else text, file=table.file, column=column)
    elif len(ignored):
        reading.problems.warn(cure, file=table.file, column=column)


def _shop(
    folder: Path,
    interactions: pd.DataFrame,
    users: pd.DataFrame | None,
    items: pd.DataFrame | None,
    reading: _Reading,
) -> ShopData:
    datasets, problems = reading.datasets, reading.problems
    is_order = interactions.EVENT_TYPE.isin(datasets.interactions.types_from("orders"))
    people = _people_or_things(interactions, users, "USER_ID", datasets.fields("users"), USER_DEFAULTS)
    things = _people_or_things(interactions, items, "ITEM_ID", datasets.fields("items"), ITEM_DEFAULTS)
    _check_required(people, "users", datasets.fields("users"), reading)
    _check_required(things, "items", datasets.fields("items"), reading)
    if problems.lines:
        raise OwnFilesRefused(folder, problems)
    return ShopData(
        source=f"own files ({folder.resolve()})",
        users=people,
        items=things,
        orders=_orders(interactions[is_order]),
        events=_events(interactions[~is_order]),
        notes=(
            f"{len(interactions):,} interactions of {folder}",
            *(f"Warning: {line}" for line in problems.warnings),
        ),
        said=tuple(problems.notes),
        progress={"digest": _digest(interactions)},
    )


def _check_required(
    frame: pd.DataFrame, name: str, fields: tuple[DatasetField, ...], reading: _Reading
) -> None:
    """Fields that can't be null: the pipeline sets rows without one aside, and stops when they are many."""
    limit = reading.datasets.quality.max_quarantined_share
    for entry in fields:
        if entry.nullable or entry.name in ("USER_ID", "ITEM_ID", CREATED):
            continue
        lacking = frame[entry.column].isna()
        if not lacking.any():
            continue
        text = f"{int(lacking.sum()):,} of {len(frame):,} {name} have no {entry.name}, which the configuration requires"
        example = shown(frame[lacking].iloc[0][f"{name[:-1]}_id"])
        if lacking.mean() > limit:
            reading.problems.add(
                f"{text} (such as {example}): give it in {name}.csv, or set nullable in datasets.{name}.fields"
            )
        else:
            reading.problems.warn(f"{text} (such as {example}): they get no metadata")


def _people_or_things(
    interactions: pd.DataFrame,
    metadata: pd.DataFrame | None,
    key: str,
    fields: tuple[DatasetField, ...],
    defaults: tuple[str, ...],
) -> pd.DataFrame:
    """A row for every id that is listed or appears in the interactions; the application's column names."""
    seen = interactions.groupby(key).occurred_at.min().rename(FIRST).reset_index()
    frame = seen if metadata is None else seen.merge(metadata, on=key, how="outer")
    created = frame[CREATED] if CREATED in frame else frame[FIRST]
    created = created.fillna(frame[FIRST]).fillna(interactions.occurred_at.min())
    columns = {f.name: f.column for f in fields if f.name in frame and f.name != CREATED}
    frame = frame.rename(columns={**columns, key: key.lower(), "TITLE": "title"})
    wanted = [f.column for f in fields if f.name not in (key, CREATED)]
    for column in dict.fromkeys([*defaults, *wanted]):
        if column not in frame:
            frame[column] = None
    frame = frame.assign(created_at=created, updated_at=created, **_creation(created, fields))
    if "title" in defaults:
        frame["title"] = frame.title.fillna(frame[key.lower()])
    return frame.drop(columns=[FIRST, CREATED], errors="ignore").sort_values(key.lower(), ignore_index=True)


def _creation(created: pd.Series, fields: tuple[DatasetField, ...]) -> dict[str, pd.Series]:
    """CREATION_TIMESTAMP's own column, in epoch seconds, where the configuration takes it from one."""
    columns = [f.column for f in fields if f.name == CREATED and f.column not in ("created_at", "updated_at")]
    return {column: pd.Series(created).dt.as_unit("s").astype("int64") for column in columns}


def _orders(rows: pd.DataFrame) -> pd.DataFrame:
    names = rows.USER_ID + "/" + _texts(rows.occurred_at)
    return pd.DataFrame(
        {
            "order_id": [_short(name) for name in names],
            "user_id": rows.USER_ID,
            "item_id": rows.ITEM_ID,
            "quantity": 1,
            "sales_value": rows.EVENT_VALUE,
            "ordered_at": rows.occurred_at,
        }
    ).drop_duplicates(["order_id", "item_id"])[ORDER_COLUMNS]


def _events(rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return no_events()
    names = rows.USER_ID + "/" + rows.ITEM_ID + "/" + rows.EVENT_TYPE + "/" + _texts(rows.occurred_at)
    return pd.DataFrame(
        {
            "event_id": [_short(name) for name in names],
            "event_type": rows.EVENT_TYPE,
            "user_id": rows.USER_ID,
            "item_id": rows.ITEM_ID,
            "occurred_at": rows.occurred_at,
            "session_id": ("own-" + rows.USER_ID).str.slice(0, limits.MAX_ID_LENGTH),
            "value": rows.EVENT_VALUE,
            "impression": None,
            "recommendation_id": None,
            "simulated": False,
        }
    )[EVENT_COLUMNS]


def _texts(times: pd.Series) -> pd.Series:
    """Each as `2026-01-31 12:00:00+00:00`; with a fraction where one of them has it."""
    unit = "s" if (times == times.dt.floor("s")).all() else "us"
    texts = pc.strftime(pa.array(times.dt.as_unit(unit)), format="%Y-%m-%d %H:%M:%S+00:00")
    return pd.Series(texts.to_numpy(zero_copy_only=False), index=times.index, dtype=object)


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:20]


def _digest(interactions: pd.DataFrame) -> str:
    return hashlib.sha256(
        pd.util.hash_pandas_object(interactions, index=False).to_numpy().tobytes()
    ).hexdigest()
