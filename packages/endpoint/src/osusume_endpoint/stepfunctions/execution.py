"""One execution of a state machine: run it, stop it, redrive it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from osusume_endpoint.stepfunctions import machine
from osusume_endpoint.stepfunctions.errors import RUNTIME, Aborted, StateError
from osusume_endpoint.stepfunctions.flows import JSONPATH
from osusume_endpoint.stepfunctions.history import FULL, History, Trail, payload
from osusume_endpoint.stepfunctions.payloads import dumps, iso, limited, now
from osusume_endpoint.stepfunctions.results import ABORTED, FAILED, RUNNING, SUCCEEDED, TIMED_OUT, Result
from osusume_endpoint.stepfunctions.scope import Clients, Identity, NoObserver, Observer, Scope, World
from osusume_endpoint.stepfunctions.signals import StopSignal
from osusume_endpoint.stepfunctions.tokens import TaskTokens


@dataclass
class Checkpoint:
    """The start of a redrive: the last state entered at the top level, its input and the variables then."""

    state: str
    value: Any
    variables: dict[str, Any]


@dataclass
class Execution:
    """`definition` has passed `definition.validate`; `value` is the parsed input."""

    definition: Mapping[str, Any]
    value: Any
    identity: Identity
    clients: Clients
    wait_scale: float = 1.0
    tokens: TaskTokens = field(default_factory=TaskTokens)
    observer: Observer = field(default_factory=NoObserver)
    stop: StopSignal = field(default_factory=StopSignal)
    history: History = field(default_factory=History)
    on_end: Callable[[Result], None] | None = None

    def __post_init__(self) -> None:
        self.result = Result(RUNNING)
        self.redrives = 0
        self._has_begun = False
        self._started = iso(now())
        self._checkpoint: Checkpoint | None = None
        self._end_lock = threading.Lock()
        self.history.on_full = self._fill

    def begin(self) -> None:
        """Writes the first event, once."""
        if not self._has_begun:
            self._has_begun = True
            details = {**payload("input", dumps(self.value)), "roleArn": self.identity.role_arn}
            Trail(self.history).add("ExecutionStarted", details)

    def run(self) -> Result:
        self.begin()
        return self._walk(Trail(self.history), variables={}, value=self.value)

    def redrive(self) -> Result:
        """Runs again from the state that failed; the Map or Parallel state that failed runs as a whole."""
        if self._checkpoint is None:
            return self.run()
        self.redrives += 1
        self.stop, self.result = StopSignal(), Result(RUNNING)
        self.history.reopen()
        trail = Trail(self.history, previous=len(self.history.events))
        trail.add("ExecutionRedriven", {"redriveCount": self.redrives})
        point = self._checkpoint
        return self._walk(trail, variables=dict(point.variables), value=point.value, start_at=point.state)

    def abort(self, *, error: str | None = None, cause: str | None = None) -> None:
        """Ends the execution now; a call in flight is left alone and its answer dropped."""
        details = {key: text for key, text in (("error", error), ("cause", cause)) if text is not None}
        self._end(Result(ABORTED, error=error, cause=cause), "ExecutionAborted", details)
        self.stop.set()

    def _walk(
        self, trail: Trail, *, variables: dict[str, Any], value: Any, start_at: str | None = None
    ) -> Result:
        scope = self._scope(trail, variables)
        timer = self._timer()

        def remember(name: str, entered: Any) -> None:
            self._checkpoint = Checkpoint(name, entered, dict(scope.variables))

        try:
            output = machine.run(self.definition, value, scope, start_at=start_at, on_entry=remember)
            self._succeed(output, trail)
        except Aborted:
            self.abort()  # nothing happens where whoever set the signal has ended the execution
        except StateError as error:
            self._fail(error.told, error.cause, trail)
        except Exception as error:
            self._fail(RUNTIME, f"The interpreter failed: {type(error).__name__}: {error}", trail)
        finally:
            if timer:
                timer.cancel()
        return self.result

    def _scope(self, trail: Trail, variables: dict[str, Any]) -> Scope:
        world = World(
            clients=self.clients,
            identity=self.identity,
            wait_scale=self.wait_scale,
            tokens=self.tokens,
            observer=self.observer,
        )
        language = self.definition.get("QueryLanguage", JSONPATH)
        return Scope(world, trail, self.stop, language, self._context(), variables)

    def _context(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html"""
        identity = self.identity
        execution = {"Id": identity.execution_arn, "Input": self.value, "Name": identity.execution_name}
        execution |= {"RoleArn": identity.role_arn, "StartTime": self._started}
        if (
            not identity.is_answered
        ):  # recorded in localstack's test_express_sync.py::test_query_runtime_memory
            execution["RedriveCount"] = self.redrives
        machine_ = {"Id": identity.state_machine_arn, "Name": identity.state_machine_name}
        return {"Execution": execution, "StateMachine": machine_}

    def _timer(self) -> threading.Timer | None:
        seconds = self.definition.get("TimeoutSeconds")
        if seconds is None:
            return None
        timer = threading.Timer(seconds, self._time_out)
        timer.daemon = True
        timer.start()
        return timer

    def _time_out(self) -> None:
        self._end(Result(TIMED_OUT), "ExecutionTimedOut", {})
        self.stop.set()

    def _fill(self) -> None:
        """No state catches it, whatever it says."""
        details = {"error": RUNTIME, "cause": FULL}
        self._end(Result(FAILED, error=RUNTIME, cause=FULL), "ExecutionFailed", details)
        self.stop.set()

    def _succeed(self, output: Any, trail: Trail) -> None:
        text = limited(output, subject="The execution")
        self._end(Result(SUCCEEDED, output=text), "ExecutionSucceeded", payload("output", text), trail)

    def _fail(self, error: str | None, cause: str | None, trail: Trail) -> None:
        details = {key: text for key, text in (("error", error), ("cause", cause)) if text is not None}
        self._end(Result(FAILED, error=error, cause=cause), "ExecutionFailed", details, trail)

    def _end(self, result: Result, event: str, details: dict[str, Any], trail: Trail | None = None) -> None:
        with self._end_lock:
            if self.result.status != RUNNING:
                return
            # What ends an execution from outside follows on nothing (localstack's test_stop_execution, recorded).
            previous = trail.previous if trail else 0
            self.history.add(event, previous=previous, details=details)
            self.history.close()
            self.result = result
        if self.on_end:
            self.on_end(result)
