"""docs/configuration.md is generated: a stale page or an undocumented key fails here."""

from pathlib import Path

from config.reference import page, rows

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text() == page(), "docs/configuration.md is stale: run `make docs`"


def test_every_key_says_what_it_does() -> None:
    undocumented = [key for key, field in rows() if not field.description]
    assert undocumented == []


def test_keys_of_listed_sections_are_reached() -> None:
    keys = {key for key, _ in rows()}
    assert {
        "solutions[].recipe",
        "datasets.interactions.events[].weight",
        "analytics.quicksight.enabled",
    } <= keys
