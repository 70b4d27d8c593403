"""docs/configuration.md is generated: a stale page or an undocumented key fails here."""

import re
from pathlib import Path

import pytest

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


def cells() -> list[list[str]]:
    """Of each row: key, type, default, what it does."""
    lines = page().split("|---|---|---|---|\n")[1].splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]


def test_each_key_is_a_row_of_one_line() -> None:
    assert [(len(row), row[0]) for row in cells()] == [(4, f"`{key}`") for key, _ in rows()]


def test_types_are_words_and_no_names_of_classes() -> None:
    word = "text|true/false|whole number|number|date|time with its zone|section|list|map"
    choices = r"`[^`]+`(?: or `[^`]+`)*"
    said = re.compile(rf"{word}|{choices}|list of (?:(?:{word})s|{choices})")
    assert [(row[0], row[1]) for row in cells() if not said.fullmatch(row[1])] == []


@pytest.mark.parametrize(
    ("key", "kind", "default"),
    [
        ("sources.aurora.tables.users", "text", ""),  # `TableName | None`
        ("sources.application_log.attributes.EVENT_VALUE", "text", "`value`"),
        ("datasets.interactions.bought", "list of texts", "`[]`"),
        ("network.nat_gateways", "whole number", ""),
        ("budget.monthly_usd", "number", ""),
        ("budget.alert_at_percent", "list of whole numbers", "`[80, 100]`"),
        ("rules[pin].starts", "time with its zone", ""),
        ("experiments.definitions[].ends", "date", ""),
        ("experiments.definitions[].slots", "section", ""),
        ("quality_gate.floors", "map", ""),
        ("quality_gate.promotion", "`metric` or `command`", ""),
        (
            "experiments.definitions[].target.states",
            "list of `new` or `active` or `just_bought` or `lapsed`",
            "`[]`",
        ),
        ("api.log_impressions", "true/false", ""),
    ],
)
def test_a_type_is_said_as_a_file_holds_it(key: str, kind: str, default: str) -> None:
    [row] = [row for row in cells() if row[0] == f"`{key}`"]
    assert row[1:3] == [kind, default]
