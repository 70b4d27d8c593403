"""Which solutions may go. A solution is named `<prefix>-<name>-<digest of its configuration>`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Found:
    """`newest`: when it was created or trained last."""

    arn: str
    name: str
    newest: datetime

    @property
    def label(self) -> str:
        """The name without its digest."""
        return self.name.rpartition("-")[0]


def superseded(
    found: Iterable[Found], *, prefix: str, needed: Collection[str], keep: int, before: datetime
) -> list[Found]:
    """Solutions of the environment that nothing needs, but for the `keep` newest of each name; oldest first.

    `needed` are names. What is not named as the workflow names solutions is somebody else's, and stays.
    """
    own = re.compile(rf"{re.escape(prefix)}-[a-z0-9-]+-[0-9a-f]+")
    unneeded = defaultdict(list)
    for one in found:
        if own.fullmatch(one.name) and one.name not in needed:
            unneeded[one.label].append(one)
    going = [
        one
        for alike in unneeded.values()
        for one in sorted(alike, key=lambda one: one.newest, reverse=True)[keep:]
        if one.newest < before
    ]
    return sorted(going, key=lambda one: one.newest)
