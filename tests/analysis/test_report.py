"""What follows from simulated experiments, each with something planted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from analysis import words
from analysis.decision import WORDS
from analysis.design import Design
from analysis.looks import Looks
from analysis.moments import Array, Moments
from analysis.panel import PAIRS, Rows
from analysis.report import Report, analyse

START = date(2026, 12, 1)
DESIGN = Design(
    name="home",
    version="11111111",
    control="control",
    weights={"control": 50, "fresh": 50},
    starts=START,
    ends=date(2026, 12, 14),
    primary="clicks_per_impression",
    guardrails={"revenue_per_user": 0.3},
    secondary=("buyers",),
    detectable=0.1,
)


def rows(
    *,
    lift: float = 0.0,
    fading: float = 0.0,
    revenue: float = 0.0,
    days: int = 14,
    daily: tuple[int, int] = (600, 600),
    shown: float = 4.0,
    seed: int = 1,
    segment: tuple[str, str] = ("all", "all"),
) -> list[list[Any]]:
    """Rows as the mart has them: users of each variant come every day and act on that day."""
    rng = np.random.default_rng(seed)
    made: list[list[Any]] = []
    for variant, users, effect in (("control", daily[0], 0.0), ("fresh", daily[1], 1.0)):
        sums = {metric: Moments.of(np.zeros((0, 4))) for metric in DESIGN.metrics}
        for n in range(days):
            one = lift * effect * (1 - fading * n / days)
            for metric, figures in _shop(rng, users, one, revenue * effect, shown).items():
                sums[metric] = sums[metric] + Moments.of(figures)
                day = [variant, START + timedelta(days=n), metric, *segment]
                made.append([*day, *_row(sums[metric]), *_today(figures, sums[metric], metric)])
    return made


def _shop(
    rng: np.random.Generator, users: int, lift: float, revenue: float, shown: float
) -> dict[str, Array]:
    taste = rng.gamma(4.0, 0.05, users)
    impressions = rng.poisson(shown, users)
    clicks = rng.poisson(taste * impressions * (1 + lift))
    spent = rng.gamma(4.0, 5.0 * (1 + revenue), users)
    one = np.ones(users)
    return {
        "clicks_per_impression": np.stack([clicks, impressions, rng.poisson(taste * 4), one * 4], -1).astype(
            float
        ),
        "revenue_per_user": np.stack([spent, one, spent * 0, one], -1),
        "buyers": np.stack([(clicks > 0) * one, one, one * 0, one], -1),
    }


def _row(moments: Moments) -> list[float]:
    return [float(moments.n), *moments.sums, *(moments.products[one, other] for one, other in PAIRS)]


def _today(figures: Array, so_far: Moments, metric: str) -> list[float]:
    outcome, base = figures[:, 0], figures[:, 1]
    if metric != "clicks_per_impression":
        n = float(so_far.n)
        return [outcome.sum(), n, (outcome**2).sum(), outcome.sum(), n]
    return [outcome.sum(), base.sum(), (outcome**2).sum(), (outcome * base).sum(), (base**2).sum()]


def judged(design: Design = DESIGN, **planted: Any) -> Report:
    return analyse(design, Rows(rows(**planted)))


OPEN = replace(DESIGN, ends=None)
CASES: dict[str, tuple[Design, dict[str, Any], str]] = {
    "a better variant ships": (DESIGN, {"lift": 0.25}, "ship"),
    "a better variant without a declared end ships": (OPEN, {"lift": 0.25}, "ship"),
    "a worse variant stops": (DESIGN, {"lift": -0.25}, "stop_worse"),
    "a broken guardrail stops a better one": (DESIGN, {"lift": 0.25, "revenue": -0.5}, "stop_guardrail"),
    "no difference ends without one": (DESIGN, {}, "no_difference"),
    "a difference that is not there yet keeps running": (DESIGN, {"days": 5}, "keep_to_end"),
    "without an end it says how many days": (OPEN, {"days": 3, "daily": (150, 150)}, "keep"),
    "too little traffic says so": (DESIGN, {"days": 5, "daily": (40, 40)}, "keep_too_short"),
    "long past the plan it says that too": (OPEN, {"days": 14, "daily": (3_000, 3_000)}, "keep_small"),
    "too few users keep running": (DESIGN, {"days": 1, "daily": (30, 30)}, "keep_early"),
    "a guardrail that is open waits": (
        replace(DESIGN, guardrails={"revenue_per_user": 0.001}),
        {"lift": 0.3, "days": 10},
        "keep_for_guardrails",
    ),
    "a guardrail that is open at the end is said": (
        replace(DESIGN, guardrails={"revenue_per_user": 0.001}),
        {"lift": 0.3},
        "better_unguarded",
    ),
    "a sample ratio that is off forbids reading": (DESIGN, {"lift": 0.25, "daily": (600, 500)}, "ratio"),
    "nothing shown has no figure": (DESIGN, {"shown": 0.0}, "no_base"),
    "lower may be better": (
        replace(DESIGN, lower_is_better=frozenset(["clicks_per_impression"])),
        {"lift": -0.25},
        "ship",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_planted_decides(case: str) -> None:
    design, planted, code = CASES[case]
    report = judged(design, **planted)
    assert report.decisions["fresh"].code == code
    assert report.decisions["fresh"].stops == (code in ("stop_guardrail", "stop_worse"))
    for language in ("en", "ja"):
        text = "\n".join(words.lines(report, language))
        assert "{" not in text and report.decisions["fresh"].words(language) in text


def test_every_decision_has_its_words_and_is_reached() -> None:
    reached = {code for _, _, code in CASES.values()} | {"no_users", "fades"}
    assert reached == set(WORDS)
    assert all(set(texts) == {"en", "ja"} and all(texts.values()) for texts in WORDS.values())


def test_nobody_is_said_and_nothing_else() -> None:
    report = analyse(DESIGN, Rows([]))
    assert list(words.lines(report)) == [
        "home, version 11111111: nobody yet",
        "=> fresh: Nobody is in it yet: nothing to say.",
    ]


def test_an_effect_that_wears_off_is_noted() -> None:
    fading = judged(lift=0.6, fading=1.2, daily=(2_000, 2_000))
    found = fading.novelty["fresh"]
    assert found is not None and found.fades and found.first > 0.3 > found.last
    assert "fades from day to day" in fading.decisions["fresh"].words("en")
    steady = judged(lift=0.3, daily=(2_000, 2_000)).novelty["fresh"]
    assert steady is not None and not steady.fades
    assert judged(days=3).novelty["fresh"] is None


def test_days_left_are_those_after_which_the_plan_is_met() -> None:
    early, later = judged(OPEN, days=4, daily=(150, 150)), judged(OPEN, days=9, daily=(150, 150))
    assert early.days_left is not None and later.days_left is not None
    assert early.days_left - 5 == pytest.approx(later.days_left, rel=0.25)
    assert f"about {early.days_left} more days" in early.decisions["fresh"].words("en")


def test_segments_are_corrected_for_their_number() -> None:
    made = rows()
    for n in range(10):
        made += rows(segment=("age", f"group {n}"), seed=n + 2, daily=(200, 200), lift=0.4 * (n == 0))
    report = analyse(DESIGN, Rows(made))
    assert len(report.segments) == 10
    called = {one.segment for one in report.segments if one.called}
    assert called == {("age", "group 0")}
    assert all(one.adjusted >= one.p for one in report.segments)


def test_several_variants_share_the_level() -> None:
    three = replace(DESIGN, weights={"control": 34, "fresh": 33, "other": 33})
    made = rows(lift=0.09)
    made += [["other", *row[1:]] for row in rows(seed=5) if row[0] == "control"]
    alone, shared = analyse(DESIGN, Rows(rows(lift=0.09))), analyse(three, Rows(made))
    [one], two = alone.primary, shared.primary
    assert [c.variant for c in two] == ["fresh", "other"]
    assert two[0].p == pytest.approx(one.p) and two[0].adjusted == pytest.approx(2 * one.p)
    assert two[0].low < one.low and two[0].high > one.high


def test_days_without_news_stay_as_they_were() -> None:
    made = rows(days=6)
    quiet = [row for row in made if row[1] != START + timedelta(days=3)]
    panel = Rows(quiet).panel("buyers", variants=["control"])
    assert len(panel.days) == 6
    assert panel.cumulative["control"].n[3] == panel.cumulative["control"].n[2] > 0
    assert panel.daily["control"].sums[3, 0] == 0


def test_what_comes_after_the_declared_end_is_not_looked_at() -> None:
    found = Rows(rows(days=14), until=START + timedelta(days=4))
    assert len(found.days) == 5


def test_time_passes_from_the_declared_start_and_not_from_the_first_user() -> None:
    """Who starts late has spent more of the level by each look."""
    panel = Rows(rows(days=7)).panel("buyers", variants=DESIGN.weights)
    early = replace(DESIGN, starts=START - timedelta(days=7))
    [prompt, late] = [
        Looks.of(design, panel, "fresh") for design in (replace(DESIGN, ends=date(2026, 12, 7)), early)
    ]
    assert prompt.times[-1] == 1.0 and late.times[0] == pytest.approx(8 / 21)
    assert late.critical[0] < prompt.critical[0]
