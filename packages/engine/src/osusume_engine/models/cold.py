"""Similar-Items: lets items that nobody has met yet into the lists of items that they resemble."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osusume_engine.models.model import Answers
from osusume_engine.models.ranking import Lists, Mask
from osusume_engine.models.text import ColdByText
from osusume_engine.storage import storable

PLACES = 25  # of which the last is for an unseen item
SHORTEST = 10  # lists below that have no such place
ALIKE = 0.5  # cosine from which on an unseen item is similar


@storable
@dataclass(frozen=True)
class WithUnseen(Answers):
    """unseen: codes of the items without events."""

    model: ColdByText
    unseen: np.ndarray

    def related(self, items: np.ndarray, k: int, *, allowed: Mask | None = None) -> Lists:
        """An unseen item takes the place and the score of what it displaces, so scores still fall."""
        lists = self.model.related(items, k, allowed=allowed)
        usable = self.unseen if allowed is None else self.unseen[allowed(self.unseen)]
        places = max(k // PLACES, int(k >= SHORTEST))
        described = np.flatnonzero(self.model.content.describes(items))
        if places and len(usable) and len(described):
            points = self.model.content.embeddings
            alike = points[items[described]] @ points[usable].T
            for row, similarity in zip(described, alike, strict=True):
                _let_in(lists.items[row], usable, similarity, places, int(items[row]))
        return lists


def _let_in(listed: np.ndarray, unseen: np.ndarray, alike: np.ndarray, places: int, query: int) -> None:
    """Writes the most similar ones over the end of the list."""
    best = np.argsort(-alike, kind="stable")[: places + len(listed)]
    fresh = best[(alike[best] >= ALIKE) & ~np.isin(unseen[best], listed) & (unseen[best] != query)][:places]
    length = int((listed >= 0).sum())
    fresh = fresh[:length]
    listed[length - len(fresh) : length] = unseen[fresh]
