"""The states of every workflow, as the templates define them, and those that no run can be made to enter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

State = Mapping[str, Any]


class Place(NamedTuple):
    """A state, by the names that a plan of faults says: `state:<workflow>:<name>`."""

    workflow: str
    name: str

    @property
    def when(self) -> str:
        return f"state:{self.workflow}:{self.name}"


class NoWorkflows(RuntimeError):
    """A folder of templates without state machines."""


def read(templates: Path, *, prefix: str) -> dict[Place, State]:
    """Every state of every state machine, those inside of Maps and Parallels too. Raises NoWorkflows."""
    found: dict[Place, State] = {}
    for file in sorted(templates.glob("*.template.json")):
        for resource in json.loads(file.read_text())["Resources"].values():
            if resource["Type"] == "AWS::StepFunctions::StateMachine":
                properties = resource["Properties"]
                workflow = properties["StateMachineName"].removeprefix(f"{prefix}-")
                found |= of(workflow, json.loads(properties["DefinitionString"]))
    if not found:
        raise NoWorkflows(f"{templates} has no template with a state machine: run `make synth`")
    return found


def of(workflow: str, definition: Mapping[str, Any]) -> dict[Place, State]:
    return {Place(workflow, name): state for name, state in _walk(definition)}


def _walk(part: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    for name, state in part["States"].items():
        yield name, state
        for below in (state.get("ItemProcessor"), *state.get("Branches", [])):
            if below:
                yield from _walk(below)


_FIRST = "from the first run on every solution has a version that serves"
# States that no run of the deployed environment enters, and why.
REASONS: Mapping[Place, str] = {
    Place("forget", "LockNotFree"): "a deletion waits 22 hours for the lock, by a real clock",
    Place("forget", "GoOn"): "the function goes on in another call after 15 minutes of work",
    Place(
        "pipeline", "FieldsRefused"
    ): "Personalize has other fields only after a deployment that changes them",
    Place("pipeline", "NothingServes"): _FIRST,
    Place("train", "FieldsRefused"): "the pipeline compares the same fields first, and refuses",
    Place("train", "SolutionFailed"): "no process makes a solution, so none can be killed",
    Place("train", "TooManySolutions"): "ten configurations of one dataset group have to come first",
    Place("train", "VersionNotFound"): "five other versions of the solution have to come meanwhile",
    Place("train", "NothingServes"): "without quality_gate.floors the first version of a solution is let in",
    Place("recommend", "VersionUnusable"): "the pipeline refuses such a version before",
    Place("recommend", "TooManyBatchJobs"): "needs more lists than a queue takes jobs",
    Place("recommend", "NothingPublished"): "post-processing fails of a list without entries before",
    Place("recommend", "PublishFilesBatchUnnoted"): "needs an S3 that fails beside a function that dies",
    Place("recommend", "RetireFilesBatchUnnoted"): "needs an S3 that fails beside a function that dies",
}


def unreached(place: Place) -> str:
    """Why no run can be made to enter the state; empty where one can."""
    if place.name.endswith("TimedOut"):
        return "its deadline is hours away, by a real clock"
    return REASONS.get(place, "")
