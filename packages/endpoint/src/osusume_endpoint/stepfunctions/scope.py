"""What a thread of states sees: the world shared by the execution, its own variables, context and history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from osusume_endpoint.stepfunctions.history import Trail
from osusume_endpoint.stepfunctions.signals import StopSignal
from osusume_endpoint.stepfunctions.tokens import TaskTokens

if TYPE_CHECKING:
    from osusume_endpoint.stepfunctions.map_run import ChildExecution, MapRun

Clients = Callable[[str], Any]  # a botocore service name → a boto3 client with the role's credentials


class Observer(Protocol):
    """Told about the Map Runs of an execution, so that an API can list them."""

    def map_run_started(self, run: MapRun) -> None: ...

    def map_run_finished(self, run: MapRun) -> None: ...

    def child_started(self, run: MapRun, child: ChildExecution) -> None: ...

    def child_finished(self, run: MapRun, child: ChildExecution) -> None: ...


class NoObserver:
    def map_run_started(self, run: MapRun) -> None: ...

    def map_run_finished(self, run: MapRun) -> None: ...

    def child_started(self, run: MapRun, child: ChildExecution) -> None: ...

    def child_finished(self, run: MapRun, child: ChildExecution) -> None: ...


@dataclass(frozen=True)
class Identity:
    execution_arn: str
    execution_name: str
    state_machine_arn: str
    state_machine_name: str
    role_arn: str
    is_answered: bool = False  # StartSyncExecution waits for it

    @property
    def region(self) -> str:
        return self.execution_arn.split(":")[3]


@dataclass(frozen=True)
class World:
    """Everything a running state may reach outside of its own data."""

    clients: Clients
    identity: Identity
    wait_scale: float = 1.0
    tokens: TaskTokens = field(default_factory=TaskTokens)
    observer: Observer = field(default_factory=NoObserver)


@dataclass
class Scope:
    world: World
    trail: Trail
    stop: StopSignal
    language: str
    context: Mapping[str, Any]
    variables: dict[str, Any]
    is_branch: bool = False  # of a Parallel state

    def fork(
        self, *, stop: StopSignal, context: Mapping[str, Any] | None = None, is_branch: bool = False
    ) -> Scope:
        """A branch or iteration: it reads the outer variables, its own end with it."""
        return Scope(
            world=self.world,
            trail=self.trail.fork(),
            stop=stop,
            language=self.language,
            context=self.context if context is None else context,
            variables=dict(self.variables),
            is_branch=is_branch,
        )

    def join(self, forks: Iterable[Scope]) -> None:
        """Continues after the last event of the branches or iterations."""
        self.trail.previous = max([self.trail.previous, *(fork.trail.previous for fork in forks)])

    def event(self, kind: str, details: dict[str, Any] | None = None) -> int:
        if self.stop.abandoned:
            return self.trail.previous
        return self.trail.add(kind, details)

    def note(self, kind: str, details: dict[str, Any] | None = None) -> None:
        """An event on which no other follows: recorded of joins, of iterations that failed and of what is aborted."""
        if not self.stop.abandoned:
            self.trail.note(kind, details)

    def sleep(self, seconds: float) -> None:
        self.stop.sleep(seconds * self.world.wait_scale)
