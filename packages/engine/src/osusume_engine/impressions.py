"""What was shown to users, and what they chose from it: exploration tries less what was left lying."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Impressions:
    """How often items were shown and chosen; of each user, what they were shown and left.

    The service says that exploration learns "how frequently an item has been ignored"; the rule is ours.
    """

    shown: Counter[str] = field(default_factory=Counter)
    chosen: Counter[str] = field(default_factory=Counter)
    left: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def record(self, *, user: str, shown: Iterable[str], chosen: str) -> None:
        listed = set(shown)
        self.chosen[chosen] += 1
        self.shown.update(listed)
        if listed:
            self.left[user].update(listed - {chosen})

    def burden(self, user: str, items: Sequence[str]) -> list[float]:
        """What the odds of each item lose, in logits.

        They fall with the share of its impressions that nobody chose, and by half each time that this user
        was shown it and left it.
        """
        if not self.shown:
            return [0.0] * len(items)
        mine = self.left.get(user, Counter())
        return [self._ignored(item) + math.log(2) * mine[item] for item in items]

    def _ignored(self, item: str) -> float:
        shown = self.shown[item]
        return math.log((1 + shown) / (1 + min(self.chosen[item], shown))) if shown else 0.0
