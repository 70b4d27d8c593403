from __future__ import annotations

from typing import Any

import pytest

from glue_jobs import quality

CLICKS = "rows.application_log.click"
QUALITY: dict[str, Any] = {"min_rows_against_previous": 0.8}


def night(number: int, previous: Any, figures: dict[str, float], accepted: Any = (), **more: Any) -> Any:
    told = QUALITY | more
    found = quality.assessed(figures, quality=told, previous=previous, accepted=accepted)
    return {"run_id": f"run {number}", "quality": found}


def nights(values: list[float], name: str = CLICKS) -> Any:
    report = None
    for number, value in enumerate(values):
        report = night(number, report, {name: value})
    return report


def bounds(report: Any, name: str = CLICKS) -> tuple[Any, Any]:
    figure = report["quality"]["figures"][name]
    return figure["low"], figure["high"]


def test_nothing_is_learned_from_two_runs_and_the_median_from_three() -> None:
    assert bounds(nights([100, 90, 0])) == (None, None)
    assert bounds(nights([100, 90, 80, 0])) == (72.0, None)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("users.distinct", [10, 10, 10], (8.0, None)),
        ("rows.interactions", [10, 10, 10], (None, None)),  # compared with the run before
        ("age_hours.orders.purchase", [1, 2, 3], (None, 48.0)),
        ("age_hours.orders.purchase", [1, 60, 3], (None, 180.0)),
        ("null_share.users.AGE", [0.1, 0.2, 0.0], (None, 0.2 + 0.1)),
        ("null_share.users.AGE", [0.95, 1, 1], (None, 1.0)),
    ],
)
def test_each_kind_of_figure_learns_its_bounds(name: str, values: list[float], expected: Any) -> None:
    assert bounds(nights([*values, 0], name), name) == expected


def test_the_configuration_stands_before_what_is_learned_on_its_side_only() -> None:
    report = nights([100, 100, 100])
    told = night(9, report, {CLICKS: 1}, bounds={CLICKS: {"min": 5}})
    assert bounds(told) == (5, None)
    told = night(9, report, {CLICKS: 1}, bounds={CLICKS: {"max": 500}})
    assert bounds(told) == (80.0, 500)


def test_what_is_accepted_once_is_the_new_normal() -> None:
    report = nights([100, 100, 100])
    accepted = night(4, report, {CLICKS: 10}, accepted=[CLICKS])
    assert bounds(accepted) == (None, None)
    for number in range(5, 8):
        accepted = night(number, accepted, {CLICKS: 10})
    assert bounds(night(8, accepted, {CLICKS: 10})) == (8.0, None)


def test_the_history_is_no_longer_than_what_is_remembered() -> None:
    report = nights([float(n) for n in range(40)])
    runs = report["quality"]["history"]
    assert [run["run_id"] for run in runs] == [f"run {n}" for n in range(25, 39)]


def test_a_report_without_quality_teaches_nothing() -> None:
    assert night(1, {"run_id": "old"}, {CLICKS: 1})["quality"]["history"] == []


def test_the_warehouse_gets_a_row_a_figure() -> None:
    rows = quality.rows(nights([100, 100, 100, 90])["quality"], run_id="R")
    assert rows == [("R", CLICKS, 90.0, 80.0, None)]
