"""A report as rows: what the pages read is what the analysis said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import isfinite

import pytest

from analysis import stored
from analysis.design import Design
from analysis.panel import Rows
from analysis.report import analyse
from config.experiments import designs
from lambdas.shared import assignment
from tests import example
from tests.analysis.test_report import DESIGN, START, judged, rows
from warehouse.load import tables

COLUMNS = {*tables.ANALYSED["experiment_results"].columns} - {*tables.OWN}


def of(role: str, found: list[stored.Row]) -> list[stored.Row]:
    return [row for row in found if row["role"] == role]


def test_the_primary_row_holds_the_figures_and_the_words_of_the_report() -> None:
    report = judged(lift=0.25)
    [row] = of("primary", stored.rows(report))
    [one] = report.primary
    assert (row["experiment"], row["version"], row["variant"]) == ("home", "11111111", "fresh")
    assert row["day"] == (START + timedelta(days=13)).isoformat()
    assert (row["lift"], row["interval_low"], row["interval_high"]) == (one.lift, one.low, one.high)
    assert (row["p"], row["adjusted_p"]) == (one.p, one.adjusted)
    assert row["decision"] == "ship" and row["decision_en"].startswith("Ship it")
    assert row["decision_ja"].startswith("採用")
    assert row["users"] == report.users["fresh"] and row["control_users"] == report.users["control"]
    assert row["made_by"] == "people"


def test_the_band_is_the_interval_of_the_same_experiment_without_a_declared_end() -> None:
    made = rows(lift=0.25)
    declared, undeclared = (
        analyse(design, Rows(made)).primary[0] for design in (DESIGN, replace(DESIGN, ends=None))
    )
    assert declared.band == (undeclared.low, undeclared.high) == undeclared.band
    assert declared.band[1] - declared.band[0] > declared.high - declared.low, "it holds at any look"
    [row] = of("primary", stored.rows(analyse(DESIGN, Rows(made))))
    assert (row["band_low"], row["band_high"]) == declared.band


def test_every_thing_that_was_compared_has_one_row() -> None:
    both = [*rows(lift=0.1), *rows(lift=0.1, segment=("age", "18-24"))]
    found = stored.rows(analyse(DESIGN, Rows(both)))
    assert {role: len(of(role, found)) for role in ("primary", "guardrail", "secondary", "segment")} == {
        "primary": 1,
        "guardrail": 1,
        "secondary": 1,
        "segment": 1,
    }
    assert [(row["variant"], row["expected_users"]) for row in of("ratio", found)] == [
        ("control", 8400.0),
        ("fresh", 8400.0),
    ]
    assert [row["day"] for row in of("day", found)] == [
        (START + timedelta(days=n)).isoformat() for n in range(14)
    ]
    keys = [
        tuple(row[name] for name in ("day", "role", "variant", "metric", "segment_name", "segment_value"))
        for row in found
    ]
    assert len(set(keys)) == len(keys)


def test_rows_have_the_tables_columns_and_no_figure_that_json_can_not_hold() -> None:
    for report in (judged(lift=0.25), judged(shown=0.0), judged(daily=(40, 40), days=2)):
        for row in stored.rows(report):
            assert {*row} <= COLUMNS
            assert all(isfinite(value) for value in row.values() if isinstance(value, float))
    assert {name for row in stored.rows(judged(lift=0.25)) for name in row} == COLUMNS


def test_an_experiment_whom_nobody_was_exposed_to_has_no_rows() -> None:
    report = analyse(DESIGN, Rows([]))
    assert stored.rows(report) == [] and stored.decisions(report) == []


def test_what_a_simulator_made_says_so() -> None:
    report = judged()
    marked = stored.rows(report, simulated=[("home", "11111111")])
    assert {row["made_by"] for row in marked} == {"simulator"}
    assert {row["made_by"] for row in stored.rows(report, simulated=[("home", "22222222")])} == {"people"}


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ({"lift": 0.25}, [("ship", False)]),
        ({"lift": -0.25}, [("stop_worse", True)]),
        ({"lift": 0.25, "revenue": -0.5}, [("stop_guardrail", True)]),
        ({"lift": 0.25, "daily": (600, 500)}, [("ratio", False)]),
        ({}, [("no_difference", False)]),
        ({"days": 5}, []),
        ({"shown": 0.0}, []),
    ],
)
def test_only_what_somebody_has_to_act_on_is_a_decision(planted: dict, told: list) -> None:
    assert [(one["decision"], one["stops"]) for one in stored.decisions(judged(**planted))] == told


def test_a_design_is_read_as_the_configuration_wrote_it() -> None:
    settings = example.settings(experiments=example.experiments())
    home, holdout = (Design.read(one) for one in designs(settings.experiments))
    assert home.version == settings.experiments.version(settings.experiments.definitions[0])
    assert (home.starts, home.ends) == (date(2026, 12, 1), date(2026, 12, 28))
    assert home.guardrails == {"revenue_per_user": 0.02} and home.secondary == ("buyers",)
    assert (holdout.name, holdout.control) == (assignment.HOLDOUT, assignment.HELD_OUT)
    assert holdout.treatments == (assignment.TAKES_PART,)
    assert holdout.days is None
