from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    recommendations_table: str
    expire_after_days: int
