"""What the data look like: time, users, items, repeats, event types, metadata. Reads everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assess.data import Own
from assess.draft import KEYS

DAY = 86_400
PERIODS = 24  # columns of the drawing of time, at most
HISTORY = (1, 2, 5, 10, 20, 50, 100)  # lower ends of the classes of history lengths
COLD_ITEM = 5  # interactions: below, Similar-Items and the guide call an item cold


@dataclass(frozen=True)
class Shape:
    """Counts, shares of 0 to 1, seconds. `*_with_two`: users with two interactions or more."""

    interactions: int
    users: int
    items: int  # that somebody met
    catalogue: int  # with those that only the items file has
    users_with_two: int
    share_with_two: float
    first: int
    last: int
    median_history: float
    cold_items: float  # share of the met items with fewer than COLD_ITEM interactions
    unmet_items: float  # share of the catalogue
    repeats: float  # share of interactions with an item that the user met before
    filled: float  # share of the cells users x items
    half_of_events: float  # share of the items that have half of the interactions
    top_item: float  # its share of the interactions
    types: Mapping[str, int]
    valued: Mapping[str, float]  # share of each type's events that have a value
    periods: tuple[tuple[int, int], ...]  # (second of the start, interactions)
    histories: tuple[tuple[int, int], ...]  # (lower end, users)
    filled_in: Mapping[str, Mapping[str, float]]  # dataset -> field -> share of those met

    @property
    def days(self) -> float:
        return (self.last - self.first) / DAY


def shape(own: Own) -> Shape:
    frame = own.interactions
    users, user_names = pd.factorize(frame.USER_ID)
    items, item_names = pd.factorize(frame.ITEM_ID)
    by_user, by_item = np.bincount(users), np.bincount(items)
    pairs = len(np.unique(users.astype(np.int64) * max(len(item_names), 1) + items))
    times = frame.TIMESTAMP.to_numpy(dtype=np.int64)
    listed = 0 if own.items is None else int((~own.items.ITEM_ID.isin(set(item_names))).sum())
    count = max(len(frame), 1)
    return Shape(
        interactions=len(frame),
        users=len(user_names),
        items=len(item_names),
        catalogue=len(item_names) + listed,
        users_with_two=int((by_user >= 2).sum()),
        share_with_two=_share(by_user >= 2),
        first=int(times.min(initial=2**40)) if len(times) else 0,
        last=int(times.max(initial=0)),
        median_history=float(np.median(by_user)) if len(by_user) else 0.0,
        cold_items=_share(by_item < COLD_ITEM),
        unmet_items=listed / max(len(item_names) + listed, 1),
        repeats=1 - pairs / count if len(frame) else 0.0,
        filled=pairs / max(len(user_names) * len(item_names), 1),
        half_of_events=_half(by_item),
        top_item=float(by_item.max(initial=0)) / count,
        types={str(name): int(n) for name, n in frame.EVENT_TYPE.value_counts().sort_index().items()},
        valued=_valued(frame),
        periods=_periods(times),
        histories=_histories(by_user),
        filled_in={name: _filled_in(own, name, frame[key]) for name, key in KEYS.items()},
    )


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def _half(by_item: np.ndarray) -> float:
    """The share of the items that have half of the interactions, the most popular first."""
    if not len(by_item):
        return 0.0
    summed = np.cumsum(np.sort(by_item)[::-1])
    return float((np.searchsorted(summed, summed[-1] / 2) + 1) / len(by_item))


def _valued(frame: pd.DataFrame) -> dict[str, float]:
    shares = frame.EVENT_VALUE.notna().groupby(frame.EVENT_TYPE).mean()
    return {str(name): float(share) for name, share in shares.sort_index().items()}


def _periods(times: np.ndarray) -> tuple[tuple[int, int], ...]:
    if not len(times):
        return ()
    step = -(-(int(times.max()) - int(times.min()) + 1) // PERIODS)
    counts = np.bincount((times - times.min()) // step, minlength=1)
    return tuple((int(times.min()) + at * step, int(n)) for at, n in enumerate(counts))


def _histories(by_user: np.ndarray) -> tuple[tuple[int, int], ...]:
    classes = np.searchsorted(HISTORY, by_user, side="right") - 1
    return tuple((low, int((classes == at).sum())) for at, low in enumerate(HISTORY))


def _filled_in(own: Own, name: str, met: pd.Series) -> dict[str, float]:
    """The share of users (items) with interactions for whom the field has a value."""
    frame: pd.DataFrame | None = getattr(own, name)
    if frame is None:
        return {}
    known = frame[frame[KEYS[name]].isin(set(met))]
    total = max(met.nunique(), 1)
    return {f.name: float(known[f.name].notna().sum()) / total for f in own.fields(name) if f.name in known}
