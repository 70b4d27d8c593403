"""Executions of the workflows as the console draws them: rows in the order of their beginnings, inner ones deeper."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from local.demo.history import ITERATION, RUNNING, Execution, StateRun, is_failure
from local.storefront import logs
from operations.executions import WORKFLOWS
from operations.place import Place, absent

LISTED = 12  # executions of a workflow
MOST_CHARACTERS = 20_000  # of an input or output
SLACK_MS = 2000  # a function writes its last line after its answer
Row = dict[str, Any]
Event = Mapping[str, Any]


def listed(place: Place) -> list[Row]:
    """[{workflow, name, status, started, stopped}], the newest first; moments are epoch seconds."""
    client, rows = place.client("stepfunctions"), []
    for workflow in WORKFLOWS:
        try:
            found = client.list_executions(
                stateMachineArn=place.names.workflow_arn(workflow), maxResults=LISTED
            )["executions"]
        except ClientError as error:
            if not absent(error):
                raise
            continue
        rows += [_listed(workflow, one) for one in found]
    return sorted(rows, key=lambda row: row["started"], reverse=True)


def _listed(workflow: str, one: Mapping[str, Any]) -> Row:
    stopped = one.get("stopDate")
    return {
        "workflow": workflow,
        "name": one["name"],
        "status": one["status"],
        "started": one["startDate"].timestamp(),
        "stopped": stopped.timestamp() if stopped else None,
    }


def graph(place: Place, workflow: str, name: str) -> Row:
    """{workflow, name, status, started, stopped, input, output, error, cause, rows}, of its inner executions too."""
    kept = Kept(place.client("stepfunctions"))
    execution = Execution(f"{place.names.execution_arn(workflow)}:{name}")
    execution.refresh(kept)
    drawing = Drawing(kept)
    return {
        **_told(execution),
        "workflow": workflow,
        "name": name,
        "rows": list(drawing.execution(execution, depth=0)),
    }


@dataclass
class Kept:
    """A client of Step Functions that keeps the events it gave, by execution and number."""

    client: Any
    events: dict[str, dict[int, Event]] = field(default_factory=dict)

    def describe_execution(self, **given: Any) -> Any:
        return self.client.describe_execution(**given)

    def get_execution_history(self, **given: Any) -> Any:
        page = self.client.get_execution_history(**given)
        known = self.events.setdefault(given["executionArn"], {})
        known.update({event["id"]: event for event in page["events"]})
        return page


def _told(execution: Execution) -> Row:
    described = execution.description
    stopped = described.get("stopDate")
    return {
        "status": execution.status,
        "started": described["startDate"].timestamp(),
        "stopped": stopped.timestamp() if stopped else None,
        "input": _cut(described.get("input", "")),
        "output": _cut(described.get("output", "")),
        "error": described.get("error", ""),
        "cause": in_words(described.get("cause", "")),
    }


@dataclass(frozen=True)
class Drawing:
    kept: Kept

    def execution(self, execution: Execution, *, depth: int) -> Iterator[Row]:
        facts = Facts(self.kept.events.get(execution.arn, {}), execution)
        outer = [one for one in execution.states if not one.item]
        yield from self._states(execution, facts, outer, depth=depth)

    def _states(
        self, execution: Execution, facts: Facts, states: Sequence[StateRun], *, depth: int
    ) -> Iterator[Row]:
        """A state that came again, as those of a wait do, is one row."""
        by_name: dict[str, list[StateRun]] = {}
        for one in states:
            if one.kind != ITERATION:
                by_name.setdefault(one.name, []).append(one)
        for name, times in by_name.items():
            yield facts.row(times, depth=depth)
            yield from self._below(execution, facts, name=name, times=times, depth=depth + 1)

    def _below(
        self, execution: Execution, facts: Facts, *, name: str, times: Sequence[StateRun], depth: int
    ) -> Iterator[Row]:
        """The rounds of a Map, and the executions that a state outside of one started."""
        for one in execution.states:
            if one.kind == ITERATION and one.name == name and any(outer.contains(one) for outer in times):
                yield facts.row([one], depth=depth)
                # Rounds of another Map may have the same label, at another time.
                inside = [each for each in execution.states if each.item == one.item and one.contains(each)]
                yield from self._states(execution, facts, inside, depth=depth + 1)
        if not times[0].item:
            for child in execution.children:
                if child.started_in == name:
                    yield from self.execution(child, depth=depth)


@dataclass(frozen=True)
class Facts:
    """What the events of one execution say of its states."""

    events: Mapping[int, Event]
    execution: Execution

    def row(self, times: Sequence[StateRun], *, depth: int) -> Row:
        first, last = times[0], times[-1]
        now = self.execution.newest if self.execution.status != RUNNING else None
        ended = last.exited or now or datetime.now(UTC)
        failure = self._failure(times) if last.error else {}
        return {
            "name": first.item.rpartition(" ")[2] if first.kind == ITERATION else first.name,
            "workflow": first.workflow,
            "kind": first.kind,
            "depth": depth,
            "inner": bool(first.item) and first.kind != ITERATION,
            "times": len(times),
            "status": self._status(last),
            "from": first.entered.timestamp(),
            "to": ended.timestamp(),
            "input": _cut(self._entered(first).get("input", "")),
            "output": _cut(self._exited(last).get("output", "")),
            "error": last.error,
            "cause": in_words(failure.get("cause", "")),
            "log": self._log(times),
        }

    def _status(self, one: StateRun) -> str:
        if one.exited is not None:
            failed = "failed" if one.kind == ITERATION else "caught"
            return failed if one.error else "done"
        running = self.execution.status == RUNNING and one.kind != "Fail"
        return "running" if running else "failed"

    def _entered(self, one: StateRun) -> Mapping[str, Any]:
        details: Mapping[str, Any] = self.events.get(one.first_event, {}).get("stateEnteredEventDetails", {})
        return details

    def _exited(self, one: StateRun) -> Mapping[str, Any]:
        event = self.events.get(one.last_event or 0, {})
        details: Mapping[str, Any] = event.get("stateExitedEventDetails", {})
        return details

    def _inside(self, times: Sequence[StateRun]) -> Iterator[Event]:
        """Events between entering and leaving, of these states and of none inside them."""
        wanted = {one.first_event for one in times}
        return (event for event in self.events.values() if self._owner(event) in wanted)

    def _owner(self, event: Event) -> int:
        """The event with which the state was entered that an event is of."""
        while event and not event["type"].endswith("StateEntered"):
            event = self.events.get(event.get("previousEventId", 0), {})
        return int(event.get("id", 0))

    def _failure(self, times: Sequence[StateRun]) -> Mapping[str, str]:
        """The last attempt that failed; what a Fail state says stands in its definition, not in an event."""
        found: Mapping[str, str] = {}
        for event in self._inside(times):
            if is_failure(event["type"]):
                found = next((v for k, v in event.items() if k.endswith("EventDetails")), {})
        return found

    def _log(self, times: Sequence[StateRun]) -> Row | None:
        """Where lines of the state's work stand: {group, from, to} (epoch milliseconds), or {job} of Glue."""
        submitted, scheduled = self._last(times, "TaskSubmitted"), self._last(times, "TaskScheduled")
        if submitted.get("resourceType") == "glue":
            output = parsed(submitted.get("output", ""))
            return {"job": output["JobRunId"]} if isinstance(output, dict) and "JobRunId" in output else None
        group = _function_group(scheduled) if scheduled.get("resourceType") == "lambda" else ""
        if not group:
            return None
        start, end = times[0].entered, times[-1].exited or datetime.now(UTC)
        return {
            "group": group,
            "from": int(start.timestamp() * 1000) - SLACK_MS,
            "to": int(end.timestamp() * 1000) + SLACK_MS,
        }

    def _last(self, times: Sequence[StateRun], kind: str) -> Mapping[str, str]:
        name = f"{kind[0].lower()}{kind[1:]}EventDetails"
        found = [event[name] for event in self._inside(times) if event["type"] == kind]
        return found[-1] if found else {}


def _function_group(scheduled: Mapping[str, str]) -> str:
    """The log group of the function that a task calls, by its name or ARN."""
    parameters = parsed(scheduled.get("parameters", ""))
    if not isinstance(parameters, dict) or "FunctionName" not in parameters:
        return ""
    name = str(parameters["FunctionName"]).rpartition(":function:")[2].partition(":")[0]
    return f"{logs.FUNCTIONS}{name}"


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} … ({len(text):,} characters)"


def in_words(cause: str) -> str:
    """What a service says inside the JSON that Step Functions hands on (a Glue run, a function's error)."""
    value = parsed(cause)
    keys = ("ErrorMessage", "errorMessage", "cause", "Cause")
    inner = next((value[key] for key in keys if isinstance(value, dict) and value.get(key)), None)
    return in_words(str(inner)) if inner else cause
