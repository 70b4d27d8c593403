"""Five users and five items for whom lists are shown."""

from __future__ import annotations

import numpy as np

from osusume_engine.histories import profile
from osusume_engine.preparation import Prepared

SHOWN = 10
ENOUGH = 3  # events, to be unlike others by more than chance
Chosen = dict[str, int]  # a key of the words -> code


def users(prepared: Prepared, *, named: str | None = None) -> Chosen:
    """Median, heaviest, newest, least like the mean history, and the one who is named (else the first quartile)."""
    histories = prepared.histories
    by_length = np.argsort(histories.lengths, kind="stable")
    first = histories.times[histories.ptr[:-1]]
    middle = int(by_length[len(by_length) // 2])
    wanted = prepared.users.code(named) if named else -1
    chosen = {
        "median": middle,
        "heaviest": int(by_length[-1]),
        "newest": int(np.argmax(first)),
        "unlike": _unlike(prepared),
        "named": wanted if wanted >= 0 else int(by_length[len(by_length) // 4]),
    }
    if wanted < 0:
        chosen["light"] = chosen.pop("named")
    return chosen


def _unlike(prepared: Prepared) -> int:
    x = profile(prepared.histories, len(prepared.items))
    mean = np.asarray(x.mean(axis=0)).ravel()
    norms = np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel()) * np.sqrt((mean**2).sum())
    likeness = np.asarray(x @ mean).ravel() / np.maximum(norms, 1e-12)
    return int(np.argmin(np.where(prepared.histories.lengths >= ENOUGH, likeness, 2.0)))


def items(prepared: Prepared) -> Chosen:
    """The most popular, those at quarters of the interactions, and the newest."""
    histories = prepared.histories
    counts = np.bincount(histories.items, minlength=len(prepared.items))
    order = np.argsort(-counts, kind="stable")
    summed = np.cumsum(counts[order])
    at = lambda share: int(order[np.searchsorted(summed, share * summed[-1])])  # noqa: E731
    born = np.full(len(prepared.items), np.iinfo(np.int64).max)
    np.minimum.at(born, histories.items, histories.times)
    born[counts == 0] = -1
    return {
        "top": int(order[0]),
        "quarter": at(0.25),
        "half": at(0.5),
        "rare": at(0.75),
        "newest": int(np.argmax(born)),
    }
