"""The pages about the talk, in both languages: the same tables, places that exist, figures that are computed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from config.recipes import RECIPES
from osusume_engine.metrics import ranking_metrics

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / "deck.md", ROOT / "docs" / "deck.ja.md"]
BOXES = 15
# In the order of the page's table.
METRICS = (
    "precision_at_5",
    "precision_at_10",
    "precision_at_25",
    "mean_reciprocal_rank_at_25",
    "normalized_discounted_cumulative_gain_at_5",
)


def section(page: Path, slide: int) -> str:
    """What stands under the heading of a slide."""
    found = re.search(
        rf"^## (?:Slide |スライド){slide}\b.*?(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, f"{page.name} has no slide {slide}"
    return found[0]


def rows(text: str) -> list[list[str]]:
    """Cells of each row of tables, headings and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_recipe_of_the_service_has_a_row(page: Path) -> None:
    named = re.findall(
        r"\b[A-Z][A-Za-z]*(?:-[A-Za-z0-9]+)*\b", " ".join(r[1] for r in rows(section(page, 19)))
    )
    assert {f"aws-{name.lower()}" for name in named} - {"aws-recipe"} == set(RECIPES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_recipe_is_configured_in_the_example_that_its_row_names(page: Path) -> None:
    linked = [
        (row[1], re.findall(r"\]\((examples/[a-z-]+\.yaml)\)", row[3])) for row in rows(section(page, 19))
    ]
    checked = [
        f"aws-{name.lower()}" in configured(page.parent / file)
        for names, files in linked
        for name in re.split(r", |、", names)
        for file in files
    ]
    assert len(checked) == 9 and all(checked)


def configured(file: Path) -> set[str]:
    return {one["recipe"] for one in yaml.safe_load(file.read_text())["solutions"]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_box_of_the_picture_leads_to_places_that_exist(page: Path) -> None:
    places = [re.findall(r"`([^`]+)`", row[1]) for row in rows(section(page, 33))[1:]]
    assert len(places) == BOXES and all(places)
    missing = [place for row in places for place in row if not (ROOT / place).exists()]
    assert missing == []


def test_both_languages_name_the_same_files_and_commands_in_the_same_order() -> None:
    english, japanese = (re.findall(r"`([^`]+)`", page.read_text()) for page in PAGES)
    assert english == japanese


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_slides_example_has_the_figures_that_the_engine_computes(page: Path) -> None:
    text = section(page, 20)
    items = re.findall(r"(ITEM-\d+)\*{0,2} 0\.\d+", text)
    held_back = re.findall(r"ITEM-\d+", text.split("0.33")[1])
    codes = {item: code for code, item in enumerate(sorted({*items, *held_back}))}
    lists = np.full((1, 25), -1)
    lists[0, : len(items)] = [codes[item] for item in items]
    truth = [np.array([codes[item] for item in held_back])]
    found = ranking_metrics(lists=lists, relevant=truth, n_items=len(codes))
    said = {row[0]: row[2] for row in rows(text) if len(row) == 3}
    values = [found[key] for key in METRICS]
    assert [float(n) for cell in said.values() for n in re.findall(r"\d\.\d{4}", cell)] == pytest.approx(
        values, abs=5e-5
    )
