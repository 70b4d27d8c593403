"""Both languages say the same, and everything that can happen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assess import sample, trials
from assess.words import LANGUAGES, Words
from config import limits
from config.recipes import RECIPES

ASSESS = Path(__file__).parents[2] / "assess"
PLACE = re.compile(r"\{(\w+)[^}]*\}")
# Keys that are made of a part and what is told, such as finding_hole.
MADE = "finding|gain|impossible|item|lead|place|quota|sample|stage|user|verdict|way"


def test_there_are_two_languages() -> None:
    assert LANGUAGES == ("en", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_sentences_of_english_with_their_places(language: str) -> None:
    mine, english = Words.of(language).sentences, Words.of("en").sentences
    assert mine.keys() == english.keys()
    assert {k: set(PLACE.findall(s)) for k, s in mine.items()} == {
        k: set(PLACE.findall(s)) for k, s in english.items()
    }


def test_japanese_is_japanese() -> None:
    sentences = Words.of("ja").sentences
    kana = re.compile("[ぁ-ヿ一-鿿]")
    assert [key for key, text in sentences.items() if not kana.search(text)] == []


def test_every_key_that_the_code_says_is_a_sentence_and_every_sentence_is_said() -> None:
    source = "".join(path.read_text() for path in ASSESS.glob("*.py"))
    said = set(re.findall(r'(?<!\.)\bsay\(\s*"(\w+)"', source)) | set(
        re.findall(r'"((?:lead|sample|at)_\w+)"', source)
    )
    known = set(Words.of("en").sentences)
    assert said - known == set()
    made = {key for key in known - said if re.match(f"(?:{MADE})_", key)}
    assert known - said - made == set()


def test_the_pages_figures_are_the_codes() -> None:
    page = " ".join((ASSESS.parent / "docs" / "assess.md").read_text().split())
    [types] = re.findall(r"up to the (\w+) that Personalize takes beside EVENT_TYPE", page)
    assert ("seven", "eight", "nine", "ten").index(types) + 7 == limits.MAX_SENT_TYPES
    assert f"everything up to {sample.EVENTS:,} interactions" in page
    assert f"newest {sample.NEWEST} interactions each" in page
    assert f"up to {trials.MAX_BY_TIME} users" in page
    assert round(10 * trials.CUT) == 9 and "the oldest nine tenths of the interactions" in page
    assert "the oldest nine tenths of the interactions" in Words.of("en").sentences["by_time_told"]


def test_every_recipe_has_its_place() -> None:
    assert [name for name in RECIPES if not Words.of("en").has(f"place_{name}")] == []


def test_every_finding_and_quota_has_its_sentence() -> None:
    source = (ASSESS / "findings.py").read_text()
    keys = set(re.findall(r'Finding\("\w+", "(\w+)"', source)) - {"read"}
    keys |= {f"quota_{key}" for key in re.findall(r'Quota\("(\w+)"', (ASSESS / "quotas.py").read_text())}
    reasons = re.findall(r'return "(\w+)"', (ASSESS / "draft.py").read_text())
    keys |= {
        f"left_{reason}"
        for reason in (*reasons, "unique", "too_many")
        if reason not in ("int", "long", "double", "string")
    }
    words = Words.of("en")
    assert [key for key in sorted(keys) if not words.has(f"finding_{key}")] == []
