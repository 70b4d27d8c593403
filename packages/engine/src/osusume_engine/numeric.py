"""Columns of numbers as learners read them: what is no finite number is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

LARGEST = 1e100  # sums of a billion of them, and their squares, are finite still


def finite(column: pd.Series) -> pd.Series:
    """float64 with the index of the column; NaN where there is no number, or one beyond LARGEST.

    An import refuses infinity (imports.py); frames that were made elsewhere may hold it. One infinite value
    would make every sum, mean and quantile of its column infinite, and their differences NaN.
    """
    values = pd.to_numeric(column, errors="coerce").astype("float64")
    return values.where(np.abs(values) <= LARGEST)
