"""The rules of the quality gate, one by one, and what they remember."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from lambdas.judge_solution_version import noise as noises
from lambdas.judge_solution_version.gate import Case, Earlier, Rules, Serving, judge
from lambdas.judge_solution_version.past import KEPT, Past, remembered
from tests.lambdas.fakes import DynamoDB

METRIC = "normalized_discounted_cumulative_gain_at_25"
SOLUTION, OTHER = "arn:x:solution/osusume-dev-personal-aaaa", "arn:x:solution/osusume-dev-personal-bbbb"
RULES = Rules(METRIC, 0.95, min_against_best=0.9)
STEADY = [0.40, 0.41, 0.40, 0.39, 0.40, 0.41, 0.40, 0.39]


def case(new: float, history: list[float], **fields: Any) -> Case:
    """A version after those of `history`, the newest of which serves."""
    earlier = [Earlier(f"{SOLUTION}/v{n}", {METRIC: value}) for n, value in enumerate(history)]
    serving = Serving(earlier[-1].arn, earlier[-1].metrics)
    given = Case(arn=f"{SOLUTION}/new", metrics={METRIC: new}, serving=serving, history=earlier)
    return replace(given, **fields)


@pytest.mark.parametrize("quantile", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("freedom", [2.9, 5.0, 12.0, 40.0])
def test_students_quantile_is_scipys(quantile: float, freedom: float) -> None:
    ours = noises.student(float(stats.norm.ppf(quantile)), freedom=freedom)
    assert ours == pytest.approx(float(stats.t.ppf(quantile, freedom)), rel=0.04)


def test_the_deviation_of_differences_is_that_of_what_was_drawn_even_if_it_drifts() -> None:
    rng = random.Random(1)
    drifting = [0.3 + n * 0.0005 + rng.gauss(0, 0.01) for n in range(2000)]
    assert noises.successive(drifting) == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_what_is_seen_without_the_lowest_share_is_scipys_truncated_normal(share: float) -> None:
    normal = float(stats.norm.ppf(1 - share))
    theirs = stats.truncnorm(-normal, math.inf)
    assert noises.cut_off(normal, share=share) == pytest.approx((theirs.mean(), theirs.std()), rel=1e-6)


def test_the_bound_without_a_history_is_that_of_a_coin() -> None:
    found = noises.noise(history=[], level=0.2, users=1000, false_rejections=0.05)
    assert found.deviation == pytest.approx(math.sqrt(0.2 * 0.8 / 100))
    assert found.margin(averaged=1) == pytest.approx(1.645 * math.sqrt(2) * 0.04, rel=1e-3)
    assert noises.noise(history=[], level=0.2, users=None, false_rejections=0.05) is noises.NONE
    assert noises.noise(history=[], level=3.0, users=1000, false_rejections=0.05) is noises.NONE


@pytest.mark.parametrize(("new", "promote"), [(0.39, True), (0.38, True), (0.37, False), (0.36, False)])
def test_with_a_history_the_floor_is_the_level_less_what_is_allowed_or_noise(
    new: float, promote: bool
) -> None:
    verdict = judge(case(new, STEADY), RULES)
    assert verdict.promote is promote, verdict.reason
    assert "the serving level (of 5 versions) 0.3980" in verdict.reason
    assert "of 8 versions" in verdict.reason


def test_few_users_let_pass_what_many_do_not() -> None:
    few, many = case(0.36, [0.4], users=940), case(0.36, [0.4], users=940_000)
    assert judge(few, RULES).promote and not judge(many, RULES).promote
    assert "at most, of 94 tested users" in judge(few, RULES).reason


def test_small_steps_down_add_up_to_no_large_one() -> None:
    """Each step is smaller than what one night may lose."""
    value, kept = 0.4, [0.4] * 6
    for _ in range(60):
        value *= 0.985
        if judge(case(value, kept[-KEPT:]), RULES).promote:
            kept.append(value)
    assert min(kept) >= 0.4 * 0.9 - 0.01
    rules = replace(RULES, min_against_best=0.0)
    value, loose = 0.4, [0.4] * 6
    for _ in range(60):
        value *= 0.985
        if judge(case(value, loose[-KEPT:]), rules).promote:
            loose.append(value)
    assert min(loose) < 0.2, "without the best level so far the gate follows them all the way"


def test_a_list_of_ones_own_that_is_worse_than_everybodys_does_not_serve() -> None:
    rules = replace(RULES, min_against_popularity=1.0)
    below = judge(case(0.4, [0.4] * 5, popularity={METRIC: 0.5}), rules)
    assert not below.promote and "Popularity-Count's 0.5000, the floor 0.5000" in below.reason
    assert judge(case(0.4, [0.4] * 5, popularity={METRIC: 0.35}), rules).promote
    assert judge(case(0.4, [0.4] * 5), rules).promote, "nothing to compare with"


def test_coverage_may_not_collapse() -> None:
    rules = replace(RULES, min_coverage_against_serving=0.7)
    serving = Serving(f"{SOLUTION}/old", {METRIC: 0.4, "coverage": 0.5})
    given = case(0.4, [0.4], serving=serving)
    lost = judge(replace(given, metrics={METRIC: 0.4, "coverage": 0.3}), rules)
    assert (
        not lost.promote
        and "coverage is 0.3000, the serving version's 0.5000, the floor 0.3500" in lost.reason
    )
    assert judge(replace(given, metrics={METRIC: 0.4, "coverage": 0.36}), rules).promote
    other = replace(given, arn=f"{OTHER}/new", metrics={METRIC: 0.4, "coverage": 0.3})
    assert judge(other, rules).promote, "another configuration may mean to reach other items"


def test_an_absolute_floor_holds_for_a_first_version_too() -> None:
    rules = replace(RULES, floors={METRIC: 0.2})
    first = Case(arn=f"{SOLUTION}/new", metrics={METRIC: 0.1})
    verdict = judge(first, rules)
    assert not verdict.promote
    assert verdict.reason == f"{METRIC} is 0.1000, the absolute floor 0.2000: nothing serves"
    assert judge(replace(first, metrics={METRIC: 0.2}), rules).promote


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_that_is_no_number_serves_nobody(value: float) -> None:
    assert not judge(case(value, STEADY), RULES).promote
    assert not judge(Case(arn=f"{SOLUTION}/new", metrics={METRIC: value}), RULES).promote


def test_a_changed_configuration_is_told_apart_and_accepted_by_a_switch_or_a_command() -> None:
    """One that is worse on purpose, such as a higher popularity discount."""
    changed = case(0.2, STEADY, arn=f"{OTHER}/new")
    told = judge(changed, RULES)
    assert not told.promote
    assert "The configuration changed" in told.reason and "make promote SOLUTION=… VERSION=new" in told.reason
    assert judge(changed, replace(RULES, accept_changed=True)).promote
    by_hand = replace(changed, arn=f"{OTHER}/next", serving=Serving(f"{OTHER}/new", {METRIC: 0.2}))
    assert judge(by_hand, RULES).promote, "after the command it is compared with its like"
    assert not judge(replace(by_hand, metrics={METRIC: 0.15}), RULES).promote


def test_what_has_no_metric_serves_by_command_alone_but_for_the_first() -> None:
    rules = Rules(None, 0.95)
    assert not judge(case(0.9, STEADY), rules).promote
    assert judge(Case(arn=f"{SOLUTION}/new", metrics={}), rules).promote


def remember(past: Past, version: str, value: float) -> None:
    arn = f"{SOLUTION}/{version}"
    given = Case(
        arn=arn,
        metrics={METRIC: value},
        serving=past.serving("personal"),
        history=past.history("personal", without=arn),
    )
    past.remember("personal", given)


def serve(table: DynamoDB, version: str, value: float) -> None:
    table.put_item(
        TableName="control",
        Item={
            "pk": {"S": "serving#personal"},
            "solution_version_arn": {"S": f"{SOLUTION}/{version}"},
            "metrics": {"S": f'{{"{METRIC}": {value}}}'},
        },
    )


def test_what_was_let_in_is_remembered_once_and_not_for_ever() -> None:
    table = DynamoDB()
    past = Past(table, table="control")
    for number in range(KEPT + 5):
        remember(past, f"v{number}", 0.4)
        remember(past, f"v{number}", 0.4)  # a step that is repeated
        serve(table, f"v{number}", 0.4)
        remember(past, f"v{number}", 0.4)  # a run that is resumed
    arns = [earlier.arn for earlier in past.history("personal")]
    assert arns == [f"{SOLUTION}/v{number}" for number in range(5, KEPT + 5)]


def test_after_a_command_earlier_versions_are_no_measure_but_their_noise_is() -> None:
    before = case(0.3, STEADY, serving=Serving(f"{SOLUTION}/by-hand", {METRIC: 0.3}))
    after = remembered(replace(before, arn=f"{SOLUTION}/next"))
    assert [(one.arn.rpartition("/")[2], one.first) for one in after[-2:]] == [
        ("by-hand", True),
        ("next", False),
    ]
    served = replace(before, serving=Serving(after[-1].arn, after[-1].metrics), history=after)
    verdict = judge(served, RULES)
    assert verdict.promote, verdict.reason
    assert "of 2 versions) 0.3000" in verdict.reason and "of 10 versions" in verdict.reason
