from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Environment:
    """`rules`: by solution {audience, max_sameness, max_without_list}, as config/gate.py resolves them."""

    datasets_bucket: str
    results_bucket: str
    rules: dict[str, dict[str, Any]]
    powertools_metrics_namespace: str
