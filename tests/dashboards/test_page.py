"""The page in a real browser: every visual draws or says why not, and nothing is asked of anybody."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dashboards import bundle, page
from dashboards.pages import PAGES
from dashboards.spec import data_sets
from tests.dashboards import rows
from tests.dashboards.browser import looked_at

VISUALS = {visual.id: visual for one in PAGES for visual in one.visuals}
HOSTILE = "</script><script>document.title='taken'</script><!--"


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    return bundle.library(tmp_path_factory.mktemp("bundle"))


def figures(seen: dict[str, Any]) -> dict[str, Any]:
    return {name: figure for one in seen["pages"].values() for name, figure in one["figures"].items()}


def hostile() -> page.Content:
    """A name in the data that would end the script that holds it."""
    content = rows.content()
    changed = [row | {"reason": HOSTILE} for row in content.rows["mart_quarantine"]]
    return rows.content(rows={**content.rows, "mart_quarantine": changed})


@pytest.mark.slow
def test_every_visual_draws_its_rows(library: str, tmp_path: Path) -> None:
    seen = looked_at(page.render(PAGES, hostile(), library=library), tmp_path)
    assert seen["errors"] == [] and seen["requests"] == []
    drawn = figures(seen)
    assert set(drawn) == set(VISUALS)
    for name, visual in VISUALS.items():
        assert drawn[name]["empty"] == "", name
        assert drawn[name]["rows"] > 0, name
        assert visual.drawn == "table" or drawn[name]["marks"] > 0, name
    assert {one["focused"] for one in seen["pages"].values()} == {"H2"}, (
        "the keyboard goes to the page it chose"
    )
    assert seen["labels"]
    assert HOSTILE in {cell for row in drawn["quarantine"]["cells"] for cell in row}
    # A choice leaves its own rows alone.
    assert {row[0] for row in seen["chosen"]["figures"]["newest-results"]["cells"]} == {
        seen["chosen"]["value"]
    }


def test_the_tables_numbers_are_those_of_a_group_by(library: str, tmp_path: Path) -> None:
    """Counted here, by another hand than page.js's."""
    content = rows.content()
    found = figures(looked_at(page.render(PAGES, content, library=library), tmp_path))["funnel-by-day"][
        "cells"
    ]
    expected = {}
    for row in content.rows["mart_funnel"]:
        counts = expected.setdefault((row["shown_on"], row["made_by"]), [0, 0, 0])
        for place, name in enumerate(("shown_items", "clicked_items", "bought_items")):
            counts[place] += row[name]
    shares = lambda part, whole: re.sub(r"\.0%$", "%", f"{part / whole * 100:.1f}%")  # noqa: E731
    assert {tuple(row[:2]): row[2:] for row in found} == {
        key: [f"{shown:,}", f"{clicked:,}", shares(clicked, shown), f"{bought:,}", shares(bought, shown)]
        for key, (shown, clicked, bought) in expected.items()
    }


@pytest.mark.slow
def test_without_rows_each_visual_says_why(library: str, tmp_path: Path) -> None:
    missing = {"mart_runs": "marts.mart_runs could not be read: it is not there"}
    nothing = rows.content(rows={}, missing=missing)
    seen = looked_at(page.render(PAGES, nothing, library=library), tmp_path, phone=True, dark=True)
    assert seen["errors"] == []
    for name, figure in figures(seen).items():
        data = VISUALS[name].data
        assert figure["empty"] == missing.get(data.mart, data.empty), name
        assert figure["marks"] == 0


@pytest.mark.nightly
@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_is_wider_than_the_page(library: str, tmp_path: Path, dark: bool) -> None:
    seen = looked_at(page.render(PAGES, rows.content(), library=library), tmp_path, phone=True, dark=dark)
    assert seen["width"] == 390 and seen["errors"] == []
    assert {name: one["overflow"] for name, one in seen["pages"].items() if one["overflow"] > 0} == {}
    assert [name for name, figure in figures(seen).items() if figure["wide"]] == []


def test_the_page_names_no_address_that_a_browser_would_ask() -> None:
    text = page.render(PAGES, rows.content(), library="")
    assert re.findall(r"(?:src|href)=\"(?!#|data:)[^\"]*\"", text) == []
    assert "default-src 'none'" in text and "connect-src" not in text


def test_what_was_simulated_is_marked_where_it_shows() -> None:
    marked = page.render(PAGES, rows.content(), library="")
    people = {
        mart: [row for row in found if row.get("made_by") != "simulator"]
        for mart, found in rows.content().rows.items()
    }
    assert 'class="simulated"' in marked
    assert 'class="simulated"' not in page.render(PAGES, rows.content(rows=people), library="")


def test_the_model_in_the_page_is_the_model() -> None:
    content = hostile()
    text = page.render(PAGES, content, library="")
    found = re.search(r'<script type="application/json" id="model">(.*?)</script>', text, re.DOTALL)
    assert found and json.loads(found[1]) == page.model(PAGES, content)


def test_the_fixture_has_rows_of_every_data_set() -> None:
    assert {data.mart for data in data_sets(PAGES)} == {
        mart for mart, found in rows.content().rows.items() if found
    }
