"""`make deploy` refuses what is still the example's, before anything is asked of AWS."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks import ready
from config import files
from tests import example
from tests.stacks.conftest import ROOT

OURS: dict[str, Any] = {
    "account": "333333333333",
    "api": {"default_items": ["tea", "default-item"]},
    "budget": {"email": "books@acme.com"},
}


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(**changes: Any) -> Path:
        (tmp_path / "dev.yaml").write_text(yaml.safe_dump(example.content(**changes)))
        return tmp_path

    return write


def test_values_of_ones_own_are_let_through(written: Any) -> None:
    assert ready.refusals("dev", written(**OURS, alerts={"email": "team@acme.com"})) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"account": "111111111111"}, ["dev.yaml: account = 111111111111: ", "number of your AWS account"]),
        ({"account": "222222222222"}, ["dev.yaml: account = 222222222222: "]),
        (
            {"api": {"default_items": ["tea", "default-item-07"]}},
            ["dev.yaml: api.default_items = default-item-07, ... (1 of 2 items): ", "ids of items"],
        ),
        ({"alerts": {"email": "a@example.com"}}, ["alerts.email = a@example.com: ", "or null"]),
        ({"alerts": {"email": "a@mail.example.org"}}, ["alerts.email = a@mail.example.org: "]),
        ({"alerts": {"email": "a@shop.test"}}, ["alerts.email = a@shop.test: "]),
        ({"budget": {"email": "a@shop.test"}}, ["budget.email = a@shop.test: ", "or null"]),
    ],
)
def test_an_examples_value_is_refused_with_file_key_value_and_cure(
    written: Any, change: dict[str, Any], told: list[str]
) -> None:
    [line] = ready.refusals("dev", written(**{**OURS, **change}))
    for part in told:
        assert part in line


def test_a_value_that_environments_share_is_told_with_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "common.yaml").write_text(
        yaml.safe_dump(
            example.content(api={"default_items": ["default-item-01"]}, budget={"email": "books@acme.com"})
        )
    )
    (tmp_path / "dev.yaml").write_text('environment: dev\naccount: "333333333333"\n')
    [line] = ready.refusals("dev", tmp_path)
    assert line.startswith("common.yaml: api.default_items = ")


def test_the_committed_environments_are_examples_or_ones_own_but_never_half_read() -> None:
    """Whatever a fork has written there: the command ends with 0, or with a line for each value."""
    for environment in files.environments(example.CONFIG):
        done = command(environment, OSUSUME_CONFIG=str(example.CONFIG))
        assert done.returncode == (1 if done.stderr else 0)
        assert done.stderr.count("this is the example's") == len(ready.refusals(environment, example.CONFIG))


def test_deploying_asks_it_before_the_cdk() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\ndeploy:")[1].split("\n\n")[0].splitlines()
    steps = [line.strip() for line in recipe if line.startswith("\t")]
    assert steps[0] == "$(BIN)/python -m checks.ready $(ENV)"
    assert steps[1].startswith("@$(BIN)/python -m operations deploy $(ENV)")


def test_the_command_ends_with_an_error_and_says_how_many(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(example.FILE.read_text())
    done = command("dev", OSUSUME_CONFIG=str(tmp_path))
    assert done.returncode == 1
    # The account, and whom the budget is told.
    assert [line.split(" = ")[0] for line in done.stderr.splitlines()[:-1]] == [
        "dev.yaml: account",
        "dev.yaml: budget.email",
    ]
    assert done.stderr.splitlines()[-1] == "dev is not deployed: 2 value(s) are the example's"


def command(environment: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checks.ready", environment],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
