from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """Names that are deployed beside the function."""

    lists: list[str]
    placements: list[str]
    attributes: list[str]
