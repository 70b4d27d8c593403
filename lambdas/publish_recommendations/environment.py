from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    recommendations_table: str
