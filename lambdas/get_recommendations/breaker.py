"""Stops asking a store that fails, so that its trouble costs the readers nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FAULTS_TO_OPEN = 5
OPEN_SECONDS = 1.0


@dataclass
class Breaker:
    """Opens after five faults in a row; a second later one call may try again.

    Not for threads: a Lambda process serves one request at a time.
    """

    clock: Callable[[], float]
    faults: int = 0
    opened_at: float = 0.0

    def allows(self) -> bool:
        return self.faults < FAULTS_TO_OPEN or self.clock() - self.opened_at >= OPEN_SECONDS

    def succeeded(self) -> None:
        self.faults = 0

    def failed(self) -> None:
        self.faults += 1
        if self.faults >= FAULTS_TO_OPEN:
            self.opened_at = self.clock()
