from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Environment:
    control_table: str
    dataset_group: str
    streamed: list[Any]
    """Event types that reach Personalize by the stream."""
    application_log_table: str = ""
    """None: nothing is exported."""
