"""Amazon Personalize's hold-out: one user in ten is tested on the newest tenth of their events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osusume_engine.histories import Histories

TEST_SHARE = 0.1
PRACTISED = 10  # events


@dataclass(frozen=True)
class Holdout:
    """train: all events of the other users; seen, relevant: the oldest 90% and newest 10% of test users."""

    train: Histories
    seen: Histories
    relevant: Histories
    train_users: np.ndarray
    test_users: np.ndarray

    @property
    def truth(self) -> list[np.ndarray]:
        return np.split(self.relevant.items, self.relevant.ptr[1:-1])

    @property
    def weighted_truth(self) -> list[dict[int, float]]:
        """The heaviest event weight of each relevant item, per query."""
        result: list[dict[int, float]] = [{} for _ in range(len(self.relevant))]
        rows = (self.relevant.owners.tolist(), self.relevant.items.tolist(), self.relevant.weights.tolist())
        for user, item, weight in zip(*rows, strict=True):
            result[user][item] = max(weight, result[user].get(item, 0.0))
        return result


def hold_out(
    histories: Histories, *, seed: int = 0, fold: int = 0, folds: int = 10, limit: int = 0
) -> Holdout:
    """Users with one event can't be tested, so they train; limit caps the tested users."""
    order = np.random.RandomState(seed).permutation(len(histories))
    tested = np.sort(order[fold::folds])
    tested = tested[histories.lengths[tested] >= 2]
    train_users = np.setdiff1d(np.arange(len(histories)), tested, assume_unique=True)
    if limit and len(tested) > limit:
        tested = np.sort(np.random.RandomState(seed).choice(tested, limit, replace=False))
    whole = histories.take(tested)
    kept = whole.lengths - held_out_lengths(whole.lengths)
    return Holdout(histories.take(train_users), whole.head(kept), whole.skip(kept), train_users, tested)


def held_out_lengths(lengths: np.ndarray, share: float = TEST_SHARE) -> np.ndarray:
    """How many events are held out, at least one. Amazon's own rounding is not documented."""
    return np.maximum(1, np.rint(share * lengths).astype(np.int64))


def practice(histories: Histories, back: int) -> tuple[np.ndarray, Histories, Histories]:
    """(users, seen, relevant): what a ranker learns from, as a test asks it.

    Each history is cut `back` twentieths before a test would cut it, and the tenth that follows is relevant.
    What comes next changes along a history, so cuts close to its end teach most about the end. Left out are
    users whose history is too short, which with back > 0 is one of fewer than PRACTISED events.
    """
    lengths = histories.lengths
    ahead = held_out_lengths(lengths)
    cut = lengths - ahead - back * held_out_lengths(lengths, TEST_SHARE / 2)
    users = np.flatnonzero((cut >= 1) & (lengths >= (PRACTISED if back else 2)))
    chosen = histories.take(users)
    return users, chosen.head(cut[users]), chosen.skip(cut[users]).head(ahead[users])


def split_each_user(histories: Histories, share: float = 0.2) -> tuple[Histories, Histories]:
    """USER_SEGMENTATION: the oldest 80% (at least one) of every user's events, and the newest 20%."""
    kept = np.maximum(1, histories.lengths - np.rint(share * histories.lengths).astype(np.int64))
    return histories.head(kept), histories.skip(kept)
