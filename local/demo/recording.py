"""A run kept in a file, as Step Functions told it, so that it can be shown again without an endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from local.demo.history import LABEL_KEYS, Execution, is_failure, is_success

FILE = Path(__file__).parent / "recorded_run.json"  # of which docs/ has a picture
PAGE = 1000
# Of each event's details, what the history is read by; inputs and outputs may be large and hold a shop's data.
DETAILS: Mapping[str, tuple[str, ...]] = {
    "stateEnteredEventDetails": ("name", "input"),
    "stateExitedEventDetails": ("name",),
    "mapIterationStartedEventDetails": ("index",),
    "mapIterationSucceededEventDetails": ("index",),
    "mapIterationFailedEventDetails": ("index",),
    "taskSubmittedEventDetails": ("resource", "output"),
    "taskFailedEventDetails": ("error", "cause"),
    "lambdaFunctionFailedEventDetails": ("error", "cause"),
}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """`told`: what was printed after the run, by section."""

    command: str
    executions: Sequence[Mapping[str, Any]]
    told: Mapping[str, Sequence[str]]

    @property
    def arn(self) -> str:
        return str(self.executions[0]["arn"])

    def execution(self) -> Execution:
        found = Execution(self.arn)
        client = Replayed(self.executions)
        for _ in self.executions:  # a child is known when its parent was read
            found.refresh(client)
        return found


def write(
    client: Any, execution: Execution, file: Path, *, command: str, told: Mapping[str, Sequence[str]]
) -> None:
    executions = [
        {"arn": each.arn, "status": each.status, "events": list(_kept(list(_events(client, each.arn))))}
        for each in execution.everything()
    ]
    content = {"command": command, "told": told, "executions": executions}
    file.write_text(_text(content) + "\n", encoding="utf-8")


def read(file: Path) -> Recording:
    content = json.loads(file.read_text(encoding="utf-8"))
    return Recording(**content)


def _text(content: Mapping[str, Any]) -> str:
    """JSON with a line for each event: a diff shows what changed."""
    executions = [
        f'{{"arn": {_json(each["arn"])}, "status": {_json(each["status"])}, "events": [\n'
        + ",\n".join(_json(event) for event in each["events"])
        + "\n]}"
        for each in content["executions"]
    ]
    told = json.dumps(content["told"], ensure_ascii=False, indent=1)
    return (
        f'{{"command": {_json(content["command"])},\n"told": {told},\n"executions": [\n'
        + ",\n".join(executions)
        + "\n]}"
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _events(client: Any, arn: str) -> Iterator[dict[str, Any]]:
    arguments: dict[str, Any] = {"executionArn": arn, "reverseOrder": False, "maxResults": PAGE}
    while True:
        page = client.get_execution_history(**arguments)
        yield from page["events"]
        if not page.get("nextToken"):
            return
        arguments["nextToken"] = page["nextToken"]


def _kept(events: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Events that tell something; those after one that is left out follow the one before it."""
    moved, passed = {0: 0}, _passed(events)
    for event in events:
        before = moved[event.get("previousEventId", 0)]
        if event["id"] in passed or not _tells(event):
            moved[event["id"]] = before
            continue
        moved[event["id"]] = event["id"]
        kept = {"id": event["id"], "previousEventId": before, "type": event["type"]}
        yield kept | {"timestamp": event["timestamp"].isoformat()} | _details(event)


def _passed(events: Sequence[dict[str, Any]]) -> set[int]:
    """States inside a Map's iterations that are over: thousands of polls, of which a tree says nothing.

    The first of each iteration stays, since its input names it, and so does the one in which it failed.
    """
    rounds: dict[int, list[list[int]]] = {0: []}  # by event: the states, so far, of the iterations around it
    passed: set[int] = set()
    for event in events:
        around, kind = rounds[event.get("previousEventId", 0)], event["type"]
        if kind == "MapIterationStarted":
            around = [*around, []]
        elif kind.startswith("MapIteration"):
            around = around[:-1]
        elif around and kind.endswith("StateEntered"):
            around[-1].append(event["id"])
        elif around and kind.endswith("StateExited") and len(around[-1]) > 1:
            passed |= {around[-1][-1], event["id"]}
        elif around and is_success(kind) and len(around[-1]) > 1:
            passed.add(event["id"])
        rounds[event["id"]] = around
    return passed


def _tells(event: Mapping[str, Any]) -> bool:
    kind = event["type"]
    if kind == "TaskSubmitted":
        return bool(event["taskSubmittedEventDetails"]["resource"].startswith("startExecution"))
    states = kind.endswith(("StateEntered", "StateExited")) or kind.startswith("MapIteration")
    return states or is_failure(kind) or is_success(kind)


def _details(event: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, keys in DETAILS.items():
        if name in event:
            found[name] = {key: _short(key, event[name][key]) for key in keys if key in event[name]}
    return found


def _short(key: str, value: Any) -> Any:
    if key not in ("input", "output"):
        return value
    wanted = ("ExecutionArn",) if key == "output" else LABEL_KEYS
    whole = json.loads(value) if value else {}
    named = {name: whole[name] for name in wanted if name in whole} if isinstance(whole, dict) else {}
    return json.dumps({name: text for name, text in named.items() if isinstance(text, str)})


class Replayed:
    """DescribeExecution and GetExecutionHistory of what was kept."""

    def __init__(self, executions: Sequence[Mapping[str, Any]]) -> None:
        self._executions = {each["arn"]: each for each in executions}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        return {"status": self._executions[executionArn]["status"]}

    def get_execution_history(self, executionArn: str, *, reverseOrder: bool, **_: Any) -> dict[str, Any]:
        events = self._executions[executionArn]["events"]
        found = [e | {"timestamp": datetime.fromisoformat(e["timestamp"])} for e in events]
        return {"events": list(reversed(found)) if reverseOrder else found}
