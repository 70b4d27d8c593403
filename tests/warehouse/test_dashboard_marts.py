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
    keys = "shown_on, list_position, chosen_by, made_by"
    sums = ", ".join(f"sum({name})::bigint" for name in ("shown_items", "clicked_items", "bought_items"))
    found = built.select(f"select {keys}, {sums} from marts.mart_funnel group by {keys} order by 2")
    assert found == [
        (date(2026, 1, 1), 1, "the API", "simulator", 4, 2, 1),
        (date(2026, 1, 1), 2, "the API", "simulator", 2, 0, 1),
        (date(2026, 1, 1), 3, "the API", "simulator", 1, 0, 0),
        (date(2026, 1, 1), 26, "the API", "simulator", 1, 0, 0),
        (date(2026, 1, 1), 27, "the API", "simulator", 1, 0, 0),
    ]


def test_the_funnel_tells_placements_and_whose_lists_served_apart(built: Warehouse) -> None:
    """Carl's first answer and what Ben saw are of before the old run served."""
    counts = "shown_items, clicked_items, bought_items"
    found = built.select(
        f"select list_position, placement, lists_of_run, {counts} from marts.mart_funnel order by 1, 2, 3"
    )
    assert found == [
        (1, "cart", rows.OLD, 1, 0, 0),
        (1, "not said", rows.OLD, 2, 2, 1),
        (1, "not said", "not known", 1, 0, 0),
        (2, "not said", rows.OLD, 2, 0, 1),
        (3, "not said", rows.OLD, 1, 0, 0),
        (26, "home", "not known", 1, 0, 0),
        (27, "home", "not known", 1, 0, 0),
    ]


def test_the_list_as_inferred_stands_beside_the_one_that_was_published(built: Warehouse) -> None:
    found = built.select(
        "select inferred_position, list_position, item_id, outcome from marts.fct_rankings"
        " where entity_id = 'anna' order by item_id"
    )
    assert found == [
        (None, 2, "bread", "put in"),
        (1, None, "eggs", "taken out"),
        (2, 1, "milk", "moved up"),
    ]


def test_rules_are_counted_by_what_they_did_and_by_the_lists_that_they_changed(built: Warehouse) -> None:
    found = built.select(
        "select rule_name, outcome, items_changed, changed_lists, lists, recency from marts.mart_rules order by 1, 2"
    )
    assert found == [
        ("exclude_bought_within_days", "moved up", 1, 1, 2, "newest"),
        ("exclude_bought_within_days", "taken out", 1, 1, 2, "newest"),
        ("min_never_bought", "put in", 1, 1, 2, "newest"),
    ]


def test_rules_at_read_time_stand_beside_those_after_inference(built: Warehouse) -> None:
    """Of carl's two answers one says how it came about; the other is of before that was kept."""
    names = "acted_where, list_of, rule_name, outcome, made_by, items_changed, changed_lists, lists"
    found = built.select(f"select {names} from marts.mart_rule_actions order by 1, 3, 4")
    assert found == [
        ("after inference", "personal", "exclude_bought_within_days", "moved up", "not said", 1, 1, 2),
        ("after inference", "personal", "exclude_bought_within_days", "taken out", "not said", 1, 1, 2),
        ("after inference", "personal", "min_never_bought", "put in", "not said", 1, 1, 2),
        ("at read time", "home", "never-bought", "changed", "simulator", 2, 1, 1),
        ("at read time", "home", "variety", "changed", "simulator", 1, 1, 1),
    ]


def test_answers_are_counted_by_source_though_the_application_told_of_them(built: Warehouse) -> None:
    names = "placement, answer_source, made_by, answers, known_answers, fallback_answers, degraded_answers"
    assert built.select(f"select {names} from marts.mart_answers order by 1") == [
        ("cart", "not known", "simulator", 1, 0, 0, 0),
        ("home", "popular", "simulator", 1, 1, 1, 0),
    ]


def test_what_was_shown_again_is_told_from_what_was_new(built: Warehouse) -> None:
    """Of nine items shown milk and eggs came twice to anna and to carl; anna had dismissed eggs."""
    found = built.select(
        "select history, band, shown_items, clicked_items, bought_items from marts.mart_shown_again"
        " order by history, band"
    )
    assert found == [
        ("bought", "never", 9, 2, 2),
        ("dismissed", "dismissed", 1, 0, 0),
        ("dismissed", "not dismissed", 8, 2, 2),
        ("shown", "0 times", 7, 1, 1),
        ("shown", "1 time", 2, 1, 1),
    ]


def test_offline_stands_beside_what_came_of_the_lists_while_they_served(built: Warehouse) -> None:
    """One item in the cart's place: its solution has no version here, and that of `home` served no answer then."""
    found = built.select(
        "select run_id, solution, offline_value, shown_items, clicked_items from marts.mart_offline_online"
    )
    assert found == [(rows.OLD, "related", None, 1, 0)]


def test_a_run_says_how_long_its_phases_were_and_what_it_cost_at_least(built: Warehouse) -> None:
    """OLD trained a v2 recipe on 2 interactions, made one list and used half a DPU-hour."""
    names = "run_mode, minutes_preparing, minutes_training, minutes_recommending, dpu_hours, unpriced_items"
    assert built.select(f"select {names} from marts.mart_runs order by run_id") == [
        ("full", 30.0, 90.0, 182.0, 0.5, 0),
        ("incremental", 15.0, 60.0, 30.0, None, 1),
    ]
    prices = {one["driver"]: one["usd"] for one in built.variables["prices"]}
    of_old = (
        2 * prices["Personalize v2 training"] + prices["Personalize v2 lists"] + 0.5 * prices["Glue compute"]
    )
    [(cost,)] = built.select(f"select priced_cost_usd from marts.mart_runs where run_id = '{rows.OLD}'")
    assert cost == pytest.approx(of_old)


def test_what_a_run_used_has_the_price_of_the_dated_table_and_no_zero_for_what_has_none(
    built: Warehouse,
) -> None:
    read = {one["driver"]: one["read_on"] for one in built.variables["prices"]}
    found = built.select(
        "select item, solution, amount, unit, price_usd > 0, cost_usd is null, price_read_on::text"
        f" from marts.mart_run_costs where run_id = '{rows.NEW}' order by 1, 2"
    )
    assert found == [
        # Not measured: no cost, and no 0.
        ("jobs", "all", None, "DPU-hours", True, True, read["Glue compute"]),
        ("lists", "personal", 2.0, "lists", True, False, read["Personalize v2 lists"]),
        # Nothing is known of its recipe, so it is billed as one that is no v2.
        ("lists", "popular", 1.0, "lists", True, False, read["Personalize lists"]),
        ("training", "near_milk", 0.5, "hours", True, False, read["Personalize training"]),
        ("training", "personal", 3.0, "interactions", True, False, read["Personalize v2 training"]),
    ]


def test_members_of_a_segment_are_compared_with_those_of_the_run_before(built: Warehouse) -> None:
    names = "run_id, segment, members, kept_members, recency"
    assert built.select(f"select {names} from marts.mart_segments order by 1, 2") == [
        (rows.OLD, "milk", 1, None, "earlier"),
        (rows.NEW, "milk", 2, 1, "newest"),
        (rows.NEW, "organic", 1, 0, "newest"),
    ]


def test_feedback_is_counted_by_kind_and_by_the_place_it_is_about(built: Warehouse) -> None:
    found = built.select(
        "select event_type, placement, events, users, items from marts.mart_feedback order by 1, 2"
    )
    assert found == [
        ("click", None, 3, 2, 3),
        ("dismiss", None, 1, 1, 1),
        ("view", "home", 1, 1, 1),
        ("view", None, 1, 1, 1),
    ]


def test_a_definition_of_an_experiment_has_a_row_for_each_variant(built: Warehouse) -> None:
    [one] = example.experiments()["definitions"]
    found = built.select(
        "select experiment, variant, weight, is_control, primary_metric from marts.mart_experiment_definitions"
    )
    assert {row[1]: row[2] for row in found} == {v["name"]: float(v["weight"]) for v in one["variants"]}
    assert {row[0] for row in found} == {one["name"]} and {row[4] for row in found} == {one["primary"]}
    assert [row[1] for row in found if row[3]] == [one["control"]]


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
        ("dismiss", 1, 1),
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


CONFIGURED = {"dim_users", "dim_items"}


def mart_models() -> dict[str, dict[str, Any]]:
    files = sorted((WAREHOUSE / "models" / "marts").glob("*.yml"))
    return {model["name"]: model for file in files for model in yaml.safe_load(file.read_text())["models"]}


def test_every_mart_but_those_of_configured_columns_has_a_contract() -> None:
    """The types that the contract names are those that the build made, which the fixture's build has checked."""
    project = yaml.safe_load((WAREHOUSE / "dbt_project.yml").read_text())
    assert project["models"]["osusume"]["marts"]["+contract"] == {"enforced": True}
    loose = {name for name, model in mart_models().items() if "contract" in model.get("config", {})}
    assert loose == CONFIGURED
    untyped = [
        f"{name}.{column['name']}"
        for name, model in mart_models().items()
        for column in model["columns"]
        if name not in CONFIGURED and not column.get("data_type")
    ]
    assert untyped == []


def test_the_build_ran_every_unit_test(built: Warehouse) -> None:
    written = yaml.safe_load((WAREHOUSE / "models" / "unit_tests.yml").read_text())["unit_tests"]
    assert f" {len(written)} unit tests," in built.first.output
    tried = {"fct_recommendations_shown", "mart_gate_decisions", "mart_catalogue_coverage", "fct_rankings"}
    assert tried <= {one["model"] for one in written}


@pytest.mark.nightly
def test_runs_whose_lists_are_gone_stay_in_the_history_and_the_newest_is_counted_again(
    server: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    history = Warehouse(server, "history", tmp_path_factory.mktemp("history"))
    history.seed()
    models = "mart_inference_results mart_rules"
    assert history.run(models).code == 0
    before = results(history, "lists", "overlap_with_previous_run")
    # As a load of a later night would leave it; and the newest run's lists, loaded again, without Ben.
    history.execute(f"delete from landing.recommendations where run_id = '{rows.OLD}' or entity_id = 'ben'")
    assert history.run(models).code == 0
    after = results(history, "lists", "overlap_with_previous_run")
    assert before[rows.OLD, "personal"] == after[rows.OLD, "personal"] == (1, None)
    assert (before[rows.NEW, "personal"], after[rows.NEW, "personal"][0]) == ((2, 0.5), 1)
    assert set(after) == set(before), "each run and solution has one row"
    recency = history.select(
        "select run_id, recency from marts.mart_inference_results group by 1, 2 order by 1"
    )
    assert recency == [(rows.OLD, "earlier"), (rows.NEW, "newest")]


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
