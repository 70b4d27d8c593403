"""Interactions as ragged arrays: the one shape that every learner reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from osusume_engine.ids import Ids
from osusume_engine.storage import storable


@storable
@dataclass(frozen=True)
class Histories:
    """User u's events are positions ptr[u]:ptr[u+1], oldest first."""

    items: np.ndarray  # int32 item codes
    times: np.ndarray  # int64 seconds
    kinds: np.ndarray  # int8 event type codes
    weights: np.ndarray  # float32 event weights
    ptr: np.ndarray  # int64, one more than there are users

    def __len__(self) -> int:
        return len(self.ptr) - 1

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.ptr)

    @property
    def owners(self) -> np.ndarray:
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    @property
    def ages(self) -> np.ndarray:
        """The number of newer events of its user, for each event."""
        return np.repeat(self.ptr[1:], self.lengths) - 1 - np.arange(len(self.items))

    @property
    def last_times(self) -> np.ndarray:
        """int64 seconds of each user's newest event, 0 where there is none."""
        if not len(self.times):
            return np.zeros(len(self), np.int64)
        return np.where(self.lengths > 0, self.times[np.maximum(self.ptr[1:] - 1, 0)], 0)

    def take(self, users: np.ndarray) -> Histories:
        return self._select(self.ptr[:-1][users], self.lengths[users])

    def head(self, lengths: np.ndarray) -> Histories:
        """The oldest `lengths[u]` events of each user."""
        return self._select(self.ptr[:-1], np.minimum(lengths, self.lengths))

    def skip(self, lengths: np.ndarray) -> Histories:
        """What `head` leaves."""
        skipped = np.minimum(lengths, self.lengths)
        return self._select(self.ptr[:-1] + skipped, self.lengths - skipped)

    def newest(self, limit: int) -> Histories:
        if not len(self) or self.lengths.max() <= limit:
            return self
        kept = np.minimum(self.lengths, limit)
        return self._select(self.ptr[1:] - kept, kept)

    def where(self, keep: np.ndarray) -> Histories:
        """The events that keep (bool per event) marks; users stay, perhaps empty."""
        ptr = np.concatenate([[0], np.cumsum(keep)])[self.ptr]
        return Histories(self.items[keep], self.times[keep], self.kinds[keep], self.weights[keep], ptr)

    def user(self, user: int) -> Histories:
        return self._select(self.ptr[user : user + 1], self.lengths[user : user + 1])

    def extended(self, newer: Histories) -> Histories:
        """One user's history with other events among it by their time; of one moment, those stand last.

        A streamed event may be older than what the history holds (PutEvents takes any sentAt).
        """
        times = np.concatenate([self.times, newer.times])
        order = np.argsort(times, kind="stable")
        return Histories(
            np.concatenate([self.items, newer.items])[order],
            times[order],
            np.concatenate([self.kinds, newer.kinds])[order],
            np.concatenate([self.weights, newer.weights])[order],
            np.array([0, len(times)]),
        )

    def _select(self, starts: np.ndarray, lengths: np.ndarray) -> Histories:
        ptr = np.concatenate([[0], np.cumsum(lengths)])
        at = np.repeat(starts - ptr[:-1], lengths) + np.arange(ptr[-1])
        return Histories(self.items[at], self.times[at], self.kinds[at], self.weights[at], ptr)


def empty_histories(users: int = 1) -> Histories:
    none = np.zeros(0)
    return Histories(
        none.astype(np.int32),
        none.astype(np.int64),
        none.astype(np.int8),
        none.astype(np.float32),
        np.zeros(users + 1, dtype=np.int64),
    )


@dataclass(frozen=True)
class Encoded:
    histories: Histories
    users: Ids
    items: Ids
    kinds: tuple[str, ...]


def encode(interactions: pd.DataFrame, *, weights: dict[str, float] | None = None) -> Encoded:
    """Events of equal time keep their order in the frame."""
    user_codes, users = pd.factorize(interactions["USER_ID"])
    item_codes, items = pd.factorize(interactions["ITEM_ID"])
    kind_codes, kinds = _kinds(interactions)
    times = interactions["TIMESTAMP"].to_numpy(dtype=np.int64)
    order = np.lexsort((times, user_codes))
    table = np.array([(weights or {}).get(kind, 1.0) for kind in kinds], dtype=np.float32)
    histories = Histories(
        item_codes[order].astype(np.int32),
        times[order],
        kind_codes[order].astype(np.int8),
        table[kind_codes[order]],
        np.concatenate([[0], np.cumsum(np.bincount(user_codes, minlength=len(users)))]),
    )
    return Encoded(histories, Ids(_objects(users)), Ids(_objects(items)), kinds)


def _kinds(interactions: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """At most 100 event types are told apart; the rest share one code."""
    if "EVENT_TYPE" not in interactions:
        return np.zeros(len(interactions), dtype=np.int64), ("",)
    codes, names = pd.factorize(interactions["EVENT_TYPE"].fillna("").astype(str))
    return np.minimum(codes, 100), tuple(str(name) for name in names[:101])


def _objects(values: object) -> np.ndarray:
    listed = [str(value) for value in list(values)]  # type: ignore[call-overload]
    result = np.empty(len(listed), dtype=object)
    result[:] = listed
    return result


def profile(
    histories: Histories, n_items: int, *, decay: float | None = None, limit: int = 0
) -> sp.csr_matrix:
    """users x items; each item weighs decay^(newer events since its newest occurrence), or 1."""
    recent = histories.newest(limit) if limit else histories
    key, ages = _newest_first(recent, n_items)
    first = np.concatenate([[True], key[1:] != key[:-1]]) if len(key) else np.zeros(0, dtype=bool)
    key, ages = key[first], ages[first]
    data = np.ones(len(key), np.float32) if decay is None else np.float32(decay) ** ages.astype(np.float32)
    return _matrix(data, key, len(recent), n_items)


def users_of(histories: Histories, n_items: int) -> np.ndarray:
    """The number of users who have each item."""
    return np.asarray(profile(histories, n_items).sum(axis=0)).ravel()


def _newest_first(histories: Histories, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """(user, item) keys ascending, each key's newest event first, with the events' ages."""
    key = histories.owners.astype(np.int64) * n_items + histories.items
    backwards = key[::-1]
    order = np.argsort(backwards, kind="stable")
    return backwards[order], histories.ages[::-1][order]


def _matrix(data: np.ndarray, key: np.ndarray, rows: int, n_items: int) -> sp.csr_matrix:
    ptr = np.searchsorted(key, np.arange(rows + 1, dtype=np.int64) * n_items)
    columns = (key % n_items).astype(np.int32)
    return sp.csr_matrix((data.astype(np.float32), columns, ptr), shape=(rows, n_items))


@dataclass(frozen=True)
class OwnEvents:
    """users x items matrices of one pattern: what each user did with each of their own items."""

    decayed: sp.csr_matrix  # sum of decay^age
    counts: sp.csr_matrix
    recency: sp.csr_matrix  # 1 / (1 + age of the newest event)
    seconds: sp.csr_matrix  # seconds from the item's newest event to the user's newest
    kinds: sp.csr_matrix  # 1 + event type code of the newest event
    span: sp.csr_matrix  # seconds from the item's oldest event to its newest


def own_events(histories: Histories, n_items: int, *, decay: float = 0.995, limit: int = 1000) -> OwnEvents:
    recent = histories.newest(limit)
    key = recent.owners.astype(np.int64) * n_items + recent.items
    backwards = np.arange(len(key))[::-1]
    order = backwards[np.argsort(key[::-1], kind="stable")]
    key, ages = key[order], recent.ages[order].astype(np.float32)
    start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, int)
    last = recent.times[np.maximum(recent.ptr[1:] - 1, 0)] if len(key) else np.zeros(len(recent))
    newest = order[start]
    oldest = order[np.append(start[1:], len(key)) - 1] if len(key) else newest
    columns = (
        np.add.reduceat(np.float32(decay) ** ages, start) if len(key) else ages,
        np.diff(np.concatenate([start, [len(key)]])) if len(key) else ages,
        1 / (1 + ages[start]),
        (last[recent.owners[newest]] - recent.times[newest] + 1) if len(key) else ages,
        recent.kinds[newest] + 1,
        recent.times[newest] - recent.times[oldest],
    )
    return OwnEvents(*(_matrix(column, key[start], len(recent), n_items) for column in columns))
