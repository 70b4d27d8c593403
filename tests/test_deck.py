"""The pages about the talk, in both languages: the same tables, places that exist, figures that are computed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from assess.quotas import MIN_SHARE_OF_USERS
from config import limits
from config.recipes import ACTION_METRICS, RANKING_METRICS, RECIPES, SEGMENT_METRICS
from config.settings import Settings
from osusume_engine.metrics import ranking_metrics
from tests import example

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / "deck.md", ROOT / "docs" / "deck.ja.md"]
BOXES = 18
# In the order of the page's table.
METRICS = (
    "precision_at_5",
    "precision_at_10",
    "precision_at_25",
    "mean_reciprocal_rank_at_25",
    "normalized_discounted_cumulative_gain_at_5",
)

# Of lists, of segments, of actions, and of lists with event weights.
COUNTS = {
    "deck.md": ["writes these eight", "Segments have three", "actions four", "three more", "eleven in all"],
    "deck.ja.md": ["この八つの値", "セグメントでは三つ", "アクションでは四つ", "三つ増えて十一"],
}


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


def recipe_rows(page: Path) -> list[list[str]]:
    """Of the first table of slide 19: kind, recipes, when to take them, configured in."""
    return [row for row in rows(section(page, 19)) if len(row) == 4]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_recipe_of_the_service_has_a_row(page: Path) -> None:
    named = re.findall(r"\b[A-Z][A-Za-z]*(?:-[A-Za-z0-9]+)*\b", " ".join(row[1] for row in recipe_rows(page)))
    assert {f"aws-{name.lower()}" for name in named} - {"aws-recipe"} == set(RECIPES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_recipe_is_configured_in_the_example_that_its_row_names(page: Path) -> None:
    linked = [(row[1], re.findall(r"\]\((examples/[a-z-]+\.yaml)\)", row[3])) for row in recipe_rows(page)]
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
def test_every_box_of_the_picture_leads_to_a_file_first(page: Path) -> None:
    places = [linked_paths(row[1]) for row in rows(section(page, 33))[1:]]
    assert len(places) == BOXES and all(places)
    assert [row[0] for row in places if not (ROOT / row[0][0]).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_path_of_the_page_is_a_link_to_it(page: Path) -> None:
    text = page.read_text()
    links = linked_paths(text)
    assert [path for path, target in links if (page.parent / target).resolve() != (ROOT / path)] == []
    paths = [span for span in re.findall(r"`([^`]+)`", text) if "/" in span and (ROOT / span).exists()]
    assert sorted(paths) == sorted(path for path, _ in links)


def linked_paths(text: str) -> list[tuple[str, str]]:
    """(path, target) of each [`path`](target)."""
    return re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", text)


# What the page says to copy with an entry besides `filters`, or to leave out; None: nothing helps in the demo.
WITH: dict[str, Any] = {
    "explorer": {},
    "steady": {"without": "objective"},
    "ranked": {},
    "ranked-v2": {},
    "trending": {},
    "bought-together": {},
    "alike": {"fields": [("TITLE", "title", "item_name"), ("DESCRIPTION", "category", "textual")]},
    "fans": {},
    "tastes": {},
    "actions": None,
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_entry_of_the_examples_that_is_not_shipped_has_a_row(page: Path) -> None:
    named = {name for row in rows(section(page, 19)) if len(row) == 3 for name in spans(row[0])}
    shipped = {one["name"] for one in example.content()["solutions"]}
    assert named == set(entries()) - shipped == set(WITH)


@pytest.mark.parametrize("name", WITH)
def test_an_entry_is_accepted_with_what_the_page_says_and_refused_without(name: str) -> None:
    helped = WITH[name]
    if helped != {}:
        with pytest.raises(ValueError, match=f"'{name}'"):
            Settings.model_validate(content(entries()[name]))
    if helped is not None:
        Settings.model_validate(content(entries()[name], **helped))


def content(
    entry: dict[str, Any], *, without: str = "", fields: Sequence[tuple[str, str, str]] = ()
) -> example.Content:
    """The example's configuration with one more solution, and what helps it."""
    made = example.content()
    made["solutions"] = [*made["solutions"], {key: value for key, value in entry.items() if key != without}]
    made["datasets"]["items"]["fields"] += [
        {"name": field, "column": column, kind: True, "nullable": True} for field, column, kind in fields
    ]
    if without:
        made["filters"] = example_file("people")["filters"]
    return made


def entries() -> dict[str, dict[str, Any]]:
    files = ("people", "items-and-segments")
    return {one["name"]: one for file in files for one in example_file(file)["solutions"]}


def example_file(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docs" / "examples" / f"{name}.yaml").read_text()))


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_metrics_of_the_page_are_those_of_the_service(page: Path) -> None:
    text = section(page, 20)
    named = re.findall(
        r"[a-z]+(?:_[a-z]+)*_at_\d+|_\d+\b", " ".join(row[0] for row in rows(text) if len(row) == 3)
    )
    stem = "normalized_discounted_cumulative_gain_at"
    assert {f"{stem}{one}" if one.startswith("_") else one for one in named} | {"coverage"} == RANKING_METRICS
    others = [re.split(r", |、\s*", found) for found in re.findall(r"[((](coverage[^))]*)[))]", text)]
    assert list(map(set, others)) == [SEGMENT_METRICS, ACTION_METRICS]
    assert [len(RANKING_METRICS), len(SEGMENT_METRICS), len(ACTION_METRICS)] == [8, 3, 4]
    assert [count for count in COUNTS[page.name] if count not in " ".join(text.split())] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_minimums_are_those_that_are_checked(page: Path) -> None:
    minimums = [row[1] for row in rows(section(page, 17))[1:]]
    found = [[int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", row)] for row in minimums]
    users = [limits.MIN_USERS, round(100 * MIN_SHARE_OF_USERS)]
    assert [found[0], found[1], found[2][:1]] == [[limits.MIN_INTERACTIONS], users, [limits.MIN_ITEMS]]


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
