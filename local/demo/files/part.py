"""What every reader gives: one file's rows as text, and where each stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Keep = Callable[[str], bool]  # whether a column is wanted
SAMPLED = 100


@dataclass(frozen=True)
class Part:
    """`frame`: wanted columns as text, blank or null as <NA>. `rows`: each row's number as an editor shows it."""

    file: str
    columns: list[str]  # every column of the file, wanted or not
    frame: pd.DataFrame
    rows: np.ndarray
    sample: dict[str, list[str]] = field(default_factory=dict)  # first values of every column
    how: str = ""  # how it was read, for a person


class TableRefused(ValueError):
    """A file that is no table; `row` is the number that an editor shows, `more` rows are as wrong."""

    def __init__(self, text: str, *, row: int | None = None, more: int = 0) -> None:
        super().__init__(text)
        self.row = row
        self.more = more


def text_array(values: Sequence[Any], null: Sequence[str] = ()) -> pa.Array:
    """Texts without blanks around them; what is empty then, or one of `null`, is null."""
    return cleaned(pa.array(values, pa.string()), null)


def cleaned(texts: pa.Array, null: Sequence[str] = ()) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(texts)
    empty = pc.is_in(trimmed, value_set=pa.array(["", *null], pa.string()))
    return pc.if_else(empty, pa.scalar(None, pa.string()), trimmed)


def frame_of(columns: dict[str, list[pa.Array]]) -> pd.DataFrame:
    """Chunks of each column as one frame of pandas' text type."""
    return pd.DataFrame(
        {
            name: pd.array(pa.chunked_array(chunks, pa.string()), dtype="string[pyarrow]")
            for name, chunks in columns.items()
        }
    )


def display(column: str, position: int) -> str:
    """A column's name as a message shows it; pandas writes its index as a column without a name."""
    return column or f"(column {position + 1}, without a name)"
