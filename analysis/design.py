"""What an experiment declared before it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Design:
    """`weights` by variant, in percent; `lower_is_better` names metrics; `guardrails` are margins by metric."""

    name: str
    version: str
    control: str
    weights: Mapping[str, float]
    starts: date
    ends: date | None
    primary: str
    secondary: tuple[str, ...] = ()
    guardrails: Mapping[str, float] = field(default_factory=dict)
    lower_is_better: frozenset[str] = frozenset()
    detectable: float = 0.05

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Design:
        """A design of config/experiments.py's `designs`: days and sets are text and lists there."""
        ends = document["ends"]
        return cls(
            **{
                **document,
                "starts": date.fromisoformat(document["starts"]),
                "ends": date.fromisoformat(ends) if ends else None,
                "secondary": tuple(document["secondary"]),
                "lower_is_better": frozenset(document["lower_is_better"]),
            }
        )

    @property
    def treatments(self) -> tuple[str, ...]:
        return tuple(name for name in self.weights if name != self.control)

    @property
    def metrics(self) -> tuple[str, ...]:
        return (self.primary, *self.guardrails, *self.secondary)

    @property
    def days(self) -> int | None:
        """Declared duration, None where no end is declared."""
        return None if self.ends is None else (self.ends - self.starts).days + 1

    def improves(self, metric: str, change: float) -> bool:
        return (change < 0) == (metric in self.lower_is_better)
