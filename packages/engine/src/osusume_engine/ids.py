from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from osusume_engine.storage import storable


@storable
@dataclass(frozen=True)
class Ids:
    """The external ids of users or items; an id's code is its position."""

    values: np.ndarray  # of str, dtype object

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self.values, dtype=object)

    def __len__(self) -> int:
        return len(self.values)

    def codes(self, ids: Iterable[str]) -> np.ndarray:
        """int64 codes in the given order, -1 where unknown."""
        return self._index.get_indexer(pd.Index(np.asarray(list(ids), dtype=object), dtype=object))

    def code(self, one: str | None) -> int:
        return int(self.codes([one])[0]) if one is not None else -1
