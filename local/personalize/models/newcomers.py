"""Users without events: the popular items, leaning to what users with the same metadata have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from local.personalize.histories import Histories, profile
from local.personalize.ids import Ids
from local.personalize.models.contexts import Contexts, Events, Validation, coded
from local.personalize.storage import storable

BINS = 5  # quantiles that a numeric column is read as


@storable
@dataclass(frozen=True)
class Newcomers:
    """ids: users of the Users dataset without events; codes: (ids, columns) of their metadata, -1 unknown."""

    ids: Ids
    codes: np.ndarray
    traits: Contexts

    def of(self, users: Sequence[str]) -> np.ndarray:
        """(users, columns) codes, -1 in the whole row of anybody else."""
        return np.vstack([self.codes, np.full((1, self.codes.shape[1]), -1)])[self.ids.codes(users)]


@dataclass(frozen=True)
class Traits:
    """The metadata of every user of the Users dataset. codes: (ids, columns), -1 unknown."""

    ids: Ids
    columns: tuple[str, ...]
    values: tuple[Ids, ...]
    codes: np.ndarray

    @staticmethod
    def of(users: pd.DataFrame, *, categorical: frozenset[str]) -> Traits:
        """Categorical and numeric columns; other texts don't describe users in numbers worth learning from."""
        frame = users[~users["USER_ID"].astype(str).duplicated(keep="last")]
        described = {
            name: column
            for name in frame.columns
            if (column := _described(frame, name, categorical)) is not None
        }
        found = [coded(column) for column in described.values()]
        codes = (
            np.stack([codes for _, codes in found], axis=1) if found else np.zeros((len(frame), 0), np.int64)
        )
        ids = Ids(frame["USER_ID"].astype(str).to_numpy(dtype=object))
        return Traits(ids, tuple(described), tuple(values for values, _ in found), codes)

    def known(self, histories: Histories, users: Ids, n_items: int) -> tuple[Events, np.ndarray, np.ndarray]:
        """(codes, item, user) of every pair of a user who is described and an item that he has."""
        pairs = profile(histories, n_items).tocoo()
        row = self.ids.codes(users.values)[pairs.row]
        told = row >= 0
        events = Events(self.columns, self.values, self.codes[row[told]])
        return events, pairs.col[told].astype(np.int64), pairs.row[told].astype(np.int64)

    def newcomers(self, users: Ids, traits: Contexts) -> Newcomers:
        """users: those with events."""
        new = users.codes(self.ids.values) < 0
        return Newcomers(Ids(self.ids.values[new]), self.codes[new], traits)


def _described(frame: pd.DataFrame, name: str, categorical: frozenset[str]) -> pd.Series | None:
    if name == "USER_ID":
        return None
    if name in categorical:
        return frame[name]
    if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]):
        return _binned(frame[name].astype("float64"))
    return None


def _binned(column: pd.Series) -> pd.Series:
    """The number of the quantile from 0 to BINS - 1; what few values there are stay apart."""
    edges = (
        np.unique(np.nanquantile(column, np.arange(1, BINS) / BINS)) if column.notna().any() else np.zeros(0)
    )
    bins = pd.Series(np.searchsorted(edges, column, side="right"), index=column.index, dtype="float64")
    return bins.where(column.notna())


def validation(
    known: tuple[Events, np.ndarray, np.ndarray],
    firsts: tuple[Events, np.ndarray, np.ndarray],
    asked: np.ndarray,
    popular: np.ndarray,
    *,
    pool: int,
) -> Validation:
    """What would have been shown to users before their first event, learned from all others.

    known: of all events; firsts: of each user's first ones, which are wanted; asked: bool per user;
    popular: unique users of each item, without those asked.
    """
    n_items = len(popular)
    events, items, users = known
    unit = (1.0,) * len(events.columns)
    traits = Contexts.fit(events, np.flatnonzero(~asked[users]), items, n_items, weights=unit)
    best = np.argsort(-popular, kind="stable")[:pool]
    told, wanted, users = firsts
    tested = asked[users]
    rows, first = np.unique(users[tested], return_index=True)
    had = pd.MultiIndex.from_arrays([users[tested], wanted[tested]])
    hits = pd.MultiIndex.from_product([rows, best]).isin(had).reshape(len(rows), len(best))
    share = (popular + 1) / (popular + 1).sum()
    return Validation(
        traits,
        told.codes[tested][first],
        np.tile(best, (len(rows), 1)),
        np.tile(share[best], (len(rows), 1)),
        hits,
    )
