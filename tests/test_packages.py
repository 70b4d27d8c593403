"""What ties the packages to the template: one version, and what their wheels carry."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from checks import usage

ROOT = Path(__file__).parents[1]


def test_the_template_and_its_packages_have_one_version() -> None:
    versions = set()
    for project in (ROOT / "pyproject.toml", *sorted(ROOT.glob("packages/*/pyproject.toml"))):
        with project.open("rb") as file:
            versions.add(tomllib.load(file)["project"]["version"])
    assert len(versions) == 1


def test_a_package_is_installed_with_versions_that_it_asks_for() -> None:
    """`make` installs the packages without looking at what they need: the locks have it."""
    pins = dict(
        re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements-local.txt").read_text(), re.MULTILINE)
    )
    asked = [
        Requirement(text)
        for project in sorted(ROOT.glob("packages/*/pyproject.toml"))
        for text in tomllib.loads(project.read_text())["project"]["dependencies"]
    ]
    others = [one for one in asked if not one.name.startswith("osusume-")]
    assert len(others) > 15
    assert [str(one) for one in others if pins.get(one.name.lower(), "0") not in one.specifier] == []


def test_the_wheel_says_what_the_endpoints_tests_call() -> None:
    assert usage.TESTED.read_text() == usage.tested(), "run `make docs`"
    assert ("dynamodb", "PutItem") in usage.by_runtime_tests()


def test_the_changelog_prepares_the_version_that_the_project_has() -> None:
    """A release turns the heading into the version and its date."""
    text = (ROOT / "CHANGELOG.md").read_text()
    newest = text.partition("\n## ")[2].partition("\n## ")[0]
    prepared = re.match(r"\[Unreleased\]\n\nBecomes (\S+)\.\n", newest) or re.match(
        r"\[(\S+)\] - \d{4}-\d\d-\d\d\n", newest
    )
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert prepared and prepared[1] == tomllib.load(file)["project"]["version"]
    assert "\n### For forks\n- " in newest


def test_the_manifest_of_node_names_no_version_that_could_differ() -> None:
    manifest = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert [each for each in (manifest, lock, lock["packages"][""]) if "version" in each] == []
    assert lock["packages"][""]["devDependencies"] == manifest["devDependencies"]
