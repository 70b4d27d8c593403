"""The simulated month: what is planted is there, and the product's own pieces find it; the warehouse is nightly's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import pytest

from analysis.design import Design
from analysis.moments import Moments
from analysis.panel import PAIRS, Rows
from analysis.report import Report, analyse
from config.experiments import delivered, designs
from config.settings import Settings
from lambdas.record_events import exposures
from lambdas.record_events.events import Event
from local.month import plan, rows
from local.month.days import Shop
from local.month.people import People
from local.month.reader import NEWCOMERS, SHOWN, Memory, Reader, trained
from tests import example

FIRST = date(2026, 9, 1)
SETTINGS = plan.configured(example.settings(), first=FIRST)
SEEDS = range(20)


def shop(seed: int, *, users: int = 2400) -> Shop:
    """As the command opens it, but for the training: every user has one and the same list."""
    memory, crowd = Memory(), People.made(users, np.random.default_rng(seed))
    ranked = [[f"simulated-item-{n:04}", 1.0 - n / 50] for n in range(25)]
    for one in SETTINGS.solutions:
        if one.publishes == "lists" and one.for_each in ("user", "everyone"):
            keys = crowd.names if one.for_each == "user" else ["everyone"]
            memory.publish(one.name, ((key, ranked) for key in keys), version="20260101T000000Z")
    return Shop(crowd, Reader.of(SETTINGS, memory), plan.placements(SETTINGS), FIRST, seed)


def lived(one: Shop, *, days: int = plan.DAYS) -> list[list[Event]]:
    return [one.events(number) for number in range(days)]


def moments(month: list[list[Event]], name: str) -> Rows:
    """Of clicks per impression, counted here user by user: what dbt sums in the warehouse."""
    document = delivered(SETTINGS.experiments)
    variant: dict[str, str] = {}
    totals: dict[str, np.ndarray[Any, Any]] = defaultdict(lambda: np.zeros(2))
    made = []
    for number, events in enumerate(month):
        today: dict[str, np.ndarray[Any, Any]] = defaultdict(lambda: np.zeros(2))
        lines = [line for line in exposures.of(events, document) if line["experiment"] == name]
        variant |= {line["unit_id"]: line["variant"] for line in lines}
        for event in events:
            if event.user in variant and event.type in ("click", "impression"):
                today[event.user] += np.array([event.type == "click", event.type == "impression"])
        for user, counted in today.items():
            totals[user] += counted
        for which in (plan.CONTROL, plan.TREATMENT):
            users = [user for user, one in variant.items() if one == which]
            made.append([which, FIRST.replace(day=1 + number), plan.CLICKS, "all", "all",
                         *_row(Moments.of(_figures(users, totals))), *_today(_figures(users, today))])  # fmt: skip
    return Rows(made)


def _figures(users: Iterable[str], counted: dict[str, Any]) -> Any:
    """(users, 4): nobody did anything before the month."""
    found = [[*counted.get(user, (0.0, 0.0)), 0.0, 0.0] for user in users]
    return np.array(found).reshape(-1, 4)


def _row(one: Moments) -> list[float]:
    return [float(one.n), *one.sums, *(one.products[a, b] for a, b in PAIRS)]


def _today(figures: Any) -> list[float]:
    clicks, shown = figures[:, 0], figures[:, 1]
    return [clicks.sum(), shown.sum(), (clicks**2).sum(), (clicks * shown).sum(), (shown**2).sum()]


def judged(month: list[list[Event]], name: str, settings: Settings = SETTINGS) -> Report:
    [document] = [one for one in designs(settings.experiments) if one["name"] == name]
    design = Design.read({**document, "secondary": [], "guardrails": {}})
    return analyse(design, moments(month, name))


def test_everybody_is_in_one_experiment_and_sees_what_the_read_function_answers() -> None:
    one = shop(1, users=400)
    document = delivered(SETTINGS.experiments)
    lines = exposures.of(one.events(0), document)
    assert {line["experiment"] for line in lines} == {*plan.NAMES}
    assert len({line["unit_id"] for line in lines}) == len(lines) > 100
    answered, assignment = one.reader.shown(
        "simulated-user-00007", placement=one.placements[0], day="2026-09-01"
    )
    assert len(answered.items) == SHOWN and assignment is not None and assignment.experiment in plan.NAMES


def test_only_the_treatment_reacts_and_the_novelty_wears_off() -> None:
    assert plan.lift(plan.PLANTED, plan.TREATMENT, 5) == plan.LIFT
    assert plan.lift(plan.PLANTED, plan.CONTROL, 5) == plan.lift(plan.NULL, plan.TREATMENT, 5) == 0
    assert plan.lift(plan.LOST, plan.TREATMENT, 5) == plan.lift(None, None, 5) == 0
    novelty = [plan.lift(plan.NOVELTY, plan.TREATMENT, day) for day in range(plan.DAYS)]
    assert novelty[0] == plan.FIRST_LIFT and novelty[-1] == 0 and novelty == sorted(novelty, reverse=True)


def test_what_is_loaded_says_that_it_is_simulated() -> None:
    events = shop(1, users=400).events(0)
    assert {row["simulated"] for row in rows.log(events)} == {True}
    counted = {"click": 0, "purchase": 0} | {row["event_type"]: 0 for row in rows.interactions(events)}
    assert set(counted) == {"click", "purchase"}, "an impression is no interaction"


def test_the_answers_of_a_day_say_how_they_came_about_beside_what_the_application_says() -> None:
    events, answers = shop(1, users=400).lived(0)
    told = {event.recommendation for event in events if event.type == "impression"}
    assert {one.recommendation for one in answers} == told and len(answers) == len(told) > 100
    assert {row["served_as"] for row in rows.log(answers)} == {"personal;0;0;"}
    assert {row["served_as"] for row in rows.log(events)} == {None}


def test_a_training_leaves_some_to_the_fallback_and_rules_something_to_do() -> None:
    """Who bought before the month is not shown it again where the placement says so."""
    crowd = People.made(200, np.random.default_rng(1))
    read = Reader.of(SETTINGS, trained(SETTINGS, crowd, until=1_788_220_800, seed=1))
    told = [read.shown(name, placement="new_for_you", day="2026-09-01")[0].served_as for name in crowd.names]
    assert {text.split(";")[0] for n, text in enumerate(told) if n % NEWCOMERS} == {"personal"}
    assert {text[:12] for text in told[::NEWCOMERS]} == {"popular;0;1;"}
    assert any("never-bought=" in text for text in told)


def test_without_a_list_for_users_there_is_no_month() -> None:
    settings = example.settings()
    only = {name: one for name, one in settings.placements.items() if name in ("product", "cart")}
    with pytest.raises(plan.NoPlacements, match="add a placement"):
        plan.placements(settings.model_copy(update={"placements": only}))


def test_ten_days_of_one_seed_find_the_fault_and_the_effect() -> None:
    month = lived(shop(3, users=2000), days=10)
    assert judged(month, plan.LOST).ratio_is_off
    assert not judged(month, plan.NULL).primary[0].called
    [planted] = judged(month, plan.PLANTED).primary
    assert planted.low < plan.LIFT < planted.high and planted.lift > 0


@pytest.mark.nightly
def test_over_twenty_months_each_planted_thing_is_found_as_often_as_promised() -> None:
    """Intervals of 95% miss once in 20: three misses or more have a chance of 0.08, five of 0.003. Power is above 0.95,
    so fewer than 17 of 20 has a chance of 0.016; 0.05 allows the null three calls at a chance of 0.07.
    """
    covered = excluded = called = off = false_off = fading = 0
    for seed in SEEDS:
        month = lived(shop(seed))
        [planted] = judged(month, plan.PLANTED).primary
        covered += planted.low <= plan.LIFT <= planted.high
        excluded += planted.low > 0
        null = judged(month, plan.NULL)
        called += null.primary[0].called
        false_off += null.ratio_is_off
        off += judged(month, plan.LOST).ratio_is_off
        found = judged(month, plan.NOVELTY).novelty[plan.TREATMENT]
        fading += bool(found and found.fades)
    counts = {"covered": covered, "excluded": excluded, "called": called, "off": off, "fading": fading}
    assert covered >= 17 and excluded >= 17, counts
    assert called <= 3 and false_off <= 1, counts
    assert off == len(SEEDS) and fading >= 17, counts
