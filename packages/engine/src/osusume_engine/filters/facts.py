"""The records that filters look at: metadata of items, users and actions, and who did what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

# The newest events of each type that a filter considers ("Amazon Personalize endpoints and quotas").
EVENTS_PER_TYPE = 100
_KEYS = {"ITEMS": "ITEM_ID", "USERS": "USER_ID", "ACTIONS": "ACTION_ID"}


@dataclass(frozen=True)
class Table:
    """Metadata by id; column names in upper case, as filters ignore the case of fields."""

    frame: pd.DataFrame

    @cached_property
    def rows(self) -> dict[str, int]:
        return {one: row for row, one in enumerate(self.frame.index)}

    def value(self, one: str | None, column: str) -> Any:
        row = self.rows.get(one) if one is not None else None
        if row is None or column not in self.frame.columns:
            return None
        value: Any = self.frame[column].iat[row]
        return None if pd.isna(value) else value

    def ids(self, mask: np.ndarray) -> frozenset[str]:
        return frozenset(self.frame.index[mask])

    def column(self, name: str) -> pd.Series:
        return self.frame[name]


@dataclass
class Events:
    """Events by user: ids of what they touched and lower-case event types, the oldest first."""

    users: dict[str, int]
    ptr: np.ndarray
    targets: np.ndarray
    target_ids: np.ndarray
    kinds: np.ndarray
    kind_names: list[str]
    streamed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of_frame(cls, frame: pd.DataFrame, *, target: str) -> Events:
        kinds = frame["EVENT_TYPE"] if "EVENT_TYPE" in frame else pd.Series("", index=frame.index)
        order = np.argsort(frame["TIMESTAMP"].to_numpy(), kind="stable")
        user_codes, users = pd.factorize(frame["USER_ID"].iloc[order])
        target_codes, targets = pd.factorize(frame[target].iloc[order])
        kind_codes, names = pd.factorize(kinds.fillna("").str.lower().iloc[order])
        by_user = np.argsort(user_codes, kind="stable")
        counts = np.bincount(user_codes, minlength=len(users))
        return cls(
            users={user: code for code, user in enumerate(users)},
            ptr=np.concatenate([[0], np.cumsum(counts)]),
            targets=target_codes[by_user].astype(np.int32),
            target_ids=np.asarray(targets, dtype=object),
            kinds=kind_codes[by_user].astype(np.int16),
            kind_names=list(names),
        )

    def add(self, user: str, target: str, kind: str | None) -> None:
        """A streamed event, newer than those of the frame."""
        self.streamed.setdefault(user, []).append((target, (kind or "").lower()))

    def of_user(self, user: str, wanted: frozenset[str]) -> frozenset[str]:
        """What the user touched with an event of the wanted types ("*": of any)."""
        newest: dict[str, int] = {}
        found = set()
        for target, kind in reversed(self._events(user)):
            newest[kind] = newest.get(kind, 0) + 1
            if newest[kind] <= EVENTS_PER_TYPE and ("*" in wanted or kind in wanted):
                found.add(target)
        return frozenset(found)

    def _events(self, user: str) -> list[tuple[str, str]]:
        code = self.users.get(user)
        events: list[tuple[str, str]] = []
        if code is not None:
            span = slice(self.ptr[code], self.ptr[code + 1])
            names = [self.kind_names[kind] for kind in self.kinds[span]]
            events = list(zip(self.target_ids[self.targets[span]], names, strict=True))
        return events + self.streamed.get(user, [])

    def users_with(self, wanted: frozenset[str]) -> frozenset[str]:
        return frozenset(user for user in {*self.users, *self.streamed} if self.of_user(user, wanted))


@dataclass
class Facts:
    tables: Mapping[str, Table] = field(default_factory=dict)
    events: Mapping[str, Events] = field(default_factory=dict)

    @classmethod
    def of_frames(cls, frames: Mapping[str, pd.DataFrame]) -> Facts:
        """Facts of frames, given by dataset type ("ITEMS", "INTERACTIONS", ...)."""
        targets = {"INTERACTIONS": "ITEM_ID", "ACTION_INTERACTIONS": "ACTION_ID"}
        return cls(
            tables={kind: _table(frames[kind], key) for kind, key in _KEYS.items() if kind in frames},
            events={
                kind: Events.of_frame(frames[kind], target=target)
                for kind, target in targets.items()
                if kind in frames
            },
        )


def _table(frame: pd.DataFrame, key: str) -> Table:
    renamed = frame.set_index(key, drop=False)  # filters may name the id too
    renamed.columns = pd.Index([str(name).upper() for name in renamed.columns])
    return Table(renamed)
