"""Both languages say the same things, and exactly those that the pages ask for."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest

from lambdas.get_recommendations.rules import KINDS
from local.storefront.server import STATIC

LANGUAGES = ("en", "ja")
# Words whose last part is made of what the API or AWS says.
OPEN = ("placement.", "rule.", "status.", "act.", "did.")


@cache
def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((STATIC / f"words.{language}.json").read_text(encoding="utf-8"))
    return found


def pages() -> str:
    return "".join(file.read_text() for file in sorted(STATIC.iterdir()) if file.suffix in (".js", ".html"))


def test_both_languages_have_the_same_words() -> None:
    assert list(words("en")) == list(words("ja"))


@pytest.mark.parametrize("key", words("en"))
def test_a_word_has_the_same_places_in_both_languages(key: str) -> None:
    english, japanese = (set(re.findall(r"\{(\w+)\}", words(language)[key])) for language in LANGUAGES)
    assert english == japanese and words("ja")[key].strip()


def test_nothing_was_left_untranslated() -> None:
    same = {key for key in words("en") if words("en")[key] == words("ja")[key]}
    assert same == set()


def test_every_word_that_the_pages_ask_for_is_there_and_none_is_left_over() -> None:
    asked = set(re.findall(r"[\"'`]([a-z]+(?:\.[a-zA-Z_]+)+)[\"'`]", pages())) | {"skip", "wait"}
    known = {key for key in words("en") if not key.startswith(OPEN)}
    assert known - asked == set()
    groups = {key.partition(".")[0] for key in words("en") if "." in key}
    assert {key for key in asked if key.partition(".")[0] in groups} - set(words("en")) == set()


def test_every_kind_of_rule_that_is_known_is_explained() -> None:
    assert {key.removeprefix("rule.") for key in words("en") if key.startswith("rule.")} <= set(KINDS)
