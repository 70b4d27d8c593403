"""An optimization objective: how a list gives way to items with more of a numeric attribute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osusume_engine.ids import Ids
from osusume_engine.numeric import finite
from osusume_engine.storage import storable

# The share of the attribute in an item's standing, the rest is relevance. The guide says "less emphasis",
# "equal emphasis" and "more emphasis"; the figures are ours.
SHARES = {"OFF": 0.0, "LOW": 0.25, "MEDIUM": 0.5, "HIGH": 0.75}


@storable
@dataclass(frozen=True)
class Lean:
    """ranks: per item code from -1 for the least of the attribute to 1 for the most, 0 where unknown."""

    ranks: np.ndarray
    share: float

    @staticmethod
    def of(values: np.ndarray, *, sensitivity: str) -> Lean:
        ranks = 2 * pd.Series(values).rank(method="average", pct=True) - 1
        return Lean(ranks.fillna(0).to_numpy(dtype=np.float32), SHARES[sensitivity])

    def applied(self, log_scores: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(queries, pool): relevance and attribute on one scale, blended, on the scale of relevance again.

        Items of code -1 are padding and stay last.
        """
        listed = items >= 0
        mean, spread = _moments(log_scores, listed)
        relevance = (log_scores - mean) / spread
        attribute = self.ranks[np.maximum(items, 0)].astype(np.float64)
        middle, width = _moments(attribute, listed)
        blend = (1 - self.share) * relevance + self.share * (attribute - middle) / width
        return np.where(listed, mean + blend * spread, -np.inf)


def _moments(values: np.ndarray, listed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each row's listed values; a deviation of 0 counts as 1."""
    count = np.maximum(listed.sum(axis=1, keepdims=True), 1)
    mean = np.where(listed, values, 0).sum(axis=1, keepdims=True) / count
    squares = np.where(listed, values - mean, 0) ** 2
    spread = np.sqrt(squares.sum(axis=1, keepdims=True) / count)
    return mean, np.where(spread > 1e-9, spread, 1.0)


def attribute_of(frame: pd.DataFrame, column: str, items: Ids) -> np.ndarray:
    """float64 per item code, NaN for items that the Items dataset lacks or gives no finite number."""
    by_id = pd.Series(finite(frame[column]).to_numpy(), index=frame["ITEM_ID"].astype(str))
    by_id = by_id[~by_id.index.duplicated(keep="last")]
    return by_id.reindex(items.values).to_numpy(dtype=float)
