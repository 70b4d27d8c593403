"""What a solution's lists look like before anybody reads them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SAMPLED = 1000


@dataclass
class Sample:
    """A uniform sample of lines, and how many there were (reservoir sampling: Vitter's algorithm R)."""

    random: random.Random
    seen: int = 0
    kept: list[bytes] = field(default_factory=list)

    def add(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.seen += 1
            if len(self.kept) < SAMPLED:
                self.kept.append(line)
            elif (place := self.random.randrange(self.seen)) < SAMPLED:
                self.kept[place] = line


def sameness(lists: Sequence[frozenset[str]]) -> float:
    """Mean share of places that two lists have in common, of neighbours in a sample without order; 0 of one list."""
    overlaps = [len(one & other) / max(len(one), len(other)) for one, other in pairwise(lists)]
    return sum(overlaps) / len(overlaps) if overlaps else 0.0


def wrong(
    name: str, *, lists: int, asked: int, same: float, max_sameness: float, max_without_list: float
) -> list[str]:
    """Why lists must not serve, in numbers, with the keys that say so."""
    key, found = f"quality_gate.solutions.{name}", []
    without = missing(lists=lists, asked=asked)
    if without > max_without_list:
        found.append(
            f"{without:.1%} of the {asked:,} whom a list of {name} was asked for have none, {key}.max_without_list "
            f"is {max_without_list:.1%}"
        )
    if same > max_sameness:
        found.append(
            f"two lists of {name} have {same:.1%} of their places in common, {key}.max_sameness is {max_sameness:.1%}"
        )
    return found


def missing(*, lists: int, asked: int) -> float:
    return max(0.0, 1 - lists / asked) if asked else 0.0
