"""Events by owner and time, and metadata as numbers: what an action model reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osusume_engine.ids import Ids
from osusume_engine.numeric import finite
from osusume_engine.storage import storable

DAY = 86_400
NEVER = 999.0  # days since something that has not happened


@storable
@dataclass(frozen=True)
class Timeline:
    """Events by owner and time, with running sums of a value."""

    keys: np.ndarray  # owner * span + seconds since start, ascending
    sums: np.ndarray
    start: int
    span: int

    @staticmethod
    def of(owners: np.ndarray, times: np.ndarray, values: np.ndarray) -> Timeline:
        start = int(times.min(initial=0)) if len(times) else 0
        span = int(times.max(initial=start)) - start + 2
        keys = owners.astype(np.int64) * span + (times - start)
        order = np.argsort(keys, kind="stable")
        return Timeline(keys[order], np.concatenate([[0.0], np.cumsum(values[order])]), start, span)

    def between(
        self, owners: np.ndarray, since: np.ndarray, until: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Number and sum of each owner's events at since <= time < until; 0 for owner -1."""
        first, last = self._at(owners, since), self._at(owners, until)
        known = owners >= 0
        return np.where(known, last - first, 0), np.where(known, self.sums[last] - self.sums[first], 0.0)

    def before(self, owners: np.ndarray, until: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.between(owners, np.full(len(owners), self.start), until)

    def days_since(self, owners: np.ndarray, until: np.ndarray) -> np.ndarray:
        """Days from the newest event before `until`."""
        count, _ = self.before(owners, until)
        last = np.maximum(self._at(owners, until) - 1, 0)
        if not len(self.keys):
            return np.full(len(owners), NEVER)
        elapsed = until - self.start - self.keys[last] % self.span
        return np.where(count > 0, elapsed / DAY, NEVER)

    def _at(self, owners: np.ndarray, moment: np.ndarray) -> np.ndarray:
        seconds = np.clip(moment - self.start, 0, self.span - 1)
        return np.searchsorted(self.keys, owners.astype(np.int64) * self.span + seconds)


@storable
@dataclass(frozen=True)
class Columns:
    """Metadata as numbers: log of the numeric columns, one column for each frequent category."""

    values: np.ndarray  # float32 (entities + 1, columns); the last row, for the unknown, is 0

    @staticmethod
    def of(frame: pd.DataFrame | None, *, key: str, ids: Ids, levels: int = 20) -> Columns:
        if frame is None:
            return Columns(np.zeros((len(ids) + 1, 0), np.float32))
        indexed = frame.drop_duplicates(key, keep="last").set_index(key)
        aligned = indexed.reindex(ids.values)
        parts = [_numbers(aligned[name], levels) for name in aligned.columns]
        table = np.concatenate([np.zeros((len(ids), 0)), *parts], axis=1)
        return Columns(np.vstack([table, np.zeros((1, table.shape[1]))]).astype(np.float32))


def _numbers(column: pd.Series, levels: int) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column):
        return np.log1p(finite(column).fillna(0).clip(lower=0).to_numpy())[:, None]
    lists = column.fillna("").astype(str).str.split("|")
    frequent = lists.explode().value_counts()
    chosen = [value for value in frequent.index[:levels] if value]
    return np.array([[float(value in one) for value in chosen] for one in lists]).reshape(
        len(column), len(chosen)
    )
