"""A list as the store keeps it and as the API answers it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

Source = Literal["personal", "related", "popular", "default"]
Ranked = tuple[str, float | None]


class CorruptList(ValueError):
    """What the store holds isn't a list of [id, score]."""


@dataclass(frozen=True)
class Ranking:
    """`version` is the run that made it; `degraded` says that something failed on the way."""

    items: tuple[Ranked, ...]
    source: Source
    version: str | None
    degraded: bool = False

    def body(self, results: int) -> dict[str, Any]:
        return {
            "items": [{"itemId": item, "score": score} for item, score in self.items[:results]],
            "source": self.source,
            "version": self.version,
            "degraded": self.degraded,
            "experiment": None,
            "variant": None,
        }


def decode(text: str) -> tuple[Ranked, ...]:
    """The entries that `[["id", score], ...]` holds, each id once. Raises CorruptList."""
    try:
        pairs = tuple((item, score) for item, score in json.loads(text, parse_constant=_no_number))
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptList(f"{text[:80]!r}: {error}") from None
    if not pairs or not all(_is_ranked(item, score) for item, score in pairs):
        raise CorruptList(f"{text[:80]!r} is empty or has an entry that is not [id, score]")
    if len({item for item, _ in pairs}) < len(pairs):
        raise CorruptList(f"{text[:80]!r} has an item twice")
    return pairs


def _no_number(constant: str) -> float:
    """NaN and the infinities are no JSON, though Python and Spark write them."""
    raise ValueError(f"{constant} is not a number")


def _is_ranked(item: object, score: object) -> bool:
    return isinstance(item, str) and item != "" and (score is None or _is_number(score))


def _is_number(score: object) -> bool:
    # 1e999 is read as an infinity.
    return isinstance(score, int | float) and not isinstance(score, bool) and abs(score) < math.inf
