"""Users without events: the popular items, leaning to what users with the same metadata have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from osusume_engine.histories import Histories, profile
from osusume_engine.ids import Ids
from osusume_engine.models.contexts import Contexts, Events, Validation, coded
from osusume_engine.numeric import finite
from osusume_engine.storage import storable

BINS = 5  # quantiles that a numeric column is read as
TOLD_APART = 2000  # most popular items; what suits whom is not told of the others


@storable
@dataclass(frozen=True)
class Newcomers:
    """ids: users of the Users dataset without events; codes: (ids, columns) of their metadata, -1 unknown.

    places: of each item code, where the traits know it.
    """

    ids: Ids
    codes: np.ndarray
    traits: Contexts
    places: np.ndarray

    def of(self, users: Sequence[str]) -> np.ndarray:
        """(users, columns) codes, -1 in the whole row of anybody else."""
        return np.vstack([self.codes, np.full((1, self.codes.shape[1]), -1)])[self.ids.codes(users)]

    def bias(self, codes: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(queries, pool): what metadata adds to log odds of item codes, which are -1 where a list ends."""
        return self.traits.bias(codes, self.places[np.maximum(items, 0)])


@dataclass(frozen=True)
class Meetings:
    """A pair of a described user and an item that they have, per row. codes: of the user's metadata."""

    traits: Traits
    users: np.ndarray
    items: np.ndarray
    codes: np.ndarray

    def fit(self, rows: np.ndarray, places: np.ndarray, *, weights: Sequence[float]) -> Contexts:
        """What each value says of the items that have places of their own; places: of each item code."""
        events = Events(self.traits.columns, self.traits.values, self.codes)
        return Contexts.fit(events, rows, places[self.items], int(places.max()) + 1, weights=weights)


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
        values = tuple(values for values, _ in found)
        return Traits(ids, tuple(described), values, codes.astype(np.int16))

    def met(self, histories: Histories, users: Ids, n_items: int) -> Meetings:
        pairs = profile(histories, n_items).tocoo()
        row = self.ids.codes(users.values)[pairs.row]
        told = row >= 0
        return Meetings(self, pairs.row[told], pairs.col[told], self.codes[row[told]])

    def newcomers(self, users: Ids, traits: Contexts, places: np.ndarray) -> Newcomers:
        """users: those with events."""
        new = users.codes(self.ids.values) < 0
        return Newcomers(Ids(self.ids.values[new]), self.codes[new], traits, places)


def places_of(popular: np.ndarray, count: int = TOLD_APART) -> np.ndarray:
    """Each item's rank by popularity, and `count` for all that are not among the first ones."""
    order = np.argsort(-popular, kind="stable")
    places = np.full(len(popular), count, dtype=np.int32)
    places[order[:count]] = np.arange(min(count, len(order)))
    return places


def _described(frame: pd.DataFrame, name: str, categorical: frozenset[str]) -> pd.Series | None:
    if name == "USER_ID":
        return None
    if name in categorical:
        return frame[name]
    if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]):
        return _binned(finite(frame[name]))
    return None


def _binned(column: pd.Series) -> pd.Series:
    """The number of the quantile from 0 to BINS - 1; what few values there are stay apart."""
    edges = (
        np.unique(np.nanquantile(column, np.arange(1, BINS) / BINS)) if column.notna().any() else np.zeros(0)
    )
    bins = pd.Series(np.searchsorted(edges, column, side="right"), index=column.index, dtype="float64")
    return bins.where(column.notna())


def validation(
    met: Meetings, firsts: Meetings, asked: np.ndarray, popular: np.ndarray, *, pool: int
) -> Validation:
    """What would have been shown to users before their first event, learned from all others.

    firsts: the items that each user met first, which are wanted; asked: bool per user; popular: unique users
    of each item, without those asked.
    """
    places = places_of(popular, pool)
    unit = (1.0,) * len(met.traits.columns)
    traits = met.fit(np.flatnonzero(~asked[met.users]), places, weights=unit)
    tested = asked[firsts.users]
    rows, first = np.unique(firsts.users[tested], return_index=True)
    shown = np.arange(min(pool, len(popular)))
    had = pd.MultiIndex.from_arrays([firsts.users[tested], places[firsts.items[tested]]])
    hits = pd.MultiIndex.from_product([rows, shown]).isin(had).reshape(len(rows), len(shown))
    share = np.sort(popular + 1)[::-1][: len(shown)] / (popular + 1).sum()
    return Validation(
        traits,
        firsts.codes[tested][first],
        np.tile(shown, (len(rows), 1)),
        np.tile(share, (len(rows), 1)),
        hits,
    )
