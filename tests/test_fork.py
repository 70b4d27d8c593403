"""A fork's first edits leave its tests green: another account and region, another name, a third environment, others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import files
from config.rules import PERSONALIZE_REGIONS

ROOT = Path(__file__).parents[1]
LEFT_OUT = (
    ".git",
    ".venv*",
    ".build",
    ".local",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "__pycache__",
)
# Those that look at config/ and synthesize it; for all others tests/conftest.py puts the example in its place.
# tests/checks/test_shipped.py does too, and is left to the nightly run: it takes a minute an environment.
OF_CONFIG = ("tests/config", "tests/checks/test_replacement.py", "tests/checks/test_ready.py",
             "tests/test_production.py")  # fmt: skip


def copied(target: Path) -> Path:
    """The tree without what is made from it, with the same installed packages."""
    ignored = shutil.ignore_patterns(*LEFT_OUT, "node_modules", "cdk.out")
    shutil.copytree(ROOT, target, ignore=ignored, dirs_exist_ok=True)
    (target / "tests" / Path(__file__).name).unlink()
    if (ROOT / ".venv").exists():
        (target / ".venv").symlink_to((ROOT / ".venv").resolve())
    return target


def committed(tree: Path) -> None:
    """The tree as a checkout: a fork is one, and tests of forks of it read its history."""
    author = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    for step in (
        ["init", "-q"],
        ["add", "--all", "--", ".", ":!.venv"],
        [*author, "commit", "-qm", "A fork"],
    ):
        subprocess.run(["git", *step], cwd=tree, check=True)


def edited(file: Path, **changes: Any) -> None:
    """Sets keys of a file of the configuration; its first line, which names the schema, stays."""
    first = file.read_text().partition("\n")[0]
    content = files.merged(files.content(file), changes)
    file.write_text(f"{first}\n{yaml.safe_dump(content, sort_keys=False)}")


def moved(config: Path) -> None:
    """Another account and region in the first environment's file."""
    environment = files.environments(config)[0]
    before = files.read(environment, config).merged["region"]
    region = min(PERSONALIZE_REGIONS - {before})
    zones = [f"{region}{letter}" for letter in "abc"]
    file = config / f"{environment}.yaml"
    edited(file, account="987654321098", region=region, network={"availability_zones": zones})


def renamed(config: Path) -> None:
    """`app: acme`, in the file that says it now."""
    for file in config.glob("*.yaml"):
        if "app" in files.content(file):
            edited(file, app="acme")


def joined(config: Path) -> None:
    """A third environment, in the account of the first."""
    first = config / f"{files.environments(config)[0]}.yaml"
    shutil.copyfile(first, config / "staging.yaml")
    edited(config / "staging.yaml", environment="staging")


def measured(config: Path) -> None:
    """Fewer metrics of experiments, and another time before them."""
    for file in config.glob("*.yaml"):
        said = files.content(file).get("experiments", {})
        if said.get("metrics"):
            edited(file, experiments={"metrics": said["metrics"][:-1], "pre_period_days": 14})


def called(config: Path) -> None:
    """The first environment under another name."""
    first = config / f"{files.environments(config)[0]}.yaml"
    first.rename(config / "trial.yaml")
    edited(config / "trial.yaml", environment="trial")


EDITS: Mapping[str, Callable[[Path], None]] = {
    "another account and region": moved,
    "another name": renamed,
    "a third environment": joined,
    "other metrics of experiments": measured,
    "another name of an environment": called,
}


def outcome(tree: Path, *selected: str) -> subprocess.CompletedProcess[str]:
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "OSUSUME"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-n", "0", *selected],
        cwd=tree,
        env={**variables, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.nightly
def test_after_all_edits_at_once_every_fast_test_passes(tmp_path: Path) -> None:
    tree = copied(tmp_path / "fork")
    before = files.environments(tree / "config")
    for edit in EDITS.values():
        edit(tree / "config")
    committed(tree)
    assert {"staging", "trial", *before[1:]} == set(files.environments(tree / "config"))
    done = outcome(tree, "-m", "not e2e and not nightly", "-n", "2", "--dist", "loadfile")
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    looked_at_in(tree, done.stdout)


@pytest.mark.nightly
@pytest.mark.parametrize("name", EDITS)
def test_after_an_edit_the_tests_that_look_at_the_configuration_pass(name: str, tmp_path: Path) -> None:
    """All others see the example in its place, whatever the edit: once is enough for them, above."""
    tree = copied(tmp_path / "fork")
    EDITS[name](tree / "config")
    done = outcome(tree, *OF_CONFIG, "-m", "not e2e and not nightly and not slow")
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    looked_at_in(tree, done.stdout)


def looked_at_in(tree: Path, told: str) -> None:
    """Each environment that there is was loaded and synthesized, and passed."""
    for environment in files.environments(tree / "config"):
        for test in ("committed_files_are_accepted", "templates_of_config_are_those_of_their_baseline"):
            assert re.search(rf"PASSED tests/\S+::test_the_{test}\[{environment}\]", told), (
                environment,
                test,
            )


@pytest.mark.nightly
def test_an_edit_that_aws_would_refuse_is_noticed_by_the_same_tests(tmp_path: Path) -> None:
    """Else the test above could pass by looking at nothing."""
    tree = copied(tmp_path / "fork")
    edited(tree / "config" / "common.yaml", colour="red")
    done = outcome(tree, "tests/config", "-x", "-m", "not e2e and not nightly and not slow")
    assert done.returncode != 0
    assert "common.yaml: colour = 'red': this key is not known" in done.stdout
