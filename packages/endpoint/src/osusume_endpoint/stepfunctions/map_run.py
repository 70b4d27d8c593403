"""A Map Run: what a Distributed Map starts, with one child execution per item or batch."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osusume_endpoint.stepfunctions.errors import EXCEED_TOLERATED_FAILURE_THRESHOLD, StateError
from osusume_endpoint.stepfunctions.payloads import now
from osusume_endpoint.stepfunctions.results import FAILED, SUCCEEDED, TIMED_OUT
from osusume_endpoint.stepfunctions.scope import Identity

if TYPE_CHECKING:
    from osusume_endpoint.stepfunctions.execution import Execution

THRESHOLD_EXCEEDED = "The specified tolerated failure threshold was exceeded"


@dataclass
class ChildExecution:
    """`items` is how many items the child works on: the size of its batch."""

    execution: Execution
    items: int
    started: dt.datetime = field(default_factory=now)
    stopped: dt.datetime | None = None

    @property
    def succeeded(self) -> bool:
        return self.execution.result.status == SUCCEEDED


@dataclass(frozen=True)
class Tolerance:
    """How many items may fail. Without either limit the first is one too many; with both, exceeding either is."""

    count: int | None
    percentage: float | None

    def exceeded(self, *, failed: int, total: int) -> bool:
        if failed == 0:
            return False
        if self.count is None and self.percentage is None:
            return True
        over_count = self.count is not None and failed > self.count
        over_share = self.percentage is not None and 100 * failed > self.percentage * total
        return over_count or over_share


@dataclass
class MapRun:
    arn: str
    label: str
    parent: Identity
    total_items: int
    max_concurrency: int
    tolerance: Tolerance
    status: str = "RUNNING"
    started: dt.datetime = field(default_factory=now)
    stopped: dt.datetime | None = None
    children: list[ChildExecution] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._failed_items = 0

    def child_identity(self) -> Identity:
        name = str(uuid.uuid4())
        arn = self.parent.state_machine_arn
        return Identity(
            execution_arn=f"{arn.replace(':stateMachine:', ':execution:')}/{self.label}:{name}",
            execution_name=name,
            state_machine_arn=f"{arn}/{self.label}",
            state_machine_name=f"{self.parent.state_machine_name}/{self.label}",
            role_arn=self.parent.role_arn,
        )

    def add(self, child: ChildExecution) -> None:
        with self._lock:
            self.children.append(child)

    def finish(self, child: ChildExecution) -> None:
        """Raises States.ExceedToleratedFailureThreshold when this failure was one too many."""
        with self._lock:
            child.stopped = now()
            if child.execution.result.status in (FAILED, TIMED_OUT):
                self._failed_items += child.items
            failed = self._failed_items
        if self.tolerance.exceeded(failed=failed, total=self.total_items):
            raise StateError(EXCEED_TOLERATED_FAILURE_THRESHOLD, THRESHOLD_EXCEEDED)

    def items(self, *statuses: str) -> int:
        return sum(child.items for child in self.children if child.execution.result.status in statuses)

    def executions(self, *statuses: str) -> int:
        return sum(child.execution.result.status in statuses for child in self.children)

    def end(self, status: str) -> None:
        self.status = status
        self.stopped = now()


def new_map_run(*, parent: Identity, label: str, **settings: Any) -> MapRun:
    prefix = parent.state_machine_arn.replace(":stateMachine:", ":mapRun:")
    return MapRun(arn=f"{prefix}/{label}:{uuid.uuid4()}", label=label, parent=parent, **settings)
