"""A person's folder, read and checked as the demo does, with every event type and every usable column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from assess.draft import CREATED, KEYS, TITLE, Draft, Left, draft
from config import limits
from config.settings import DatasetField, Datasets
from local.demo import own_columns, own_files
from osusume_engine.data import TrainingData

KEY = ["USER_ID", "ITEM_ID", "EVENT_TYPE", "occurred_at"]
NONE = Draft((), ())


@dataclass(frozen=True)
class Own:
    """interactions: USER_ID, ITEM_ID, EVENT_TYPE (categories), TIMESTAMP (seconds), EVENT_VALUE; usable rows alone.

    refused: what Personalize or the pipeline would refuse; suspicious: what looks odd; said: how it was read.
    """

    refused: tuple[str, ...]
    suspicious: tuple[str, ...]
    said: tuple[str, ...]
    interactions: pd.DataFrame
    users: pd.DataFrame | None
    items: pd.DataFrame | None
    drafts: Mapping[str, Draft]
    types: int  # distinct event types, also beyond those that Personalize takes

    @property
    def left(self) -> tuple[Left, ...]:
        return tuple(left for one in self.drafts.values() for left in one.left)

    def fields(self, name: str) -> tuple[DatasetField, ...]:
        """Fields of the users or items dataset, without its key; empty where there is none."""
        return self.drafts[name].fields[1:]

    def titles(self) -> dict[str, str]:
        if self.items is None or TITLE not in self.items:
            return {}
        given = self.items[["ITEM_ID", TITLE]].dropna()
        return dict(zip(given.ITEM_ID, given[TITLE], strict=True))


def read(folder: Path, *, datasets: Datasets, now: pd.Timestamp) -> Own:
    columns = own_columns.metadata_columns(folder, datasets=datasets) if folder.is_dir() else {}
    drafts = {name: draft(name, columns[name]) if name in columns else NONE for name in KEYS}
    found = own_files.examine(folder, datasets=_with(datasets, drafts), now=now)
    types = 0 if found.interactions is None else found.interactions.EVENT_TYPE.nunique()
    return Own(
        refused=tuple(found.problems.lines),
        suspicious=tuple(found.problems.warnings),
        said=tuple(found.problems.notes),
        interactions=_usable(found.interactions),
        users=found.users,
        items=found.items,
        drafts=drafts,
        types=types,
    )


def _with(datasets: Datasets, drafts: Mapping[str, Draft]) -> Datasets:
    """The configuration's, with the fields that the files have; keys alone where they have none."""
    given = {}
    for name, one in drafts.items():
        section = getattr(datasets, name)
        if section is not None and one.fields:
            given[name] = section.model_copy(update={"fields": one.fields})
    return datasets.model_copy(update=given)


def _usable(frame: pd.DataFrame | None) -> pd.DataFrame:
    """The usable rows by time, and by ids at one time, so that the order of rows in a file tells nothing."""
    if frame is None:
        return pd.DataFrame(columns=["USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP", "EVENT_VALUE"])
    whole = frame[frame[KEY].notna().all(axis=1)]
    seconds = whole.occurred_at.dt.as_unit("s").astype("int64")
    table = pd.DataFrame(
        {
            "USER_ID": whole.USER_ID.astype(str),
            "ITEM_ID": whole.ITEM_ID.astype(str),
            "EVENT_TYPE": whole.EVENT_TYPE.astype(str),
            "TIMESTAMP": seconds,
            "EVENT_VALUE": whole.EVENT_VALUE,
        }
    )
    kept = table.EVENT_TYPE.value_counts().sort_index().nlargest(limits.MAX_SENT_TYPES).index
    table = table[table.EVENT_TYPE.isin(kept)]
    return table.sort_values(["TIMESTAMP", "USER_ID", "ITEM_ID", "EVENT_TYPE"], ignore_index=True)


def training_data(own: Own, interactions: pd.DataFrame) -> TrainingData:
    """What Personalize's datasets would hold; `interactions` are all of them or a sample."""
    kinds = {name.capitalize(): own.fields(name) for name in KEYS}
    return TrainingData(
        interactions=interactions,
        users=_dataset(own, "users", interactions.USER_ID),
        items=_dataset(own, "items", interactions.ITEM_ID),
        categorical={
            name: frozenset(f.name for f in fields if f.categorical) for name, fields in kinds.items()
        },
        textual={name: frozenset(f.name for f in fields if f.textual) for name, fields in kinds.items()},
    )


def _dataset(own: Own, name: str, met: pd.Series) -> pd.DataFrame | None:
    """The rows of those that are met; numbers as numbers."""
    frame: pd.DataFrame | None = getattr(own, name)
    fields = [field for field in own.fields(name) if frame is not None and field.name in frame]
    if frame is None or not fields:
        return None
    key = KEYS[name]
    rows = frame[frame[key].isin(set(met))].sort_values(key, ignore_index=True)
    columns = {key: rows[key].astype(str)}
    for field in fields:
        if field.name == CREATED:
            continue
        is_number = field.type != "string"
        columns[field.name] = pd.to_numeric(rows[field.name]) if is_number else rows[field.name]
    return pd.DataFrame(columns) if len(columns) > 1 else None
