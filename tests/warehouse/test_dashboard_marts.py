"""The marts behind the dashboards, on the rows of rows.py; and that each column of each model is described."""

from __future__ import annotations

import re
from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Settings
from dashboards.pages import PAGES
from tests import example
from tests.warehouse import rows
from tests.warehouse.conftest import WAREHOUSE, Warehouse
from tests.warehouse.redshift import findings
from tests.warehouse.redshift_parser import unparsable
from warehouse.load.variables import marts_variables

pytestmark = pytest.mark.slow
DOCS = Path(__file__).parents[2] / "docs"


def results(built: Warehouse, *columns: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    statement = f"select run_id, solution, {', '.join(columns)} from marts.mart_inference_results"
    return {row[:2]: row[2:] for row in built.select(statement)}


def gini(positions: list[int]) -> float:
    """By its definition: the mean difference of all pairs over twice the mean."""
    pairs = [abs(one - other) for one, other in product(positions, repeat=2)]
    return sum(pairs) / len(pairs) / (2 * sum(positions) / len(positions))


def test_gini_is_half_the_relative_mean_difference_of_the_whole_catalogue(built: Warehouse) -> None:
    found = results(built, "gini")
    assert found[rows.NEW, "personal"][0] == pytest.approx(gini([2, 1, 0, 0]))
    assert found[rows.OLD, "personal"][0] == pytest.approx(gini([1, 0, 0, 0]))
    assert found[rows.NEW, "popular"] == (None,), "none of its items is in the catalogue"


def test_only_lists_for_users_cover_users(built: Warehouse) -> None:
    found = results(built, "audience", "covered_users", "known_users", "user_coverage")
    assert found[rows.NEW, "personal"] == ("user", 2, 3, pytest.approx(2 / 3))
    assert found[rows.NEW, "popular"] == ("everyone", None, None, None)


def test_overlap_counts_lists_of_those_who_had_one_before(built: Warehouse) -> None:
    """Anna had milk and now has milk and bread; Ben had no list."""
    found = results(built, "compared_lists", "overlap_with_previous_run")
    assert found[rows.NEW, "personal"] == (1, 0.5)
    assert found[rows.OLD, "personal"] == (None, None)


def test_popularity_bias_stands_beside_what_people_do(built: Warehouse) -> None:
    """Milk is the most bought tenth of four items: all interactions, and two of three positions."""
    found = results(built, "popular_share", "popular_interaction_share", "mean_score")
    assert found[rows.NEW, "personal"] == pytest.approx((2 / 3, 1.0, (0.9 + 0.5 + 0.8) / 3))


def test_the_category_mix_holds_lists_against_interactions(built: Warehouse) -> None:
    assert built.select(
        "select run_id, series, category, positions from marts.mart_category_mix order by 1, 2, 3"
    ) == [
        (rows.OLD, "personal", "GROCERY", 1),
        (rows.NEW, "interactions", "GROCERY", 3),
        (rows.NEW, "personal", "GROCERY", 2),
        (rows.NEW, "personal", "PASTRY", 1),
    ]


def test_the_funnel_counts_what_was_shown_by_position(built: Warehouse) -> None:
    assert built.select("select * from marts.mart_funnel order by list_position") == [
        (date(2026, 1, 1), 1, "the API", "simulator", 4, 2, 1),
        (date(2026, 1, 1), 2, "the API", "simulator", 2, 0, 1),
        (date(2026, 1, 1), 3, "the API", "simulator", 1, 0, 0),
        (date(2026, 1, 1), 26, "the API", "simulator", 1, 0, 0),
        (date(2026, 1, 1), 27, "the API", "simulator", 1, 0, 0),
    ]


def test_a_run_has_its_rows_and_what_it_published_and_promoted(built: Warehouse) -> None:
    names = "interactions_rows, users_rows, items_rows, quarantined_rows, published_positions"
    more = "published_solutions, judged_versions, promoted_versions"
    found = built.select(f"select run_id, run_at, {names}, {more} from marts.mart_runs order by 1")
    assert found == [
        (rows.OLD, datetime(2026, 1, 1, 3), 2, None, None, 0, 1, 1, 1, 1),
        (rows.NEW, datetime(2026, 1, 2, 3), 3, 3, None, 3, 4, 2, 2, 0),
    ]


def test_a_figure_outside_of_its_bounds_says_on_which_side(built: Warehouse) -> None:
    found = built.select(
        "select figure, verdict from marts.mart_data_quality where run_id = '" + rows.NEW + "'"
    )
    assert dict(found) == {
        "rows.interactions": "within bounds",
        "rows.users": "no bound yet",
        "users.distinct": "too low",
        "age_hours.orders.purchase": "too high",
    }


def test_the_gate_compares_with_the_last_version_promoted_before(built: Warehouse) -> None:
    floor = example.settings().quality_gate.min_against_serving * 0.25
    assert built.select(
        "select solution_version_arn, metric_value, serving_value, floor_value, decision"
        " from marts.mart_gate_decisions order by run_id"
    ) == [
        ("arn:old", 0.25, None, None, "promoted"),
        ("arn:new", 0.5, 0.25, pytest.approx(floor), "held back"),
    ]


def test_quarantined_rows_are_counted_by_reason(built: Warehouse) -> None:
    found = built.select("select dataset, reason, quarantined_rows from marts.mart_quarantine order by 1")
    assert found == [("interactions", "no user", 2), ("items", "category too long", 1)]


def test_usage_counts_people_and_events_by_day(built: Warehouse) -> None:
    found = built.select("select event_type, events, users from marts.mart_usage order by occurred_on, 1")
    assert found == [
        ("click", 3, 2),
        ("impression", 5, 3),
        ("order item", 3, 1),
        ("view", 2, 2),
        ("order item", 1, 1),
    ]


QUESTIONS = re.findall(r"```sql\n(.*?);\n```", (DOCS / "analytics.md").read_text(), re.DOTALL)
# First column of each answer, on the known rows.
ANSWERS = [
    ["personal", "popular"],
    [],
    [1, 2, 3, 26, 27],
    [datetime(2026, 1, 2, 3)],
    ["interactions", "items"],
]


def test_the_page_has_five_questions() -> None:
    assert len(QUESTIONS) == len(ANSWERS) == 5


@pytest.mark.parametrize(("number", "answer"), enumerate(ANSWERS))
def test_the_questions_of_the_page_have_answers(built: Warehouse, number: int, answer: list[Any]) -> None:
    question = QUESTIONS[number]
    assert findings(question) == [] and unparsable(question) == [], "not for Redshift"
    assert [row[0] for row in built.select(question)] == answer


def test_each_page_of_the_dashboards_is_an_exposure_of_its_marts() -> None:
    exposed = yaml.safe_load((WAREHOUSE / "models" / "exposures.yml").read_text())["exposures"]
    assert {
        one["name"]: (one["label"], {re.sub(r"ref\('(\w+)'\)", r"\1", ref) for ref in one["depends_on"]})
        for one in exposed
    } == {page.id: (page.title, {data.mart for data in page.data_sets}) for page in PAGES}


def documented() -> dict[str, dict[str, str]]:
    """Model -> column -> description."""
    files = sorted((WAREHOUSE / "models").rglob("*.yml"))
    models = [model for file in files for model in yaml.safe_load(file.read_text()).get("models", [])]
    return {
        model["name"]: {column["name"]: column.get("description", "") for column in model["columns"]}
        for model in models
    }


def test_every_column_of_every_model_has_a_description_and_no_other_has(built: Warehouse) -> None:
    """But the configuration's fields of users and items, whose names no YAML knows."""
    found: dict[str, set[str]] = {}
    columns = "select table_name, column_name from information_schema.columns"
    for table, column in built.select(f"{columns} where table_schema in ('marts', 'staging')"):
        found.setdefault(table, set()).add(column)
    keys = {"user_id", "item_id"}
    for table in ("dim_users", "stg_shop__users", "dim_items", "stg_shop__items"):
        found[table] -= set(built.columns[table.rpartition("_")[2]]) - keys
    described = {model: {c for c, text in columns.items() if text} for model, columns in documented().items()}
    assert len(found) >= 27
    assert described == found


def test_what_the_marts_call_things_comes_from_the_configuration() -> None:
    changed = example.settings().model_dump()
    changed["analytics"] |= {"impression_event": "seen", "click_event": "tap", "attribution_days": 3}
    for field in changed["datasets"]["items"]["fields"]:
        field["categorical"] = field["name"] == "BRAND"
    variables = marts_variables(Settings.model_validate(changed))
    assert variables["audiences"] == {
        solution.name: solution.for_each for solution in example.settings().solutions
    }
    given = {name: variables[name] for name in ("impression_event", "click_event", "attribution_days")}
    assert given == {"impression_event": "seen", "click_event": "tap", "attribution_days": 3}
    assert variables["category_column"] == "brand"
