"""The example of docs/engine.md runs, and its tables agree with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from osusume_engine.models.objective import SHARES
from osusume_engine.recipes import RECIPES
from osusume_engine.training import train
from tests.blocks import data

PAGE = (Path(__file__).parents[1] / "docs" / "engine.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_example_runs_and_recommends_the_users_own_taste(capsys: Any) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(code, "docs/engine.md", "exec"), scope)
    printed = capsys.readouterr().out.splitlines()
    assert "normalized_discounted_cumulative_gain_at_25" in printed[0]
    assert len(printed) == 5
    assert all(int(line.split()[0].removeprefix("item")) % 2 == 0 for line in printed[1:4])
    assert [len(listed) for listed in scope["lists"]] == [25, 25]
    odd = [int(item.removeprefix("item")) % 2 for item in re.findall(r"item\d+", printed[4])]
    assert len(odd) == 3
    assert sum(odd) >= 2


def test_the_example_saves_and_loads_as_the_page_says(tmp_path: Path, capsys: Any) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    code = code.replace("aws-user-personalization-v2", "aws-popularity-count")
    scope: dict[str, Any] = {}
    exec(compile(code, "docs/engine.md", "exec"), scope)
    scope["model"].save(tmp_path / "model")
    assert scope["TrainedModel"].load(tmp_path / "model").metrics == scope["model"].metrics


def test_every_recipe_is_in_the_table_of_recipes() -> None:
    named = [name for row in rows("Recipes") for name in row[0].split(", ")]
    assert sorted(named) == sorted(RECIPES)


def test_the_page_says_of_every_hyperparameter_whether_it_has_an_effect() -> None:
    said: dict[str, dict[str, bool]] = {}
    for recipes, used, unused in rows("Hyperparameters"):
        for recipe in recipes.split(", "):
            said[recipe] = {name.split(" ")[0]: True for name in used.split(", ") if name}
            said[recipe] |= {name: False for name in unused.split(", ") if name}
    actual = {
        recipe: {name: parameter.used for name, parameter in spec.hyperparameters.items()}
        for recipe, spec in RECIPES.items()
        if spec.hyperparameters
    }
    assert said == actual


def test_the_shares_of_an_objective_are_the_codes() -> None:
    found = dict(re.findall(r"(LOW|MEDIUM|HIGH) (\d+)%", section("When asked")))
    assert {name: int(percent) / 100 for name, percent in found.items()} == {
        name: share for name, share in SHARES.items() if share
    }


@pytest.mark.parametrize(
    "recipe", ["aws-popularity-count", "aws-trending-now", "aws-item-affinity", "aws-next-best-action"]
)
def test_every_metric_that_a_recipe_reports_is_defined(recipe: str) -> None:
    named = {name for row in rows("Metrics") for name in row[0].split(", ")}
    reported = {
        name if name in named else re.sub(r"_at_(5|10|25)$", "_at_K", name)
        for name in train(recipe=recipe, data=data()).metrics
    }
    assert reported <= named
