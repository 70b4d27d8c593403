"""What ties the packages to the template: one version, and what their wheels carry."""

from __future__ import annotations

import tomllib
from pathlib import Path

from checks import usage

ROOT = Path(__file__).parents[1]


def test_the_template_and_its_packages_have_one_version() -> None:
    versions = set()
    for project in (ROOT / "pyproject.toml", *sorted(ROOT.glob("packages/*/pyproject.toml"))):
        with project.open("rb") as file:
            versions.add(tomllib.load(file)["project"]["version"])
    assert len(versions) == 1


def test_the_wheel_says_what_the_endpoints_tests_call() -> None:
    assert usage.TESTED.read_text() == usage.tested(), "run `make docs`"
    assert ("dynamodb", "PutItem") in usage.by_runtime_tests()
