from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    control_table: str
    application_log_table: str = ""
    """None: nothing is exported."""
