"""The hooks and the updates that CONTRIBUTING.md promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests import folders

ROOT = Path(__file__).parents[1]


def read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / name).read_text()))


def linted() -> set[str]:
    """The first two words of each command of `make lint`, options aside."""
    recipe = (ROOT / "Makefile").read_text().partition("\nlint: ")[2].partition("\n\n")[0]
    return {tool_and_verb(line.strip()) for line in recipe.splitlines() if line.startswith("\t")}


def tool_and_verb(command: str) -> str:
    words = command.replace("$(BIN)/", "").replace(".venv/bin/", "").split()
    return " ".join(word for word in words[:2] if not word.startswith("-"))


def test_hooks_are_local_and_run_what_make_lint_runs() -> None:
    repositories = read(".pre-commit-config.yaml")["repos"]
    assert [each["repo"] for each in repositories] == ["local"]
    hooks = {hook["id"]: hook for hook in repositories[0]["hooks"]}
    assert set(hooks) == {"ruff-format", "ruff-check", "mypy"}
    assert {tool_and_verb(hook["entry"]) for hook in hooks.values()} <= linted()
    assert {hook["language"] for hook in hooks.values()} == {"system"}
    assert hooks["mypy"]["stages"] == ["manual"]


def test_no_command_of_make_names_an_environment_that_a_fork_may_call_otherwise() -> None:
    commands = (ROOT / "Makefile").read_text()
    assert re.findall(r"--environment (?!\$).*", commands) == []


def npm_locks() -> list[str]:
    """Folders; a fork has no packages/."""
    locks = [Path(name) for name in folders.files() if name.rpartition("/")[2] == "package-lock.json"]
    return [path.parent.as_posix() for path in locks]


def test_every_kind_of_lock_is_kept_up_to_date() -> None:
    updates = {each["package-ecosystem"]: each for each in read(".github/dependabot.yml")["updates"]}
    inputs = [*ROOT.glob("requirements*.in"), *(ROOT / "lambdas").rglob("requirements*.in")]
    found = {f"/{path.parent.relative_to(ROOT).as_posix()}".removesuffix(".") for path in inputs}
    assert set(updates["pip"]["directories"]) == found
    assert set(updates["npm"]["directories"]) == {f"/{path}".removesuffix(".") for path in npm_locks()}
    assert {"pip", "npm", "github-actions"} == set(updates)
    for update in updates.values():
        assert update["schedule"] == {"interval": "weekly"}
        assert [group["patterns"] for group in update["groups"].values()] == [["*"]]


def test_every_decision_has_a_number_of_its_own_and_its_line() -> None:
    """The index says the titles."""
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    pages = sorted(folder.glob("[0-9]*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    for number, page in zip(numbers, pages, strict=True):
        title = re.match(r"# (\d+)\. (.+)\n", page.read_text())
        assert title and int(title[1]) == number, page.name
        assert f"- [{page.name[:4]}]({page.name}): {title[2]}\n" in index


def test_the_style_has_ten_lines() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    assert len(re.findall(r"^\d+\. ", page.partition("## Style")[2], re.MULTILINE)) == 10
