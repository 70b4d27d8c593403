"""A person's own data: interactions.csv or .parquet, optionally users, items and mapping.yaml, in one folder.

Everything is checked before anything is changed: `read` gives ShopData or raises OwnFilesRefused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from config.settings import DatasetField, Datasets
from local.demo import own_columns, own_rows
from local.demo.own_columns import Mapping, Table
from local.demo.problems import OwnFilesRefused, Problems
from local.demo.shop import EVENT_COLUMNS, ORDER_COLUMNS, ShopData, no_events

MIN_INTERACTIONS = 1000
MIN_USERS = 25  # with at least two interactions each
# The application's columns beside those that the configuration maps.
ITEM_DEFAULTS = ("department", "category", "brand", "title")
USER_DEFAULTS = ("age", "income", "household_size")


@dataclass
class _Reading:
    datasets: Datasets
    now: pd.Timestamp
    problems: Problems = field(default_factory=Problems)


def read(folder: Path, *, datasets: Datasets, now: pd.Timestamp) -> ShopData:
    """The folder as an application's tables and log. Raises OwnFilesRefused with every problem found."""
    reading = _Reading(datasets=datasets, now=now)
    tables, mapping = own_columns.read_tables(folder, datasets=datasets, problems=reading.problems)
    if reading.problems.lines:
        raise OwnFilesRefused(folder, reading.problems.lines)
    interactions = own_rows.interactions(tables["interactions"], now=now, problems=reading.problems)
    users = _metadata(tables.get("users"), "USER_ID", reading)
    items = _metadata(tables.get("items"), "ITEM_ID", reading)
    interactions = _typed(interactions, tables["interactions"], mapping, reading)
    if reading.problems.lines:
        raise OwnFilesRefused(folder, reading.problems.lines)
    return _shop(folder, interactions, users, items, datasets)


def _metadata(table: Table | None, key: str, reading: _Reading) -> pd.DataFrame | None:
    if table is None:
        return None
    fields = reading.datasets.users.fields if key == "USER_ID" else reading.datasets.items.fields
    return own_rows.metadata(table, key=key, fields=fields, now=reading.now, problems=reading.problems)


def _typed(frame: pd.DataFrame, table: Table, mapping: Mapping, reading: _Reading) -> pd.DataFrame:
    """EVENT_TYPE as the configuration names it; too few that count are a problem."""
    rules = reading.datasets.interactions.events
    if "EVENT_TYPE" not in frame:
        frame = frame.assign(EVENT_TYPE=rules[0].type)
    frame = frame.assign(EVENT_TYPE=frame.EVENT_TYPE.replace(mapping.event_types))
    counted = frame[frame.EVENT_TYPE.isin([rule.type for rule in rules])]
    ignored = frame.EVENT_TYPE[~frame.index.isin(counted.index)].value_counts()
    _check_minima(counted, ignored, table, [rule.type for rule in rules], reading.problems)
    return frame


def _check_minima(
    counted: pd.DataFrame, ignored: pd.Series, table: Table, types: list[str], problems: Problems
) -> None:
    if len(counted) < MIN_INTERACTIONS:
        text = f"{len(counted):,} interactions count, Personalize needs {MIN_INTERACTIONS:,}: add more"
        if len(ignored):
            listed = ", ".join(f"{name!r} ({rows:,} rows)" for name, rows in ignored.head(5).items())
            text += (
                f"; event types that don't count: {listed}: map them to one of {', '.join(types)} under"
                " event_types in mapping.yaml, or list them in datasets.interactions.events"
            )
        problems.add(text, file=table.file, column="EVENT_TYPE" if len(ignored) else "")
    users = int((counted.groupby("USER_ID").size() >= 2).sum())
    if users < MIN_USERS:
        problems.add(
            f"{users} users have 2 interactions or more, Personalize needs {MIN_USERS}: add more",
            file=table.file,
            column="USER_ID",
        )


def _shop(
    folder: Path,
    interactions: pd.DataFrame,
    users: pd.DataFrame | None,
    items: pd.DataFrame | None,
    datasets: Datasets,
) -> ShopData:
    from_orders = datasets.interactions.types_from("orders")
    is_order = interactions.EVENT_TYPE.isin(from_orders)
    return ShopData(
        source=f"own files ({folder.resolve()})",
        users=_people_or_things(interactions, users, "USER_ID", datasets.users.fields, USER_DEFAULTS),
        items=_people_or_things(interactions, items, "ITEM_ID", datasets.items.fields, ITEM_DEFAULTS),
        orders=_orders(interactions[is_order]),
        events=_events(interactions[~is_order]),
        notes=(f"{len(interactions):,} interactions of {folder}",),
        progress={"digest": _digest(interactions)},
    )


def _people_or_things(
    interactions: pd.DataFrame,
    metadata: pd.DataFrame | None,
    key: str,
    fields: tuple[DatasetField, ...],
    defaults: tuple[str, ...],
) -> pd.DataFrame:
    """A row for every id that is listed or appears in the interactions; the application's column names."""
    first = interactions.groupby(key).occurred_at.min().rename("first_seen").reset_index()
    frame = first if metadata is None else first.merge(metadata, on=key, how="outer")
    columns = {f.name: f.column for f in fields if f.name in frame}
    frame = frame.rename(columns={**columns, key: key.lower(), "TITLE": "title"})
    wanted = [f.column for f in fields if f.name not in (key, "CREATION_TIMESTAMP")]
    for column in dict.fromkeys([*defaults, *wanted]):
        if column not in frame:
            frame[column] = None
    created = frame.get("created_at", frame.first_seen)
    frame = frame.assign(created_at=created.fillna(frame.first_seen).fillna(interactions.occurred_at.min()))
    if "title" in defaults:
        frame["title"] = frame.title.fillna(frame[key.lower()])
    frame = frame.assign(updated_at=frame.created_at).drop(columns="first_seen")
    return frame.sort_values(key.lower(), ignore_index=True)


def _orders(rows: pd.DataFrame) -> pd.DataFrame:
    names = rows.USER_ID + "/" + rows.occurred_at.astype(str)
    return pd.DataFrame(
        {
            "order_id": [_short(name) for name in names],
            "user_id": rows.USER_ID,
            "item_id": rows.ITEM_ID,
            "quantity": 1,
            "sales_value": rows.EVENT_VALUE.fillna(0.0),
            "ordered_at": rows.occurred_at,
        }
    ).drop_duplicates(["order_id", "item_id"])[ORDER_COLUMNS]


def _events(rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return no_events()
    names = rows.USER_ID + "/" + rows.ITEM_ID + "/" + rows.EVENT_TYPE + "/" + rows.occurred_at.astype(str)
    return pd.DataFrame(
        {
            "event_id": [_short(name) for name in names],
            "event_type": rows.EVENT_TYPE,
            "user_id": rows.USER_ID,
            "item_id": rows.ITEM_ID,
            "occurred_at": rows.occurred_at,
            "session_id": "own-" + rows.USER_ID,
            "value": rows.EVENT_VALUE,
            "impression": None,
            "recommendation_id": None,
            "simulated": False,
        }
    )[EVENT_COLUMNS]


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:20]


def _digest(interactions: pd.DataFrame) -> str:
    return hashlib.sha256(
        pd.util.hash_pandas_object(interactions, index=False).to_numpy().tobytes()
    ).hexdigest()
