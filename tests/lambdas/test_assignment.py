"""Assignment: golden vectors of a second implementation, and what must hold of any document."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from config import experiments as configured
from lambdas.shared import assignment
from lambdas.shared.assignment import Unit, assigned
from tests import example

VECTORS = json.loads(Path(__file__).with_name("assignment_vectors.json").read_text())
USERS = 100_000
DAY = "2026-12-10"
JAVASCRIPT = """
const c = require('crypto');
for (const names of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
  const hex = c.createHash('sha256').update(names.join(':'), 'utf8').digest('hex').slice(0, 13);
  console.log(parseInt(hex, 16) / Math.pow(16, 13));
}
"""


def document(**changes: Any) -> dict[str, Any]:
    """One experiment of two halves in the layer home."""
    experiment = {
        "name": "one",
        "version": "11111111",
        "layer": "home",
        "slots": [0, 100],
        "starts": "2026-12-01",
        "ends": "2026-12-28",
        "ramp": [["2026-12-01", 100.0]],
        "variants": [{"name": "control", "weight": 50}, {"name": "fresh", "weight": 50, "solution": "fresh"}],
        "target": {"attributes": {}, "states": []},
        "testers": {},
    }
    return {
        "holdout": {"version": "aaaaaaaa", "percent": 0.0},
        "layers": {"home": ["home"], "cart": ["cart"]},
        "experiments": [experiment | changes],
    }


def variants(given: dict[str, Any], users: range, *, day: str = DAY) -> list[str | None]:
    """Each user's variant of the only experiment."""
    found = (assigned(given, placement="home", unit=unit(f"user-{n}"), day=day) for n in users)
    return [answer[-1].variant if answer and answer[-1].experiment == "one" else None for answer in found]


def unit(id: str, *states: str, **attributes: str | None) -> Unit:
    return Unit(id=id, attributes=attributes, states=states)


@pytest.mark.parametrize("vector", VECTORS["points"], ids=lambda v: ascii(v["names"][-1])[:20])
def test_a_point_is_that_of_the_vectors(vector: dict[str, Any]) -> None:
    assert assignment.point(*vector["names"]) == vector["point"]


def test_every_assignment_is_that_of_the_vectors() -> None:
    for vector in VECTORS["assignments"]:
        found = assigned(VECTORS["document"], placement="home", unit=unit(vector["unit"]), day=vector["day"])
        assert [[one.experiment, one.variant] for one in found] == vector["assigned"], vector["unit"]
    seen = Counter(variant for vector in VECTORS["assignments"] for _, variant in vector["assigned"])
    assert set(seen) == {"held-out", "takes-part", "control", "fresh", "popular", "other"}


def test_javascript_finds_the_same_points_for_ids_of_any_characters() -> None:
    names = [
        ["variant", "one", "11111111", name]
        for name in ("", "a:b", "ユーザー", "😀", "e\u0301", "\u00e9", " ")
    ]
    node = os.environ["JSII_NODE"]
    answer = subprocess.run(
        [node, "-e", JAVASCRIPT], input=json.dumps(names), text=True, capture_output=True, check=True
    )
    assert [float(line) for line in answer.stdout.split()] == [assignment.point(*one) for one in names]


@pytest.mark.nightly
def test_a_ramp_of_ten_steps_moves_nobody_of_100_000_users_and_keeps_the_sample_ratio() -> None:
    _ramp(range(USERS), [1, 2, 5, 10, 20, 30, 50, 70, 90, 100])


def test_a_ramp_moves_nobody_who_is_in() -> None:
    _ramp(range(5_000), [1, 10, 50, 100])


def _ramp(users: range, steps: list[int]) -> None:
    before: list[str | None] = [None] * len(users)
    for percent in steps:
        found = variants(document(ramp=[["2026-12-01", percent]]), users)
        switched = sum(one is not None and one != other for one, other in zip(before, found, strict=True))
        assert switched == 0
        counts = Counter(found)
        taking = counts["control"] + counts["fresh"]
        assert stats.binomtest(taking, len(users), percent / 100).pvalue > 0.001
        assert stats.binomtest(counts["fresh"], taking, 0.5).pvalue > 0.001
        before = found
    assert before.count(None) == 0


def test_variants_of_two_layers_tell_nothing_of_each_other() -> None:
    both = document()
    both["experiments"].append(both["experiments"][0] | {"name": "two", "layer": "cart"})
    pairs = Counter(
        (
            assigned(both, placement="home", unit=unit(str(n)), day=DAY)[0].variant,
            assigned(both, placement="cart", unit=unit(str(n)), day=DAY)[0].variant,
        )
        for n in range(4_000)
    )
    table = [[pairs[a, b] for b in ("control", "fresh")] for a in ("control", "fresh")]
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_another_version_divides_users_anew() -> None:
    one, other = variants(document(), range(2_000)), variants(document(version="33333333"), range(2_000))
    same = sum(a == b for a, b in zip(one, other, strict=True))
    assert stats.binomtest(same, 2_000, 0.5).pvalue > 0.001


def test_the_holdout_is_in_no_experiment_and_an_experiment_itself() -> None:
    given = document() | {"holdout": {"version": "aaaaaaaa", "percent": 20.0}}
    answers = [assigned(given, placement="home", unit=unit(str(n)), day=DAY) for n in range(4_000)]
    assert {tuple(one.experiment for one in answer) for answer in answers} == {
        ("holdout",),
        ("holdout", "one"),
    }
    out = sum(answer[0].variant == "held-out" for answer in answers)
    assert all((answer[0].variant == "held-out") == (len(answer) == 1) for answer in answers)
    assert stats.binomtest(out, 4_000, 0.2).pvalue > 0.001


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-11-30", 0), ("2026-12-01", 1), ("2026-12-28", 1), ("2026-12-29", 0)],
)
def test_an_experiment_runs_from_its_first_day_to_its_last(day: str, expected: int) -> None:
    assert len(assigned(document(), placement="home", unit=unit("u"), day=day)) == expected


def test_outside_of_its_placements_nothing_is_assigned() -> None:
    for placement in ("cart", "unknown"):
        assert assigned(document(), placement=placement, unit=unit("u"), day=DAY) == []


def test_only_who_is_meant_is_in() -> None:
    given = document(target={"attributes": {"AGE": ["35-44", "45-54"]}, "states": ["new", "lapsed"]})
    asks = [
        (unit("u", "new", AGE="35-44"), 1),
        (unit("u", "active", "lapsed", AGE="45-54"), 1),
        (unit("u", "active", AGE="35-44"), 0),
        (unit("u", "new", AGE="65+"), 0),
        (unit("u", "new", AGE=None), 0),
        (unit("u", "new"), 0),
        (unit("u", AGE="35-44"), 0),
    ]
    for who, expected in asks:
        assert len(assigned(given, placement="home", unit=who, day=DAY)) == expected, who


def test_a_tester_gets_the_variant_whatever_else_holds_and_is_marked() -> None:
    given = document(
        testers={"tina": "fresh"}, target={"attributes": {"AGE": ["1"]}, "states": []}, slots=[0, 1]
    ) | {"holdout": {"version": "aaaaaaaa", "percent": 50.0}}
    [found] = assigned(given, placement="home", unit=unit("tina"), day=DAY)
    assert (found.variant, found.solution, found.tester) == ("fresh", "fresh", True)


@given(st.text(max_size=256), st.sampled_from(["2026-12-02T00:00:00Z", "2026-12-02T23:59:59.999Z"]))
def test_an_exposure_is_one_for_a_user_an_experiment_and_a_day(id: str, at: str) -> None:
    found = assignment.Assignment(experiment="one", version="11111111", variant="control", layer="home")
    rest = {"placement": "home", "recommendation_id": "r"}
    made = [assignment.exposure(found, unit_id=id, exposed_at=at, **rest)["exposure_id"] for _ in range(2)]
    other = assignment.exposure(found, unit_id=id, exposed_at="2026-12-03T00:00:00Z", **rest)
    noon = assignment.exposure(found, unit_id=id, exposed_at="2026-12-02T12:00:00Z", **rest)
    assert made[0] == made[1] == noon["exposure_id"] != other["exposure_id"]
    assert set(other) == set(
        "exposure_id experiment version variant layer unit_id exposed_at placement recommendation_id".split()
    )


def test_what_the_configuration_delivers_is_what_assignment_reads() -> None:
    delivered = json.loads(
        json.dumps(configured.delivered(example.settings(experiments=example.experiments()).experiments))
    )
    found = Counter(
        (one.experiment, one.variant, one.solution)
        for n in range(500)
        for one in assigned(delivered, placement="home", unit=unit(str(n)), day="2026-12-05")
    )
    assert set(found) == {
        ("holdout", "held-out", None),
        ("holdout", "takes-part", None),
        ("popular-home", "control", "personal"),
        ("popular-home", "popular", "popular"),
    }


RAMP = [
    [f"2026-12-{day:02}", percent]
    for day, percent in enumerate((1, 2, 5, 10, 20, 30, 45, 60, 80, 100), start=1)
]


@pytest.mark.parametrize("users", [8_000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_a_ramp_in_ten_steps_moves_nobody_who_is_in_and_keeps_the_ratio(users: int) -> None:
    """From 1 to 100%: at each step who is in stays in their variant, and parts are as binomial as they should be."""
    given = document(ramp=RAMP)
    before: list[str | None] = [None] * users
    for day, percent in RAMP:
        now = variants(given, range(users), day=str(day))
        assert all(is_now == was for was, is_now in zip(before, now, strict=True) if was is not None), day
        share, fresh = sum(one is not None for one in now), now.count("fresh")
        assert stats.binomtest(share, users, float(percent) / 100).pvalue > 0.001 or percent == 100, day
        assert stats.binomtest(fresh, share, 0.5).pvalue > 0.001, day
        before = now
    assert None not in before
