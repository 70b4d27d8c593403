from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    control_table: str
    recommendations_table: str
    prefix: str
    dataset_groups: list[str]
    solutions: dict[str, str]
    keep_superseded: int
    superseded_after_days: int
    pinned: list[str]
