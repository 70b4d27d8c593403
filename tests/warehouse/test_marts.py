"""The marts' answers on the rows of rows.py, where each can be counted by hand."""

from __future__ import annotations

from datetime import datetime

import pytest

from osusume_endpoint import postgres
from tests.warehouse import rows
from tests.warehouse.conftest import Warehouse
from warehouse.load import tables

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("relation", "count"),
    [
        ("marts.dim_users", 3),
        ("marts.dim_items", 4),
        ("marts.fct_interactions", 3),
        ("marts.fct_recommendations", 5),
        ("marts.fct_recommendations_shown", 9),
        ("marts.fct_segment_members", 4),
        ("marts.fct_solution_version_metrics", 3),
        ("marts.mart_catalogue_coverage", 3),
        ("marts.mart_freshness", 5),
        ("marts.fct_exposures", 5),
        ("staging.stg_experiments__exposures", 7),
        ("marts.mart_inference_results", 3),
        ("marts.mart_category_mix", 4),
        ("marts.mart_list_positions", 4),
        ("marts.mart_funnel", 7),
        ("staging.stg_application_log__answers", 2),
        ("marts.mart_answers", 2),
        ("marts.mart_rule_actions", 5),
        ("marts.mart_usage", 6),
        ("marts.mart_quarantine", 2),
        ("marts.mart_data_quality", 5),
        ("marts.mart_runs", 2),
        ("marts.mart_solution_version_metrics", 3),
        ("marts.mart_gate_decisions", 2),
        ("staging.stg_application_log__events", 11),
        ("marts.fct_rankings", 5),
        ("marts.fct_rule_actions", 3),
        ("marts.mart_segments", 3),
        ("marts.mart_solution_versions", 3),
        ("marts.mart_run_costs", 8),
    ],
)
def test_each_mart_has_one_row_for_each_of_its_grain(built: Warehouse, relation: str, count: int) -> None:
    assert built.select(f"select count(*) from {relation}") == [(count,)]


def test_an_impression_becomes_a_row_for_each_position_in_the_order_shown(built: Warehouse) -> None:
    shown = built.select(
        "select list_position, item_id from marts.fct_recommendations_shown where event_id = 'i1' order by 1"
    )
    assert shown == [(1, "tea"), (2, "milk"), (3, "eggs")]


def test_what_the_api_says_it_showed_counts_where_the_application_says_nothing_of_the_answer(
    built: Warehouse,
) -> None:
    shown = built.select(
        "select recommendation_id, list_position, item_id, placement, experiment, variant, is_served"
        " from marts.fct_recommendations_shown where user_id = 'carl' order by 1, 2"
    )
    assert shown == [
        ("ra", 26, "eggs", "home", "one", "b", True),
        ("ra", 27, "tea", "home", "one", "b", True),
        ("rb", 1, "eggs", "cart", None, None, False),
    ]


def test_whatever_names_an_answer_of_the_api_knows_its_placement_and_variant(built: Warehouse) -> None:
    named = built.select(
        "select event_id, placement, variant from staging.stg_application_log__events"
        " where recommendation_id is not null and not is_served order by 1"
    )
    assert named == [
        ("i1", None, None),
        ("i2", None, None),
        ("i3", None, None),
        ("i4", "cart", None),
        ("v2", "home", "b"),
    ]


def test_a_click_counts_for_the_last_showing_of_the_item_only(built: Warehouse) -> None:
    clicked = built.select(
        "select event_id, item_id, clicked_at from marts.fct_recommendations_shown"
        " where was_clicked order by 1, 2"
    )
    assert clicked == [
        ("i1", "tea", datetime(2026, 1, 1, 9, 55)),
        ("i2", "milk", datetime(2026, 1, 1, 9, 51)),
    ]


def test_purchases_count_within_a_day_and_the_first_one_gives_the_time(built: Warehouse) -> None:
    bought = built.select(
        "select event_id, item_id, bought_at from marts.fct_recommendations_shown"
        " where was_bought order by 1, 2"
    )
    assert bought == [
        ("i2", "bread", datetime(2026, 1, 1, 10, 0)),
        ("i2", "milk", datetime(2026, 1, 1, 10, 0)),
    ]


def test_coverage_is_the_share_of_the_catalogue_in_lists(built: Warehouse) -> None:
    coverage = built.select(
        "select run_id, solution, lists, recommended_items, catalogue_items, coverage"
        " from marts.mart_catalogue_coverage order by 1, 2"
    )
    assert coverage == [
        (rows.OLD, "personal", 1, 1, 4, 0.25),
        (rows.NEW, "personal", 2, 2, 4, 0.5),
        (rows.NEW, "popular", 1, 1, 4, 0.0),
    ]


def test_sameness_is_the_mean_overlap_of_two_lists(built: Warehouse) -> None:
    """The two lists of the new run share milk: one place of 25. A single list has nothing to overlap with."""
    found = built.select("select run_id, solution, sameness from marts.mart_catalogue_coverage order by 1, 2")
    assert found == [
        (rows.OLD, "personal", None),
        (rows.NEW, "personal", 1 / 25),
        (rows.NEW, "popular", None),
    ]


def test_only_the_newest_run_is_marked_newest(built: Warehouse) -> None:
    assert built.select(
        "select run_id, count(*) from marts.fct_recommendations where is_newest_run group by 1"
    ) == [(rows.NEW, 4)]


def test_members_of_segments_keep_their_places(built: Warehouse) -> None:
    assert built.select(
        "select segment, segment_position, user_id from marts.fct_segment_members where is_newest_run order by 1, 2"
    ) == [("milk", 1, "ben"), ("milk", 2, "anna"), ("organic", 1, "anna")]


def test_a_version_s_metric_stands_beside_the_one_before_it(built: Warehouse) -> None:
    metrics = built.select(
        "select solution_version_arn, previous_metric_value, is_promoted"
        " from marts.fct_solution_version_metrics order by 1"
    )
    assert metrics == [("arn:new", 0.25, False), ("arn:old", None, True), ("arn:segment", None, False)]
    costs = built.select(
        "select solution_version_arn, training_hours, estimated_cost_usd"
        " from marts.fct_solution_version_metrics order by 1"
    )
    assert costs == [("arn:new", 2.0, 0.48), ("arn:old", 1.5, 0.36), ("arn:segment", 0.5, 0.12)]


def test_a_segment_s_hits_are_users_and_may_be_more_than_one(built: Warehouse) -> None:
    hits = "select metric_value from marts.fct_solution_version_metrics where metric = 'hit_at_k'"
    assert built.select(hits) == [(2.75,)]


def test_a_user_without_orders_is_kept_with_zero(built: Warehouse) -> None:
    users = built.select(
        "select user_id, age, orders, order_items, sales_value from marts.dim_users order by 1"
    )
    assert users == [("anna", "35-44", 2, 3, 6.5), ("ben", None, 1, 1, 2.0), ("carl", "65+", 0, 0, 0.0)]


def test_marts_are_readable_by_the_readers_role_after_each_rebuild_and_by_nobody_else(
    server: postgres.Server, built: Warehouse
) -> None:
    postgres.ensure_role(server.connect(), name="stranger", password="stranger")
    marts = [name for (name,) in built.select("select tablename from pg_tables where schemaname = 'marts'")]
    assert len(marts) == 34
    for user, expected in ((tables.READER, True), ("stranger", False)):
        for mart in marts:
            privilege = f"select has_table_privilege('{user}', 'marts.{mart}', 'select')"
            assert built.select(privilege) == [(expected,)], (user, mart)
    staging = built.select(f"select has_schema_privilege('{tables.READER}', 'staging', 'usage')")
    assert staging == [(False,)]
    public = "select count(*) from information_schema.role_table_grants where grantee = 'PUBLIC'"
    assert built.select(f"{public} and table_schema in ('marts', 'staging', 'landing')") == [(0,)]


def test_freshness_counts_the_hours_from_the_newest_row_to_its_load(
    server: postgres.Server, built: Warehouse
) -> None:
    built.execute("update landing.orders set loaded_at = %s", rows.LOADED)
    built.execute("update landing.events set loaded_at = %s", rows.LOADED)
    build = built.build()
    assert build.code == 0, build.output
    fresh = built.select(
        "select source, row_count, newest_run_id, hours_behind from marts.mart_freshness"
        " where source in ('orders', 'events') order by 1"
    )
    assert fresh == [("events", 11, rows.NEW, 20), ("orders", 4, rows.NEW, 2)]


BREAKAGES = [
    ("update landing.segments set user_id = 'anna'", "unique_combination_fct_segment_members"),
    ("insert into landing.users (run_id, user_id) values ('r', 'anna')", "unique_dim_users_user_id"),
    ("update landing.recommendations set rank = 3 where rank = 2", "ranks_without_gaps_fct_recommendations"),
    (
        "update landing.solution_version_metrics set value = 1.5",
        "accepted_range_fct_solution_version_metrics",
    ),
    (
        "insert into landing.interactions select * from landing.interactions",
        "unique_combination_fct_interactions",
    ),
    (
        "update landing.events set event_type = null where event_id = 'v1'",
        "not_null_stg_application_log__events",
    ),
]


@pytest.mark.nightly
def test_bad_rows_fail_the_build_and_name_the_test(
    server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = Warehouse(server, "broken", tmp_path_factory.mktemp("broken"))
    broken.seed()
    for statement, _ in BREAKAGES:
        broken.execute(statement)
    build = broken.build()
    assert build.code != 0
    # dbt skips what is downstream of a failed test, so the marts' tests run on their own.
    tests = broken.test()
    missing = [name for _, name in BREAKAGES if not _failed(name, build.output + tests.output)]
    assert not missing, tests.output


def _failed(name: str, output: str) -> bool:
    return any(name in line and "FAIL" in line for line in output.splitlines())
