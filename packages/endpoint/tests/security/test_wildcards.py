"""Wildcards of policies and patterns of queries: what they match, and that none runs away."""

from __future__ import annotations

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osusume_endpoint import patterns

TEXTS = st.text(alphabet="abAB/:*?.", max_size=12)


@given(text=TEXTS, pattern=TEXTS)
def test_a_wildcard_matches_what_pythons_own_does(text: str, pattern: str) -> None:
    assert bool(patterns.wildcard(pattern, False).match(text)) == fnmatch.fnmatchcase(text, pattern)


@given(text=TEXTS, pattern=TEXTS)
def test_case_counts_only_where_it_should(text: str, pattern: str) -> None:
    insensitive = fnmatch.fnmatchcase(text.lower(), pattern.lower())
    assert bool(patterns.wildcard(pattern, True).match(text)) == insensitive


@pytest.mark.parametrize("pattern", ["a*" * 40 + "b", "*a" * 500, "?*" * 300 + "b", "*" * 2000 + "b"])
def test_many_stars_take_no_time(pattern: str) -> None:
    started = time.process_time()
    assert not patterns.wildcard(pattern, False).match("a" * 400 + "c")
    assert time.process_time() - started < 1


def test_a_pattern_that_runs_away_matches_nothing_and_is_tried_once() -> None:
    compiled = patterns.BoundedRe().compile(r"(a+)+$")
    started = time.process_time()
    assert [compiled.search("a" * 40 + "!") for _ in range(20)] == [None] * 20
    assert time.process_time() - started < 2 * patterns.SECONDS


def test_other_patterns_match_as_before() -> None:
    bounded = patterns.BoundedRe()
    assert bounded.compile("ERR(OR)?", re.IGNORECASE).search("an error").group(0) == "error"
    assert bounded.fullmatch(r"\d+", "12") and not bounded.fullmatch(r"\d+", "12x")
    assert bounded.sub("a", "b", "aa") == "bb"
    with pytest.raises(bounded.error):
        bounded.compile("(")
