"""Intervals and what they allow to say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assess.results import POPULARITY, Way, best_recipe, gains, personal_pays, ways
from assess.trials import PERSONAL, Done, Job, Judged
from assess.verdicts import Interval, interval

NONE = Interval(0, 0, 0, 0)


def test_an_interval_is_students() -> None:
    # A textbook's: t(2 degrees, 97.5%) is 4.3027; the standard error of 1, 2, 3 is 0.57735.
    found = interval(np.array([1.0, 2.0, 3.0]))
    assert (found.mean, found.users) == (2.0, 3)
    assert found.high - found.mean == pytest.approx(4.3027 * 0.57735, abs=1e-4)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [([0.2, 0.3, 0.25, 0.3], "better"), ([-0.2, -0.3, -0.25], "worse"), ([0.3, -0.3, 0.1], "no difference")],
)
def test_only_an_interval_beside_nothing_is_a_difference(values: list[float], verdict: str) -> None:
    assert interval(np.array(values)).verdict == verdict


def test_one_user_tells_no_difference() -> None:
    assert interval(np.array([0.9])).verdict == "no difference"


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=40))
def test_turned_around_it_says_the_opposite(values: list[float]) -> None:
    there, back = interval(np.array(values)), interval(-np.array(values))
    opposite = {"better": "worse", "worse": "better", "no difference": "no difference"}
    assert back.verdict == opposite[there.verdict]


def judged(name: str, ndcg: list[float], *, lists: list[int] | None = None) -> Judged:
    count = len(ndcg)
    values = np.array(ndcg)
    shown = np.tile(np.array(lists or [0, 1] + [-1] * 23), (count, 1))
    return Judged(name, np.arange(count), np.arange(1, count + 1), values, values, values, shown)


def test_folds_are_put_together_and_compared_user_by_user() -> None:
    base, mine = [0.1, 0.2, 0.3], [0.4, 0.6, 0.5]
    done = [
        Done(Job("personal", name, fold), (judged(label, [value + fold / 10 for value in values]),))
        for fold in range(2)
        for name, label, values in (("baselines", POPULARITY, base), (PERSONAL, PERSONAL, mine))
    ]
    found = {way.name: way for way in ways(done, "personal", n_items=4)}
    assert found[PERSONAL].ndcg.mean == pytest.approx(0.55)
    against = found[PERSONAL].against
    assert against is not None and against.users == 6
    assert against.mean == pytest.approx(0.3) and against.verdict == "better"
    assert found[POPULARITY].against is None
    assert found[PERSONAL].coverage == 0.5 and personal_pays(list(found.values()))


def test_light_and_heavy_users_are_told_apart() -> None:
    done = [Done(Job("personal", PERSONAL), (judged(PERSONAL, [0.1, 0.1, 0.5, 0.5, 0.9, 0.9]),))]
    (way,) = ways(done, "personal", n_items=4)
    assert (way.light.mean, way.heavy.mean) == (pytest.approx(0.1), pytest.approx(0.9))


def test_what_metadata_add_is_lost_without_them() -> None:
    done = [
        Done(Job("personal", PERSONAL), (judged(PERSONAL, [0.5, 0.6]),)),
        Done(Job("by time", PERSONAL), (judged(PERSONAL, [0.0, 0.0, 0.0]),)),
        Done(Job("personal", PERSONAL, 0, "no metadata"), (judged(PERSONAL, [0.4, 0.4]),)),
        Done(Job("personal", PERSONAL, 0, "weights"), (judged(PERSONAL, [0.4, 0.6]),)),
    ]
    found = {one.name: one.gain.mean for one in gains(done)}
    assert found == {"no metadata": pytest.approx(0.15), "weights": pytest.approx(-0.05)}


def way(name: str, mean: float, half: float) -> Way:
    mine = Interval(mean, mean - half, mean + half, 50)
    return Way(name, mine, mine, mine, 0.1, 0.1, None, NONE, NONE)


@pytest.mark.parametrize(
    ("cheap", "dear", "chosen"),
    [(0.30, 0.31, "cheap"), (0.30, 0.50, "dear"), (0.5, 0.3, "cheap")],
)
def test_the_cheaper_is_taken_unless_the_dearer_is_better_beyond_noise(
    cheap: float, dear: float, chosen: str
) -> None:
    found = [way("cheap", cheap, 0.05), way("dear", dear, 0.05)]
    assert best_recipe(found, ("cheap", "dear")) == chosen
