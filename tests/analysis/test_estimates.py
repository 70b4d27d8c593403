"""Means, ratios, CUPED, power and corrections against tea-tasting, which is another's work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tea_tasting as tt
from scipy import stats
from tea_tasting import aggr

from analysis import planning, several
from analysis.estimates import effect, variance
from analysis.moments import Array, Moments

NAMES = ("outcome", "base", "before", "before_base")


def shop(users: int, *, seed: int, lift: float = 1.0, per_user: bool = False) -> Array:
    """Users' clicks, impressions, and both of the days before; with `per_user` the bases are 1."""
    rng = np.random.default_rng(seed)
    taste = rng.gamma(2.0, 0.05, users)
    shown = np.ones(users) if per_user else 1.0 + rng.poisson(rng.gamma(2.0, 4.0, users))
    earlier = np.ones(users) if per_user else 1.0 + rng.poisson(6.0, users)
    clicks, before = rng.poisson(taste * shown * lift), rng.poisson(taste * earlier)
    return np.stack([clicks, shown, before, earlier], axis=-1).astype(float)


def aggregates(figures: Array) -> aggr.Aggregates:
    covariance = np.cov(figures.T)
    return aggr.Aggregates(
        count_=len(figures),
        mean_={name: figures[:, n].mean() for n, name in enumerate(NAMES)},
        var_={name: covariance[n, n] for n, name in enumerate(NAMES)},
        cov_={
            (one, other): covariance[n, m]
            for n, one in enumerate(NAMES)
            for m, other in enumerate(NAMES)
            if n < m
        },
    )


def judged(metric: Any, control: Array, treatment: Array) -> Any:
    return metric.analyze_aggregates(aggregates(control), aggregates(treatment))


CASES = [
    ("a mean", True, False, tt.Mean("outcome")),
    ("a mean with its covariate", True, True, tt.Mean("outcome", "before")),
    ("a ratio", False, False, tt.RatioOfMeans("outcome", "base")),
    (
        "a ratio with its covariate",
        False,
        True,
        tt.RatioOfMeans("outcome", "base", "before", "before_base"),
    ),
]


@pytest.mark.parametrize(
    ("what", "per_user", "adjusted", "metric"), CASES, ids=lambda c: c if isinstance(c, str) else ""
)
@pytest.mark.parametrize("users", [(900, 1_100), (20_000, 5_000)])
def test_an_effect_is_that_of_tea_tasting(
    what: str, per_user: bool, adjusted: bool, metric: Any, users: tuple[int, int]
) -> None:
    control = shop(users[0], seed=1, per_user=per_user)
    treatment = shop(users[1], seed=2, lift=1.05, per_user=per_user)
    theirs = judged(metric, control, treatment)
    ours = effect(Moments.of(control), Moments.of(treatment), adjusted=adjusted)
    near = {"rel": 1e-9}
    assert float(ours.control) == pytest.approx(theirs.control, **near)
    assert float(ours.treatment) == pytest.approx(theirs.treatment, **near)
    assert float(ours.difference) == pytest.approx(theirs.effect_size, **near)
    assert float(ours.lift) == pytest.approx(theirs.rel_effect_size, **near)
    assert float(ours.z) == pytest.approx(theirs.statistic, **near)
    assert float(ours.p) == pytest.approx(theirs.pvalue, **near)
    width = stats.t.isf(0.025, ours.freedom)
    low = float(ours.difference - width * ours.error)
    assert low == pytest.approx(theirs.effect_size_ci_lower, rel=1e-6)


def test_the_relative_error_is_what_resampled_users_show() -> None:
    control, treatment = shop(4_000, seed=3), shop(4_000, seed=4, lift=1.3)
    ours = effect(Moments.of(control), Moments.of(treatment), adjusted=False)
    rng = np.random.default_rng(5)
    lifts = []
    for _ in range(1_000):
        one, other = (part[rng.integers(0, 4_000, 4_000)] for part in (control, treatment))
        lifts.append((other[:, 0].sum() / other[:, 1].sum()) / (one[:, 0].sum() / one[:, 1].sum()) - 1)
    assert float(ours.lift_error) == pytest.approx(np.std(lifts), rel=0.08)


def test_many_experiments_at_once_are_each_as_alone() -> None:
    controls = np.stack([shop(300, seed=n) for n in range(6)])
    treatments = np.stack([shop(400, seed=n + 50) for n in range(6)])
    together = effect(Moments.of(controls), Moments.of(treatments))
    for n in range(6):
        alone = effect(Moments.of(controls[n]), Moments.of(treatments[n]))
        assert together.z[n] == pytest.approx(float(alone.z))


def test_moments_of_parts_add_up() -> None:
    figures = shop(500, seed=6)
    parts = Moments.of(figures[:123]) + Moments.of(figures[123:])
    np.testing.assert_allclose(parts.covariance, np.cov(figures.T), rtol=1e-10)
    np.testing.assert_allclose(parts.products, Moments.of(figures).products)


def test_cuped_narrows_by_what_the_days_before_explain() -> None:
    control, treatment = shop(20_000, seed=7, per_user=True), shop(20_000, seed=8, per_user=True)
    both = np.concatenate([control, treatment])
    explained = np.corrcoef(both[:, 0], both[:, 2])[0, 1] ** 2
    plain = effect(Moments.of(control), Moments.of(treatment), adjusted=False)
    narrow = effect(Moments.of(control), Moments.of(treatment))
    assert float((narrow.error / plain.error) ** 2) == pytest.approx(1 - explained, abs=0.005)


@pytest.mark.parametrize("fault", ["nothing shown", "nobody", "one user", "nothing before"])
def test_where_there_is_nothing_to_divide_by_there_is_no_figure(fault: str) -> None:
    control, treatment = shop(200, seed=9), shop(200, seed=10)
    if fault == "nothing shown":
        control[:, :2] = 0
    if fault == "nobody":
        control = control[:0]
    if fault == "one user":
        control = control[:1]
    if fault == "nothing before":
        control[:, 2:], treatment[:, 2:] = 0, 0
    found = effect(Moments.of(control), Moments.of(treatment))
    if fault == "nothing before":
        plain = effect(Moments.of(control), Moments.of(treatment), adjusted=False)
        assert float(found.z) == pytest.approx(float(plain.z))
    else:
        assert np.isnan(found.z) and np.isnan(found.p)


def test_non_inferiority_is_the_test_of_a_metric_scaled_by_its_margin() -> None:
    control, treatment = shop(3_000, seed=11), shop(3_000, seed=12, lift=0.97)
    found = effect(Moments.of(control), Moments.of(treatment), adjusted=False)
    scaled = control.copy()
    scaled[:, 0] *= 0.95
    theirs = judged(tt.RatioOfMeans("outcome", "base"), scaled, treatment)
    ours = found.against_margin(0.05, higher_is_better=True)
    assert 2 * stats.norm.sf(abs(ours)) == pytest.approx(theirs.pvalue, rel=1e-3)
    assert np.sign(ours) == np.sign(theirs.statistic)
    scaled[:, 0] *= 1.05 / 0.95
    other = judged(tt.RatioOfMeans("outcome", "base"), scaled, treatment)
    ours = found.against_margin(0.05, higher_is_better=False)
    assert 2 * stats.norm.sf(abs(ours)) == pytest.approx(other.pvalue, rel=1e-3)
    assert np.sign(ours) == -np.sign(other.statistic)


def test_the_score_is_as_far_out_as_welchs_t() -> None:
    few = effect(Moments.of(shop(20, seed=15)), Moments.of(shop(25, seed=16, lift=1.5)), adjusted=False)
    assert 2 * stats.norm.sf(abs(few.score)) == pytest.approx(float(few.p))
    assert abs(few.score) < abs(few.z)
    alike = Moments.of(np.ones((30, 4)) * [5, 1, 0, 0] + np.arange(30)[:, None] * [1e-6, 0, 0, 0])
    other = Moments.of(np.ones((30, 4)) * [9, 1, 0, 0] + np.arange(30)[:, None] * [1e-6, 0, 0, 0])
    assert np.isfinite(effect(alike, other, adjusted=False).score)


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("ratio", [1.0, 0.25])
def test_a_plan_for_one_look_has_the_users_of_tea_tasting(adjusted: bool, ratio: float) -> None:
    """Theirs takes each variant's variance for its own; so the sample has both of one kind."""
    sample = shop(50_000, seed=13, per_user=True)
    metric = tt.Mean(
        "outcome", "before" if adjusted else None, rel_effect_size=0.03, ratio=ratio, use_t=False
    )
    [theirs] = metric.solve_power_from_aggregates(aggregates(sample), "n_obs")
    moments = Moments.of(sample)
    ours = planning.plan(
        control=float(moments.means[0]),
        variance=float(variance(moments, adjusted=adjusted)),
        detectable=0.03,
        shares=(1 / (1 + ratio), ratio / (1 + ratio)),
        daily_users=100,
    )
    assert ours.users == pytest.approx(theirs.n_obs, rel=2e-3)
    assert ours.days == pytest.approx(ours.users / 100, abs=1)


def test_a_plan_of_nothing_says_so() -> None:
    with pytest.raises(
        ValueError, match="control 0, variance 1, daily users 5 must all be above 0: wait for"
    ):
        planning.plan(control=0.0, variance=1.0, detectable=0.1, shares=(0.5, 0.5), daily_users=5)


PS = [0.001, 0.04, 0.2, 0.012, 0.9, 0.012]


def test_corrections_are_those_of_tea_tasting() -> None:
    rng = np.random.default_rng(14)
    for ps in (PS, *(list(rng.uniform(0, 0.2, 7)) for _ in range(20))):
        results = tt.experiment.ExperimentResult({n: {"pvalue": p} for n, p in enumerate(ps)})
        holm = tt.adjust_fwer(results, arbitrary_dependence=True, method="bonferroni")
        hochberg = tt.adjust_fdr(results)
        for ours, theirs in ((several.holm(ps), holm), (several.benjamini_hochberg(ps), hochberg)):
            expected = [row["pvalue_adj"] for row in theirs.to_dicts()]
            np.testing.assert_allclose(ours, expected)


def test_what_has_no_p_counts_for_no_comparison() -> None:
    nan = float("nan")
    for correction in (several.holm, several.benjamini_hochberg):
        with_it, without = correction([0.01, nan, 0.04]), correction([0.01, 0.04])
        assert np.isnan(with_it[1])
        np.testing.assert_allclose(with_it[[0, 2]], without)
        assert np.isnan(correction([nan])).all() and len(correction([])) == 0
