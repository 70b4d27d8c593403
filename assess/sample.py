"""The users whom comparisons look at: all where data are small, else a seeded draw of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

EVENTS = 5_000
NEWEST = 75  # events of a drawn user
SEED = 0


@dataclass(frozen=True)
class Sample:
    interactions: pd.DataFrame
    users: int
    of_users: int
    newest: int  # events of a user at most; 0: all

    @property
    def whole(self) -> bool:
        return self.newest == 0


def draw(interactions: pd.DataFrame, *, full: bool = False, named: str | None = None) -> Sample:
    """`named`: a user who has to be among them."""
    counts = interactions.groupby("USER_ID", sort=True).size()
    if full or len(interactions) <= EVENTS:
        return Sample(interactions, len(counts), len(counts), 0)
    order = np.random.RandomState(SEED).permutation(len(counts))
    reached = np.cumsum(np.minimum(counts.to_numpy()[order], NEWEST))
    users = set(counts.index[order[: max(1, int(np.searchsorted(reached, EVENTS)))]])
    users |= {named} & set(counts.index)
    mine = interactions[interactions.USER_ID.isin(users)]
    newest = mine.groupby("USER_ID", sort=False).tail(NEWEST).reset_index(drop=True)
    return Sample(newest, len(users), len(counts), NEWEST)
