"""The runbook has a row for whatever can ring, for every mail, and for every error that can stand in one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Settings
from stacks.parts.alarms import Watched, watched
from stacks.workflows import DEFINITIONS
from tests import example
from tests.changes import add_field, change_solution, changed

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operating.md"
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))
EXCEPTIONS = {"Exception", "RuntimeError", "ValueError", "LookupError", "KeyError", "OSError"}


def table(section: str) -> list[list[str]]:
    """The cells of each row under `section` that begins with a name."""
    text = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows(section: str) -> set[str]:
    """The names in the first column of the table under `section`."""
    return {name for row in table(section) for name in names(row[0])}


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
    """Classes of errors that functions, jobs or what functions carry along define."""
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
    return said | raised("lambdas") | raised("glue_jobs") | raised("warehouse")


def every_alarm(variation: str) -> list[Watched]:
    """Some are only where events are streamed, or where dbt runs on CodeBuild."""
    event = {"type": "click", "source": "application_log", "streamed": True}
    streaming = example.settings(variation, datasets={"interactions": {"events": [event]}})
    building = example.settings(variation, analytics={"dbt": {"runs_on": "codebuild"}})
    given = (example.settings(variation), streaming, building)
    return [alarm for settings in given for alarm in watched(settings, functions=FUNCTIONS)]


@pytest.mark.parametrize("variation", sorted(example.VARIATIONS))
def test_every_alarm_has_a_row_and_every_row_an_alarm(variation: str) -> None:
    assert rows("Alarms") == {alarm.slug for alarm in every_alarm(variation)}


def test_a_row_says_whether_its_alarm_sends_a_mail() -> None:
    told = {name: row[1] for row in table("Alarms") for name in names(row[0])}
    assert set(told.values()) == {"yes", "no", "yes, from the first run that succeeded"}
    alarms = every_alarm("dev")
    assert {alarm.slug: told[alarm.slug] != "no" for alarm in alarms} == {
        alarm.slug: alarm.mails for alarm in alarms
    }


def subjects() -> dict[str, set[str]]:
    """By function or module that sends mails: the words of its subjects that are always the same.

    What functions share sends what it is given.
    """
    found: dict[str, set[str]] = {}
    own = (path for path in (ROOT / "lambdas").rglob("*.py") if path.parent.name != "shared")
    for path in [*own, *(ROOT / "stacks").rglob("*.py")]:
        sender = path.parent.name if path.stem == "handler" else path.stem
        for node in ast.walk(ast.parse(path.read_text())):
            for value in _subjects(node):
                parts = [one.value for one in ast.walk(value) if isinstance(one, ast.Constant)]
                words = {part.strip(": ") for part in parts if isinstance(part, str)}
                found.setdefault(sender, set()).update(part for part in words if " " in part)
    return found


def _subjects(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.keyword) and str(node.arg).lower() == "subject":
        yield node.value
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and str(key.value).lower() == "subject":
                yield value


def test_every_mail_that_is_sent_has_a_row_and_every_sender_is_one() -> None:
    found = subjects()
    assert {"warehouse failed in", "run failed in"} <= found["pipeline"]
    told = {(name, row[0]) for row in table("Mails") for name in names(row[1])}
    assert {sender for sender, _ in told} == set(found)
    missing = [
        (sender, part)
        for sender, words in found.items()
        for part in words
        if not any(sender == of and part in subject for of, subject in told)
    ]
    assert missing == []


def test_every_error_has_a_row_and_every_row_an_error() -> None:
    assert len(errors()) > 20
    assert rows("Errors") == errors()
