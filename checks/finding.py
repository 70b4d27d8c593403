"""What a check found: one sentence for each of why and cure, addressed to whoever has to repair it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """A way in which the template would fail on AWS."""

    stack: str
    logical_id: str
    rule: str
    why: str
    cure: str

    @property
    def place(self) -> str:
        return f"{self.stack}/{self.logical_id}"

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}: {self.why} Cure: {self.cure}"
