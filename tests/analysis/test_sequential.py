"""Bounds against published tables, sequences against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from analysis import planning, sequential
from analysis.moments import Array

# Jennison and Turnbull, "Group Sequential Methods with Applications to Clinical Trials" (2000), tables 2.1 and 2.3,
# two-sided 0.05: constants of Pocock's and of O'Brien and Fleming's test by the number of looks.
POCOCK = {2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 10: 2.555, 20: 2.672}
OBRIEN_FLEMING = {2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 10: 2.087, 20: 2.126}
# Reboussin, DeMets, Kim, Lan, "Computations for group sequential boundaries using the Lan-DeMets spending function
# method" (2000), and R's ldbounds: five equal looks, two-sided 0.05.
SPENT_LIKE_OBRIEN_FLEMING = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]
SPENT_LIKE_POCOCK = [2.4380, 2.4268, 2.4102, 2.3966, 2.3859]


def spent_like_pocock(time: Array, alpha: float) -> Array:
    """Lan and DeMets's function whose bounds are nearly Pocock's."""
    return alpha * np.log1p((np.e - 1) * time)


def even(looks: int) -> Array:
    return np.arange(1, looks + 1) / looks


@pytest.mark.parametrize("looks", POCOCK)
def test_published_constants_are_crossed_with_their_level(looks: int) -> None:
    times = even(looks)
    flat = np.full(looks, POCOCK[looks])
    assert sequential.crossing(flat, times) == pytest.approx(0.05, abs=1.5e-4)
    falling = OBRIEN_FLEMING[looks] / np.sqrt(times)
    assert sequential.crossing(falling, times) == pytest.approx(0.05, abs=1.5e-4)


def test_spent_alpha_gives_the_published_bounds() -> None:
    np.testing.assert_allclose(sequential.bounds(even(5)), SPENT_LIKE_OBRIEN_FLEMING, atol=2e-4)
    found = sequential.bounds(even(5), spending=spent_like_pocock)
    np.testing.assert_allclose(found, SPENT_LIKE_POCOCK, atol=2e-4)


def test_bounds_of_uneven_looks_spend_what_they_may() -> None:
    times = np.array([0.1, 0.15, 0.5, 0.51, 1.0])
    information = np.array([30.0, 80.0, 300.0, 301.0, 900.0])
    found = sequential.bounds(times, information=information)
    assert sequential.crossing(found, information) == pytest.approx(0.05, abs=2e-4)
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=(200_000, 5)) * np.sqrt(np.diff(information, prepend=0)), axis=1)
    crossed = (np.abs(walk / np.sqrt(information)) >= found).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.002)


def test_a_look_without_news_is_no_second_chance() -> None:
    times, information = np.array([0.5, 0.75, 1.0]), np.array([100.0, 100.0, 200.0])
    found = sequential.bounds(times, information=information)
    assert np.isfinite(found).all()
    assert sequential.crossing(found, information) == pytest.approx(0.05, abs=1e-3)


def test_power_is_that_of_simulated_walks() -> None:
    times, drift = even(10), 2.9
    found = sequential.bounds(times)
    rng = np.random.default_rng(2)
    walk = np.cumsum(rng.normal(drift / 10, np.sqrt(0.1), (200_000, 10)), axis=1)
    crossed = (np.abs(walk / np.sqrt(times)) >= found).any(axis=1).mean()
    assert sequential.crossing(found, times, drift=drift) == pytest.approx(crossed, abs=0.004)


@pytest.mark.parametrize(("looks", "declared"), [(1, True), (5, True), (28, True), (28, False)])
def test_a_plan_keeps_its_power(looks: int, declared: bool) -> None:
    drift = planning.needed_drift(looks, declared)
    times = even(looks)
    bound = (
        sequential.bounds(times)
        if declared
        else sequential.always_valid_bound(times * drift**2, detectable=1.0)
    )
    rng = np.random.default_rng(3)
    steps = rng.normal(drift / looks, np.sqrt(1 / looks), (100_000, looks))
    crossed = (np.abs(np.cumsum(steps, axis=1) / np.sqrt(times)) >= bound).any(axis=1).mean()
    assert crossed == pytest.approx(0.8, abs=0.005)
    assert drift >= planning.needed_drift(1, True)


def test_the_repeated_p_is_the_level_at_which_a_look_would_call() -> None:
    times = even(5)
    z = np.array([0.5, 1.0, 2.6, 1.9, 1.8])
    p = sequential.repeated_p(z, times)
    assert (np.abs(z) >= sequential.bounds(times, alpha=p * 1.01)).any()
    assert not (np.abs(z) >= sequential.bounds(times, alpha=p * 0.99)).any()
    assert sequential.repeated_p(np.zeros(5), times) == 1.0


def walks(count: int, looks: int, *, drift: float = 0.0, seed: int = 4) -> tuple[Array, Array]:
    """z and information at each look of so many walks; the end's information is 1."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(drift / looks, np.sqrt(1 / looks), (count, looks))
    return np.cumsum(steps, axis=1) / np.sqrt(even(looks)), even(looks)


@pytest.mark.parametrize("detectable", [1.0, 2.8, 10.0])
@pytest.mark.parametrize("looks", [28, 1_000])
def test_a_sequence_is_crossed_by_at_most_its_level_at_any_number_of_looks(
    detectable: float, looks: int
) -> None:
    z, information = walks(20_000 if looks == 28 else 5_000, looks)
    p = sequential.always_valid_p(z, information, detectable=detectable)
    called = (p[:, -1] < 0.05).mean()
    assert 0 < called < 0.05
    passed = (np.abs(z) > sequential.always_valid_bound(information, detectable=detectable)).any(axis=1)
    assert (passed == (p[:, -1] < 0.05)).mean() > 0.9999


def test_intervals_of_a_sequence_hold_the_truth_at_every_look_together() -> None:
    z, information = walks(20_000, 28, drift=3.0)
    estimate, width = z / np.sqrt(information), 1 / np.sqrt(information)
    bound = sequential.always_valid_bound(information, detectable=2.8) * width
    low, high = sequential.narrowed(estimate - bound, estimate + bound)
    assert ((low <= 3.0) & (high >= 3.0)).all(axis=1).mean() >= 0.95
    assert (np.diff(low, axis=1) >= 0).all() and (np.diff(high, axis=1) <= 0).all()


@pytest.mark.parametrize("weights", [(50, 50), (90, 10), (34, 33, 33)])
def test_a_sample_ratio_that_is_right_is_flagged_by_at_most_its_level(weights: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    counts = np.cumsum(rng.multinomial(500, np.array(weights) / 100, (10_000, 28)), axis=1)
    p = sequential.sample_ratio_p(counts, weights)
    for level in (0.01, 0.05):
        assert (p[:, -1] < level).mean() <= level
    assert (p[:, -1] < 0.05).mean() > 0.0005, "it would never find anything"


def test_a_sample_ratio_that_is_off_is_found_and_stays_found() -> None:
    rng = np.random.default_rng(6)
    counts = np.cumsum(rng.multinomial(2_000, [0.53, 0.47], (500, 28)), axis=1)
    p = sequential.sample_ratio_p(counts, (50, 50))
    assert (p[:, -1] < 0.01).mean() > 0.99
    assert (np.diff(p, axis=1) <= 0).all()
    half = np.full((1, 2), 14_000)
    assert (sequential.sample_ratio_p(half, (50, 50)) == 1).all()


def uneven(seed: int) -> Array:
    """Users come in the first days, or an estimate's variance grows: information is then no line, and may fall."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.gamma(1.0, 1.0, 28)) * (1 + 0.3 * rng.standard_normal(28)).clip(0.3)


SATURATED = np.concatenate([np.linspace(1, 20, 5), np.full(23, 20.0) + np.arange(23) * 0.01])


@pytest.mark.parametrize("information", [uneven(1), uneven(2), SATURATED, np.ones(28)], ids="abcd")
def test_news_that_comes_unevenly_is_called_at_most_as_often_as_its_level(information: Array) -> None:
    """Against simulated walks: 20,000, of which more than 0.0531 (two standard errors) would be too many."""
    times, news = np.arange(1, 29) / 28, np.maximum.accumulate(information)
    critical = sequential.bounds(times, information=information)
    rng = np.random.default_rng(7)
    steps = rng.standard_normal((20_000, 28)) * np.sqrt(np.diff(news, prepend=0.0))
    z = steps.cumsum(axis=1) / np.sqrt(news)
    assert (np.abs(z) >= critical).any(axis=1).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 20_000)
    assert critical.min() > 1.9


@pytest.mark.parametrize("seed", [1, 2])
def test_news_that_comes_unevenly_has_a_p_value(seed: int) -> None:
    times, z = np.arange(1, 29) / 28, np.random.default_rng(seed).standard_normal(28)
    assert 0.01 < sequential.repeated_p(z, times, information=uneven(seed)) <= 1
    assert sequential.repeated_p(z + 6, times, information=uneven(seed)) < 0.001
