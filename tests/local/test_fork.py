"""A fork: the template under its own name, the runtime as wheels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from vulture.core import Vulture

import osusume_endpoint
import osusume_engine
from local import fork
from local.repository import REPOSITORY
from tests import links
from tests.local import comparison_trials

# Tests of what a fork has in other words than its template, or less of; they take seconds.
LIGHT = [
    f"tests/test_{name}.py"
    for name in "changing contributing deck folders notice readme requirements".split()
]


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fork")
    wheel = folder / "osusume_endpoint-1-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fork, "check", lambda **_: None)  # the repository under test may have changes
        for name in ("AUTHOR", "COMMITTER"):
            patched.setenv(f"GIT_{name}_NAME", "Somebody")
            patched.setenv(f"GIT_{name}_EMAIL", "somebody@example.org")
        return fork.write(folder=folder / "acme", name="acme", wheels=[wheel])


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_it_has_its_own_history_of_one_commit_and_nothing_left_over(acme: Path) -> None:
    assert git(acme, "log", "--format=%s").splitlines() == [
        "acme, made from osusume: vendor/origin.json says which"
    ]
    assert git(acme, "status", "--porcelain") == ""


def test_it_holds_wheels_and_no_source_of_the_runtime(acme: Path) -> None:
    files = git(acme, "ls-files").splitlines()
    assert "vendor/osusume_endpoint-1-py3-none-any.whl" in files
    assert [file for file in files if file.startswith(fork.LEFT_OUT)] == []
    configured = {f"config/{file.name}" for file in (REPOSITORY / "config").glob("*.yaml")}
    assert configured | {"app.py", "stacks/training.py", "tests/stacks/test_app.py"} < set(files)


def test_nothing_in_it_is_dead_for_want_of_what_was_left_out(acme: Path) -> None:
    ended = subprocess.run([sys.executable, "-m", "vulture"], cwd=acme, capture_output=True, text=True)
    assert (ended.stdout, ended.returncode) == ("", 0), ended.stderr


def hidden(tree: Path) -> set[str]:
    """What vulture would call unused in a tree if nobody had reviewed it."""
    with (tree / "pyproject.toml").open("rb") as file:
        told = tomllib.load(file)["tool"]["vulture"]
    looking = Vulture(ignore_decorators=told["ignore_decorators"])
    looking.scavenge([tree / path for path in told["paths"]], exclude=told["exclude"])
    return {str(item.name) for item in looking.get_unused_code(min_confidence=told["min_confidence"])}


def test_every_name_that_vulture_is_told_to_leave_hides_something_here_or_in_it(acme: Path) -> None:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        left = tomllib.load(file)["tool"]["vulture"]["ignore_names"]
    assert sorted(left) == sorted(hidden(REPOSITORY) | hidden(acme))


def test_it_says_what_it_was_made_from(acme: Path) -> None:
    origin = json.loads((acme / fork.ORIGIN).read_text())
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert origin == {
        "template": "osusume",
        "version": version,
        "commit": git(REPOSITORY, "rev-parse", "HEAD").strip(),
    }


def test_the_products_name_stands_nowhere_but_where_the_runtime_is_meant(acme: Path) -> None:
    said = [
        f"{path.relative_to(acme)}: {line.strip()[:100]}"
        for path in sorted(acme.rglob("*"))
        if path.is_file()
        and ".git" not in path.parts
        and path.suffix != ".whl"
        and path.name != "origin.json"
        and path.name not in fork.AS_IT_IS
        for line in path.read_text(encoding="utf-8", errors="ignore").splitlines()
        if fork.renamed(line, "acme") != line
    ]
    assert said == []
    assert (acme / "config" / "common.yaml").read_text().count("acme") >= 1
    assert "app: acme" in (acme / "tests" / "example.yaml").read_text()


def test_what_its_author_has_to_say_stays_in_the_authors_words(acme: Path) -> None:
    for name in fork.AS_IT_IS:
        assert (acme / name).read_text() == (REPOSITORY / name).read_text()


def test_no_link_of_its_pages_leads_to_what_was_left_out(acme: Path) -> None:
    assert [text for page in links.pages(acme) for text in links.broken(page)] == []
    assert "](docs/README.md)" in (acme / "README.md").read_text()
    assert "packages/" in (REPOSITORY / "README.md").read_text()


def test_it_configures_no_member_that_it_lacks(acme: Path) -> None:
    with (acme / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    assert project["project"]["name"] == "acme"
    assert "workspace" not in project["tool"]["uv"]
    assert [path for path in project["tool"]["mypy"]["files"] if not (acme / path).exists()] == []
    assert "packages/" not in (acme / "pyproject.toml").read_text()


@pytest.mark.parametrize("page", fork.LEADING)
def test_a_line_that_is_dropped_is_a_sentence_or_a_row_by_itself(page: str) -> None:
    """Else what stands around it goes on in the middle of a sentence."""
    lines = ["", *(REPOSITORY / page).read_text().splitlines()]
    ends = (".", "。", "|", ":")
    torn = [
        line
        for before, line in pairwise(lines)
        if fork.is_dropped(line) and not (line.endswith(ends) and (not before or before.endswith(ends)))
    ]
    assert torn == []


def test_a_trial_of_a_comparison_copies_what_it_has(
    acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_trials, "REPOSITORY", acme)
    tree = comparison_trials._edited(comparison_trials.Trial("as it is"), tmp_path / "tree")
    assert {path.name for path in tree.iterdir()} == {"config", "glue_jobs", "stacks", "warehouse", "lambdas"}


def test_light_tests_of_it_pass_in_it(acme: Path) -> None:
    runtime = {str(Path(part.__file__).parents[1]) for part in (osusume_endpoint, osusume_engine)}
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "OSUSUME", "GIT_"))
    }
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *LIGHT],
        cwd=acme,
        env={**variables, "PYTHONPATH": os.pathsep.join(sorted(runtime)), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]


@pytest.mark.parametrize(
    ("line", "in_the_fork"),
    [
        ("app: osusume", "app: acme"),
        ("from osusume_endpoint import state", "from osusume_endpoint import state"),
        ("pip install osusume-engine", "pip install osusume-engine"),
        ('"osusume-dev-engineering"', '"acme-dev-engineering"'),
        ('PATH = "/_osusume/scheduler/fire"', 'PATH = "/_osusume/scheduler/fire"'),
        ('"osusume:FireSchedule",', '"osusume:FireSchedule",'),
        ("OSUSUME_ENV=prod OSUSUME_HOME=/x", "ACME_ENV=prod OSUSUME_HOME=/x"),
        ('"Osusume/dev"', '"Acme/dev"'),
    ],
)
def test_what_is_the_products_is_renamed_and_what_is_the_runtimes_is_not(line: str, in_the_fork: str) -> None:
    assert fork.renamed(line, "acme") == in_the_fork


@pytest.mark.parametrize(
    "name", ["", "Acme", "a", "acme-shop", "acme_shop", "1acme", "a" * 17, "osusume", "acme\n"]
)
def test_a_name_that_no_configuration_may_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(fork.ForkRefused, match="NAME="):
        fork.check(folder=tmp_path / "new", name=name)


@pytest.mark.parametrize(
    ("folder", "said"), [(Path("/tmp"), "exists already"), (REPOSITORY / "new", "lies inside")]
)
def test_a_folder_that_is_taken_or_inside_is_refused(folder: Path, said: str) -> None:
    with pytest.raises(fork.ForkRefused, match=said):
        fork.check(folder=folder, name="acme")
