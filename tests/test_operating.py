"""The runbook has a row for whatever can ring and for every error that can stand in a mail."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Settings
from stacks.parts.alarms import watched
from stacks.workflows import DEFINITIONS
from tests import example
from tests.changes import add_field, change_solution, changed

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operating.md"
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))
EXCEPTIONS = {"Exception", "RuntimeError", "ValueError", "LookupError", "KeyError", "OSError"}


def rows(section: str) -> set[str]:
    """The names in the first column of the table under `section`."""
    text = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    first = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


def fails(states: Mapping[str, Any]) -> Iterator[str]:
    """Of a workflow's own states, a failure is assigned before it goes to the state that reports it."""
    for state in states.values():
        error = state.get("Error") or _assigned(state)
        if error and not error.startswith("{%"):
            yield error
        inner = [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]
        for branch in inner:
            yield from fails(branch["States"])


def _assigned(state: Mapping[str, Any]) -> str | None:
    failure = state.get("Assign", {}).get("failure")
    return failure["error"] if isinstance(failure, dict) and state["Type"] == "Pass" else None


def raised(folder: str) -> set[str]:
    """Classes of errors that functions or jobs define."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / folder).rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {one.name for one in classes if {ast.unparse(base) for base in one.bases} & EXCEPTIONS}


def every_state() -> Iterator[Settings]:
    """Configurations that have every state together: some are only where something is configured."""
    yield changed(example.content(), add_field("users"))  # whose update is a part of `train`
    for file in (ROOT / "docs" / "examples").glob("*.yaml"):
        yield Settings.model_validate(example.content(**yaml.safe_load(file.read_text())))
    arn = "arn:aws:personalize:ap-northeast-1:111111111111:solution/osusume-dev-personal-0123abcd/0123abcd"
    yield changed(example.content(), change_solution("personal", version=arn))


def errors() -> set[str]:
    said = {
        error
        for settings in every_state()
        for make in DEFINITIONS.values()
        for error in fails(make(settings)["States"])
    }
    return said | raised("lambdas") | raised("glue_jobs")


@pytest.mark.parametrize("variation", sorted(example.VARIATIONS))
def test_every_alarm_has_a_row_and_every_row_an_alarm(variation: str) -> None:
    event = {"type": "click", "source": "application_log", "streamed": True}
    streaming = example.settings(variation, datasets={"interactions": {"events": [event]}})
    building = example.settings(variation, analytics={"dbt": {"runs_on": "codebuild"}})
    # Some are only where events are streamed, or where dbt runs on CodeBuild.
    given = (example.settings(variation), streaming, building)
    alarms = [alarm for settings in given for alarm in watched(settings, functions=FUNCTIONS)]
    assert rows("Alarms") == {alarm.slug for alarm in alarms}


def test_every_error_has_a_row_and_every_row_an_error() -> None:
    assert len(errors()) > 20
    assert rows("Errors") == errors()
