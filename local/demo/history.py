"""Reads an execution's history into the states it ran, and follows the executions that it starts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PAGE = 200
RUNNING = "RUNNING"
ITERATION = "Iteration"
# What tells the iterations of a Map apart, in the input of an iteration's first state.
LABEL_KEYS = ("name", "dataset", "list", "solution")


@dataclass
class StateRun:
    workflow: str
    item: str  # label of the Map's iteration; empty outside of one
    name: str
    kind: str  # "Task", "Wait", ...; ITERATION stands for one round of the Map `name`
    entered: datetime
    exited: datetime | None = None
    error: str = ""  # that it met last, unless it went well afterwards
    first_event: int = 0
    last_event: int | None = None  # with which it was left

    @property
    def path(self) -> str:
        inner = (self.name, self.item) if self.kind == ITERATION else (self.item, self.name)
        return " › ".join(part for part in (self.workflow, *inner) if part)

    def seconds(self, now: datetime) -> float:
        return max(0.0, ((self.exited or now) - self.entered).total_seconds())

    def contains(self, other: StateRun) -> bool:
        """Whether the other was entered while this one lasted, in one execution's history."""
        return self.first_event < other.first_event and (
            self.last_event is None or other.first_event < self.last_event
        )


@dataclass(frozen=True)
class Failure:
    workflow: str
    state: str
    error: str
    cause: str


Context = tuple[str, ...]


@dataclass
class Execution:
    """One execution; `refresh` reads what its history gained."""

    arn: str
    started_in: str = ""  # the state of the parent that started it
    states: list[StateRun] = field(default_factory=list)
    children: list[Execution] = field(default_factory=list)
    status: str = RUNNING
    newest: datetime | None = None  # time of the last event that was read
    description: dict[str, Any] = field(default_factory=dict)
    _contexts: dict[int, Context] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _iterations: dict[Context, StateRun] = field(default_factory=dict)
    _failures: list[Failure] = field(default_factory=list)
    _last: int = 0

    @property
    def workflow(self) -> str:
        """`train` of ...:execution:osusume-dev-train:<name>."""
        return self.arn.split(":")[6].rsplit("-", 1)[-1]

    def refresh(self, client: Any) -> None:
        if self.status == RUNNING:
            self.description = client.describe_execution(executionArn=self.arn)
            for event in _new_events(client, self.arn, after=self._last):
                self._read(event)
            self.status = self.description["status"]
        for child in self.children:
            child.refresh(client)

    def everything(self) -> Iterator[Execution]:
        yield self
        for child in self.children:
            yield from child.everything()

    def failure(self) -> Failure:
        """The innermost failed state with the error that it met."""
        for child in reversed(self.children):
            if child.status not in (RUNNING, "SUCCEEDED"):
                return child.failure()
        error, cause = self.description.get("error", self.status), self.description.get("cause", "")
        # What fails while the run is wound up (the lock's release) must not hide what it failed of.
        handed_on = _handed_on(cause)
        told = [failure for failure in self._failures if _begins(failure.cause, handed_on)]
        last = next(reversed(told or self._failures), None)
        ends = [state for state in self.states if state.kind == "Fail"]
        if last and (last.error == error or not ends):
            return last
        # Of several Fail states the one inside a Map: those outside hand its error on.
        end = next((state for state in reversed(ends) if state.item), ends[-1] if ends else None)
        name = end.path.removeprefix(f"{self.workflow} › ") if end else self.states[-1].name
        return Failure(self.workflow, name, error, cause)

    def _read(self, event: dict[str, Any]) -> None:
        kind, number = event["type"], event["id"]
        before = event.get("previousEventId", 0)
        context = self._contexts.get(before, ())
        self._last, self.newest = max(self._last, number), event["timestamp"]
        self._names[number] = self._names.get(before, "")
        if kind == "MapIterationStarted":
            context = self._begin(event, context)
        elif kind.startswith("MapIteration"):
            context = self._finish(event, context)
        elif kind.endswith("StateEntered"):
            context = self._enter(event, context)
        elif kind.endswith("StateExited"):
            self._exit(event, context)
        elif kind == "TaskSubmitted":
            self._submitted(event["taskSubmittedEventDetails"], started_in=self._names[number])
        elif is_failure(kind):
            self._fail(event, context)
        elif is_success(kind):
            self._met(event, context, error="")
        self._contexts[number] = context

    def _begin(self, event: dict[str, Any], context: Context) -> Context:
        inner = (*context, f"#{event['mapIterationStartedEventDetails']['index']}")
        name = self._names[event["id"]]
        run = StateRun(
            self.workflow, " ".join(inner), name, ITERATION, event["timestamp"], first_event=event["id"]
        )
        self.states.append(run)
        self._iterations[inner] = run
        return inner

    def _relabel(self, context: Context, label: str) -> Context:
        if not label:
            return context
        named = (*context[:-1], label)
        self._iterations[named] = self._iterations.pop(context)
        self._iterations[named].item = " ".join(named)
        return named

    def _finish(self, event: dict[str, Any], context: Context) -> Context:
        run = self._iterations.pop(context, None)
        if run is not None:
            run.exited, run.last_event = event["timestamp"], event["id"]
            ended = event["type"].removeprefix("MapIteration")
            run.error = "" if ended == "Succeeded" else ended
        return context[:-1]

    def _enter(self, event: dict[str, Any], context: Context) -> Context:
        details = event["stateEnteredEventDetails"]
        if context and context[-1].startswith("#"):
            context = self._relabel(context, _label(details.get("input", "")))
        kind = event["type"].removesuffix("StateEntered")
        self._names[event["id"]] = details["name"]
        self.states.append(
            StateRun(
                self.workflow,
                " ".join(context),
                details["name"],
                kind,
                event["timestamp"],
                first_event=event["id"],
            )
        )
        return context

    def _exit(self, event: dict[str, Any], context: Context) -> None:
        run = self._open(event["stateExitedEventDetails"]["name"], context)
        if run is not None:
            run.exited, run.last_event = event["timestamp"], event["id"]

    def _open(self, name: str, context: Context) -> StateRun | None:
        item = " ".join(context)
        found = (run for run in reversed(self.states) if run.name == name and run.item == item)
        return next((run for run in found if run.exited is None and run.kind != ITERATION), None)

    def _submitted(self, details: dict[str, Any], *, started_in: str) -> None:
        if not details["resource"].startswith("startExecution"):
            return
        arn = json.loads(details["output"])["ExecutionArn"]
        if arn not in {child.arn for child in self.children}:
            self.children.append(Execution(arn, started_in))

    def _met(self, event: dict[str, Any], context: Context, *, error: str) -> None:
        run = self._open(self._names[event["id"]], context)
        if run is not None:
            run.error = error

    def _fail(self, event: dict[str, Any], context: Context) -> None:
        found = [v for k, v in event.items() if k.endswith(("FailedEventDetails", "TimedOutEventDetails"))]
        details: dict[str, Any] = found[0] if found else {}
        if details.get("error"):
            name = self._names[event["id"]]
            self._failures.append(Failure(self.workflow, name, details["error"], details.get("cause", "")))
            self._met(event, context, error=details["error"])


def is_success(kind: str) -> bool:
    return kind in ("TaskSucceeded", "LambdaFunctionSucceeded")


def is_failure(kind: str) -> bool:
    return kind in (
        "TaskFailed",
        "LambdaFunctionFailed",
        "TaskSubmitFailed",
        "TaskStartFailed",
        "TaskTimedOut",
    )


def _label(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return ""
    if not isinstance(value, dict):
        return ""
    return next((str(value[key]) for key in LABEL_KEYS if isinstance(value.get(key), str)), "")


def _new_events(client: Any, arn: str, *, after: int) -> list[dict[str, Any]]:
    """Events above `after`, oldest first: read from the newest backwards, so that a long wait stays cheap."""
    found: list[dict[str, Any]] = []
    arguments: dict[str, Any] = {"executionArn": arn, "reverseOrder": True, "maxResults": PAGE}
    while True:
        page = client.get_execution_history(**arguments)
        found += [event for event in page["events"] if event["id"] > after]
        token = page.get("nextToken")
        if not token or not page["events"] or page["events"][-1]["id"] <= after:
            return sorted(found, key=lambda event: event["id"])
        arguments["nextToken"] = token


def _begins(cause: str, handed_on: str) -> bool:
    """Our workflows hand on no more than a cause's beginning."""
    return cause.startswith(handed_on) if handed_on else not cause


def _handed_on(cause: str) -> str:
    """The cause inside the JSON with which our workflows fail."""
    try:
        value = json.loads(cause)
    except ValueError:
        return cause
    return str(value.get("cause", cause)) if isinstance(value, dict) else cause
