"""Which items without a history are worth trying on a user.

The service documents what exploration does, not how it chooses: the formulas are ours.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp

from osusume_engine.impressions import Impressions

if TYPE_CHECKING:
    from osusume_engine.training import TrainedModel

DAY = 86_400
FEW_EVENTS = 5  # an item with fewer is explored while it is young
MAX_EXPLORED = 2000  # the youngest ones
HISTORY = 20  # newest items of a user that speak for their taste
TASTE = 4.0  # what a perfect match of metadata adds to the odds, in logits
_WORD = re.compile(r"\w+")
_NOT_DESCRIBING = ("ITEM_ID", "CREATION_TIMESTAMP")


class Descriptions:
    """The words of items: each category of a column is one, and each word of a text."""

    def __init__(self, items: pd.DataFrame | None) -> None:
        frame = pd.DataFrame({"ITEM_ID": []}) if items is None else items
        ids = frame.get("ITEM_ID", frame.index)
        newest = ~pd.Index(np.asarray(ids, dtype=object)).duplicated(keep="last")
        self._index = pd.Index(np.asarray(ids, dtype=object)[newest])
        self._columns = {
            name: frame[name].to_numpy(dtype=object)[newest]
            for name in frame.columns
            if name not in _NOT_DESCRIBING and pd.api.types.is_string_dtype(frame[name])
        }

    @property
    def ids(self) -> np.ndarray:
        return self._index.to_numpy()

    def words(self, items: Sequence[str]) -> list[set[str]]:
        places = self._index.get_indexer(pd.Index(np.asarray(items, dtype=object)))
        return [self._words(place) if place >= 0 else set() for place in places]

    def _words(self, place: int) -> set[str]:
        found: set[str] = set()
        for name, values in self._columns.items():
            if isinstance(values[place], str):
                found.update(f"{name}={part}" for part in values[place].split("|"))
                found.update(_WORD.findall(values[place].lower()) if " " in values[place] else ())
        return found


@dataclass(frozen=True)
class Explorer:
    """ids: the items to explore; words: csr (ids, vocabulary), rows of unit length."""

    ids: np.ndarray
    words: sp.csr_matrix
    vocabulary: dict[str, int]
    rarity: np.ndarray  # of each word
    descriptions: Descriptions
    impressions: Impressions

    @staticmethod
    def of(ids: np.ndarray, descriptions: Descriptions, impressions: Impressions) -> Explorer:
        listed = descriptions.words(ids.tolist())
        counts = Counter(word for words in listed for word in words)
        vocabulary = {word: at for at, word in enumerate(sorted(counts))}
        rarity = np.array([np.log(1 + len(ids) / counts[word]) for word in vocabulary])
        return Explorer(
            ids, _matrix(listed, vocabulary, rarity), vocabulary, rarity, descriptions, impressions
        )

    def pick(
        self,
        count: int,
        *,
        user: str,
        history: Sequence[str],
        present: Set[str],
        allowed: Callable[[np.ndarray], np.ndarray] | None,
        seed: int,
    ) -> list[str]:
        """The best by taste, impressions and a chance that is the user's own: asking again gives the same.

        present: items that the list has already.
        """
        if not count:
            return []
        luck = np.random.default_rng(_number(f"{seed}|{user}")).gumbel(size=len(self.ids))
        odds = TASTE * self.taste(history) + luck - np.array(self.impressions.burden(user, self.ids.tolist()))
        order = np.argsort(-odds, kind="stable")
        if allowed is not None:
            order = order[np.asarray(allowed(self.ids), dtype=bool)[order]]
        fresh = (item for item in self.ids[order] if item not in present)
        return list(itertools.islice(fresh, count))

    def taste(self, history: Sequence[str]) -> np.ndarray:
        """Cosine of every item with what the user met, 0 where nothing is described."""
        met = self.descriptions.words(list(history)[-HISTORY:])
        profile = np.zeros(len(self.vocabulary))
        for word in (word for words in met for word in words if word in self.vocabulary):
            profile[self.vocabulary[word]] += self.rarity[self.vocabulary[word]]
        length = np.linalg.norm(profile)
        return np.asarray(self.words @ (profile / length)) if length else np.zeros(len(self.ids))


def _matrix(listed: list[set[str]], vocabulary: dict[str, int], rarity: np.ndarray) -> sp.csr_matrix:
    columns = [sorted(vocabulary[word] for word in words) for words in listed]
    ptr = np.concatenate([[0], np.cumsum([len(row) for row in columns])])
    indices = np.array([at for row in columns for at in row], dtype=np.int64)
    matrix = sp.csr_matrix(
        (rarity[indices] if len(indices) else [], indices, ptr), (len(listed), len(vocabulary))
    )
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sp.diags(1 / np.maximum(length, 1e-12)) @ matrix


def _number(text: str) -> int:
    return random.Random(text).getrandbits(64)


def slots(length: int, share: float, *, user: str, seed: int) -> int:
    """How many of a list's places explore: the share on average, and at least none of a single place."""
    return min(int(length * share + random.Random(f"slots|{seed}|{user}").random()), max(length - 1, 0))


def ages(model: TrainedModel, created: pd.Series, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(events, days) of each item: age is seen from the newest event, back to the creation or first event.

    An item with neither is new. created: creation times by item.
    """
    n = len(model.items.values)
    times, items = model.histories.times, model.histories.items
    newest = int(times.max(initial=0))
    first = np.full(n + 1, newest, dtype=np.int64)
    np.minimum.at(first, items, times)
    codes = model.items.codes(ids)
    known = created.reindex(ids).to_numpy(dtype=float) if len(created) else np.full(len(ids), np.nan)
    since = np.where(np.isnan(known), first[codes], known)
    events = np.append(np.bincount(items, minlength=n), 0)[codes]
    return events, (newest - since) / DAY


def explorable(model: TrainedModel, items: pd.DataFrame | None, *, days: float) -> np.ndarray:
    """Ids of young items with few events, the youngest first; items that came after training too."""
    created = creation_series(items)
    described = Descriptions(items).ids
    ids = np.concatenate([model.items.values, described[model.items.codes(described) < 0]])
    events, age = ages(model, created, ids)
    young = np.flatnonzero((events < FEW_EVENTS) & (age <= days))
    return ids[young[np.argsort(age[young], kind="stable")]][:MAX_EXPLORED]


def creation_series(items: pd.DataFrame | None) -> pd.Series:
    """Epoch seconds by item; `items` is the Items dataset, its ids a column or the index."""
    if items is None or "CREATION_TIMESTAMP" not in items:
        return pd.Series(dtype=float)
    ids = items.get("ITEM_ID", items.index)
    times = pd.Series(
        items["CREATION_TIMESTAMP"].to_numpy(dtype=float, na_value=np.nan),
        index=np.asarray(ids, dtype=object),
    )
    return times[times.notna() & ~times.index.duplicated(keep="last")]
