"""Copies of the layout that ship apart from config/layout.py say the same as it does."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config import layout
from config.layout import Form
from lambdas.analyse_experiments import store
from lambdas.clean_up import handler as cleaning
from lambdas.forget_users import contents, steps, tables
from lambdas.get_recommendations import actions, answers, segments
from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.store import Store
from lambdas.judge_solution_version import handler as judging
from lambdas.judge_solution_version.gate import Case
from lambdas.judge_solution_version.past import Past
from lambdas.load_warehouse import progress
from lambdas.plan_run import plan, sources
from lambdas.publish_recommendations import lists
from lambdas.shared import forgetting
from lambdas.validate_datasets import handler as validating
from lambdas.validate_datasets import quality
from stacks.workflows import asl
from tests import folders
from tests.lambdas.fakes import S3, DynamoDB

ROOT = Path(__file__).parents[2]
RUN = "20261124T030000Z"
# Files that hold a copy. Each is compared below, in tests/glue_jobs/test_layout.py or in the function's own tests.
COPIES = frozenset(
    """
    config/layout.py config/recipe_page.py
    glue_jobs/build_datasets.py glue_jobs/forgotten.py glue_jobs/postprocess_recommendations.py glue_jobs/report.py
    glue_jobs/session.py lambdas/forget_users/contents.py lambdas/forget_users/steps.py lambdas/forget_users/tables.py
    lambdas/analyse_experiments/store.py lambdas/clean_up/handler.py lambdas/judge_lists/handler.py
    lambdas/judge_solution_version/past.py
    lambdas/get_recommendations/actions.py lambdas/get_recommendations/store.py
    lambdas/judge_solution_version/handler.py lambdas/load_warehouse/progress.py lambdas/plan_run/plan.py
    lambdas/shared/streaming.py lambdas/stream_events/handler.py
    lambdas/plan_run/sources.py lambdas/publish_recommendations/lists.py lambdas/shared/forgetting.py
    lambdas/validate_datasets/handler.py lambdas/validate_datasets/quality.py
    lambdas/get_recommendations/segments.py lambdas/record_events/exposures.py glue_jobs/transforms/exposures.py
    """.split()
)
WORDS = re.compile(
    r"(^|[:/])(runs|aurora|application_log|events|exposures|batch_input|batch_parts|quarantine|batch|publish|forget"
    r"|stream_quarantine)/|^/warehouse/"
    r"|\b(pointer|versions|serving|gate|run|progress|forgetting|forgotten|decision|streaming|turned_down|segment|filter)#"
    r"|(^|/)report\.json$|^(watermark|lock|pk|sk|expires_at)$"
)


def test_a_form_is_filled_matched_and_written_as_an_expression() -> None:
    form = Form("runs/{run_id}/batch/{solution}/")
    assert form.of(run_id=RUN, solution="personal") == f"runs/{RUN}/batch/personal/"
    assert (form.top, form.anything) == ("runs", "runs/*")
    assert form.objects() == "runs/*/batch/*"
    assert form.objects(solution="personal") == "runs/*/batch/personal/*"
    assert layout.REPORT.objects() == "runs/*/report.json"
    assert (
        asl.joined(form, run_id="$run_id", solution="$list") == "'runs/' & $run_id & '/batch/' & $list & '/'"
    )
    located = asl.joined(form, bucket="b", run_id="$r", solution="$l")
    assert located == "\"s3://b/runs/\" & $r & '/batch/' & $l & '/'"
    assert asl.joined(layout.LIST, list="$list", key="$key") == "$list & '#' & $key"
    with pytest.raises(KeyError, match="solution"):
        form.of(run_id=RUN)


def test_the_progress_of_a_run_is_read_where_the_workflows_note_it() -> None:
    noted = {layout.PK: {"S": layout.PROGRESS.of(run_id=RUN)}}
    phases = {"prepared": "prepared_at", "trained": "trained_at", "serving": "served_at"}
    for phase, column in phases.items():
        item = noted | {layout.ENDED.of(phase=phase): {"S": "2026-11-24T04:00:00Z"}}
        found = progress.of_run(DynamoDB(item), table="control", run_id=RUN)
        assert {name for name, value in found.items() if value} == {column}


def test_a_planned_run_exports_the_log_where_the_layout_says() -> None:
    planned = plan.plan(
        mode="full",
        started_at=datetime(2026, 11, 24, 3, tzinfo=UTC),
        restorable=plan.Restorable(
            since=datetime(2026, 11, 1, tzinfo=UTC), until=datetime(2026, 11, 24, tzinfo=UTC)
        ),
        watermark=None,
    )
    assert planned["export"]["prefix"] == layout.LOG_EXPORT.of(run_id=RUN)


def test_the_functions_ask_dynamodb_for_the_keys_of_the_layout() -> None:
    watermark = {"log_exported_until": {"S": "2026-11-24T00:00:00Z"}, "run_id": {"S": RUN}}
    serving = {"solution_version_arn": {"S": "arn"}, "metrics": {"S": "{}"}}
    table = DynamoDB(
        {layout.PK: {"S": layout.WATERMARK}, **watermark},
        {layout.PK: {"S": layout.SERVING.of(solution="personal")}, **serving},
    )
    assert sources.watermark(table, table="control", log="log") is not None
    past = Past(table, table="control")
    assert past.serving("personal") is not None
    past.remember("personal", Case(arn="new", metrics={}))
    assert (layout.GATE.of(solution="personal"), "") in table.items


def test_a_list_is_written_and_read_under_the_keys_of_the_layout() -> None:
    made = lists.item(
        b'{"list": "personal", "key": "u1", "items": [["a", 1]]}',
        where="file",
        expected="personal",
        version=RUN,
        expires_at=1,
    )
    assert made[layout.PK] == {"S": layout.LIST.of(list="personal", key="u1")}
    assert {layout.PK, layout.SK, layout.EXPIRES} == set(made) - {"items"}
    items = {
        (layout.POINTER.of(list="personal"), layout.POINTER_SK): {"current": {"S": RUN}},
        (layout.LIST.of(list="personal", key="u1"), RUN): {"items": made["items"]},
    }
    found = store_of(items, "personal").find([("personal", "u1")])
    assert found.versions.of == {"personal": RUN} and ("personal", "u1") in found.lists


def test_a_segment_is_written_and_read_under_the_keys_of_the_layout() -> None:
    made = lists.item(
        b'{"list": "tastes", "key": "bakers", "page": 2, "pages": 2, "items": ["u1"]}',
        where="file",
        expected="tastes",
        version=RUN,
        expires_at=None,
    )
    page = "2".zfill(layout.SEGMENT_PAGE_DIGITS)
    where = (
        layout.SEGMENT.of(solution="tastes", key="bakers"),
        layout.SEGMENT_SK.of(version=RUN, page=page),
    )
    assert (made[layout.PK], made[layout.SK]) == ({"S": where[0]}, {"S": where[1]})
    items = {
        (layout.POINTER.of(list="tastes"), layout.POINTER_SK): {"current": {"S": RUN}},
        where: {"items": made["items"], "pages": made["pages"]},
    }
    found = segments.Segments(store_of(items, "tastes"), ("tastes",)).page(
        "bakers", solution=None, cursor=answers.cursor(RUN, 2)
    )
    assert (found.users, found.first) == (("u1",), layout.SEGMENT_PAGE + 1)


def test_a_campaign_is_found_where_the_workflow_names_it() -> None:
    named = {"campaign_arn": {"S": "arn"}, "solution_version_arn": {"S": "solution/s/v1"}}
    store = store_of({(layout.POINTER.of(list="offers"), layout.CAMPAIGN_SK): named}, "offers")
    client = SimpleNamespace(
        get_action_recommendations=lambda **asked: {"recommendationId": "r", "actionList": []}
    )
    patience = Patience(clock=lambda: 0.0, seconds=1.0)
    asked = actions.Actions("offers", store, patience, lambda: 0.0, lambda: client, print)
    assert asked.of("u", count=1) == actions.Offered((), "v1", "r")


def store_of(items: Mapping[tuple[str, str], Any], *names: str) -> Store:
    table: Any = SimpleNamespace(
        get=lambda keys: {key: items[key.pk, key.sk] for key in keys if (key.pk, key.sk) in items}
    )
    return Store(table=table, clock=lambda: 0.0, recommendations="r", user_state="s", names=names)


def test_metrics_and_reports_are_where_the_layout_says() -> None:
    report = {"run_id": RUN, "users_with_two_interactions": 70}
    bucket = S3({f"datasets/{layout.REPORT.of(run_id=RUN)}": json.dumps(report).encode()})
    assert judging.tested_of(bucket, bucket="datasets", run_id=RUN) == 70
    assert validating.read_report(bucket, bucket="datasets", run_id=RUN) == report
    judging.write_rows(bucket, bucket="results", run_id=RUN, solution="personal", rows=[])
    folder = layout.WAREHOUSE.of(run_id=RUN, table=layout.SOLUTION_VERSION_METRICS)
    assert f"results/{folder}personal.json.gz" in bucket.objects


def test_the_message_about_quarantined_rows_names_their_folder() -> None:
    bad = {"read": 2, "kept": 1, "ignored": {}, "quarantined": {"missing_item_id": 1}}
    content = {"run_id": RUN, "datasets": {"interactions": bad}}
    [message] = quality._quarantined(content, 0.1)
    assert layout.QUARANTINE.of(run_id=RUN, dataset="interactions") in message


def test_what_forgets_asks_for_the_keys_of_the_layout() -> None:
    assert forgetting.key_of_request("r") == {layout.PK: {"S": layout.FORGETTING.of(request_id="r")}}
    assert forgetting.key_of_digest("d") == {layout.PK: {"S": layout.FORGOTTEN.of(digest="d")}}
    assert steps.report_key("r") == layout.FORGET_REPORT.of(request_id="r")
    assert steps._list_key(["r", "s"]) == layout.FORGET_LIST.of(request_id="r") + "users.csv"


def test_what_cleans_up_asks_for_the_keys_of_the_layout() -> None:
    serves, served = ({"solution_version_arn": {"S": f"arn/{name}/v1"}} for name in ("serves", "served"))
    pointer = {layout.PK: {"S": layout.POINTER.of(list="personal")}, layout.SK: {"S": layout.POINTER_SK}}
    table = DynamoDB(
        {layout.PK: {"S": layout.SERVING.of(solution="personal")}, **serves}, {**pointer, **served}
    )
    settings: Any = SimpleNamespace(
        pinned=(), solutions=("personal",), control_table="control", recommendations_table="lists"
    )
    assert cleaning.needed(table, settings) == {"serves", "served"}


class Table:
    """Answers each query and scan with one page, and keeps what was asked and written."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items, self.asked, self.written = items, {}, []  # type: ignore[var-annotated]

    def get_paginator(self, _: str) -> Table:
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked = asked
        return [{"Items": self.items}]

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        self.written += [request for requests in RequestItems.values() for request in requests]
        return {}

    @property
    def value(self) -> str:
        """The one value that was asked for."""
        [given] = self.asked["ExpressionAttributeValues"].values()
        return str(given["S"])


def test_what_forgets_looks_for_lists_and_segments_under_the_keys_of_the_layout() -> None:
    serving = Table({layout.PK: {"S": layout.SERVING.of(solution="personal")}})
    assert tables.lists_served(serving, control_table="control") == {"personal"}
    assert (serving.value, layout.PK in serving.asked["FilterExpression"]) == (
        layout.SERVING.of(solution=""),
        True,
    )
    key = {layout.PK: {"S": "k"}, layout.SK: {"S": RUN}}
    lists_table = Table(key)
    assert tables.remove_lists(lists_table, table="lists", lists=["personal"], users=["u"]) == 1
    assert lists_table.value == layout.LIST.of(list="personal", key="u")
    assert set(lists_table.asked["ExpressionAttributeNames"].values()) == {layout.PK, layout.SK}
    pages = Table({**key, "items": {"S": '["u"]'}})
    assert tables.remove_from_segments(pages, table="lists", users=["u"]) == 1
    assert pages.value == layout.SEGMENT.text.partition("{")[0]
    assert pages.written == [{"DeleteRequest": {"Key": key}}]
    state = Table()
    tables.remove_state(state, table="state", users=["u"])
    assert state.written == [{"DeleteRequest": {"Key": {layout.PK: {"S": "u"}}}}]


@pytest.mark.parametrize(
    ("zone", "form", "values"),
    [
        ("raw", layout.RAW_TABLE, {"table": "users"}),
        ("raw", layout.RAW_TABLE, {"table": "orders"}),
        ("raw", layout.RAW_EVENTS, {}),
        ("raw", Form(f"{layout.LOG_EXPORT.text}/AWSDynamoDB/0/data/"), {}),
        ("datasets", layout.DATASET, {"dataset": "interactions"}),
        ("datasets", layout.DATASET, {"dataset": "users"}),
        ("datasets", layout.DATASET, {"dataset": "action_interactions"}),
        ("datasets", layout.BATCH_INPUT, {"audience": "users"}),
        ("datasets", layout.BATCH_PART, {"audience": "users", "part": "b"}),
        ("datasets", layout.BATCH_PART, {"audience": "for-steady", "part": "b"}),
        ("results", layout.BATCH_OUTPUT_PART, {"solution": "personal", "part": "b"}),
        ("datasets", layout.QUARANTINE, {"dataset": "interactions"}),
        ("datasets", layout.QUARANTINE, {"dataset": "action_interactions"}),
        ("results", layout.SEGMENTS, {"solution": "fans"}),
        ("results", layout.BATCH_OUTPUT, {"solution": "personal"}),
        ("results", layout.PUBLISH, {"solution": "personal"}),
        ("raw", Form(f"{layout.EXPOSURES.text.removesuffix('{file}')}"), {"day": "2026-11-24"}),
        *(
            ("results", layout.WAREHOUSE, {"table": table})
            for table in layout.WAREHOUSE_TABLES
            if table not in ("items", "data_quality", layout.SOLUTION_VERSION_METRICS)
        ),
    ],
)
def test_what_forgets_knows_every_folder_of_users(zone: str, form: Form, values: dict[str, str]) -> None:
    names = contents.Names({"users": "u", "orders": "u", "log": "u"}, ["related"])
    ending = {
        contents.PARQUET: "part-0.snappy.parquet",
        contents.CSV: "part-0.csv",
        contents.JSON: "x.json.gz",
    }
    found = [
        contents.content_of(zone, form.of(run_id=RUN, **values) + name, names=names)
        for name in ending.values()
    ]
    assert any(found)


def test_copy_reads_each_table_from_the_folder_of_the_layout() -> None:
    sql = (ROOT / "warehouse" / "load" / "load.sql").read_text()
    found = re.findall(r"from 's3://\$results_bucket/([^']+)'", sql)
    assert found == [layout.WAREHOUSE.of(run_id="$run_id", table=name) for name in layout.WAREHOUSE_TABLES]


def test_the_page_of_recipes_names_the_key_of_a_filter() -> None:
    assert f"`{layout.FILTER.of(filter='<name>')}`" in (ROOT / "docs" / "recipes.md").read_text()


def test_the_analysis_stores_below_the_layouts_folder() -> None:
    assert store.folder("r") == layout.WAREHOUSE.of(run_id="r", table=layout.EXPERIMENT_RESULTS)


def test_nothing_else_spells_a_key_itself() -> None:
    """Else a folder that is renamed in the layout stays as it was somewhere."""
    spelt = {
        str(path.relative_to(ROOT))
        for path in folders.modules(folders.TEMPLATE)
        if any(WORDS.search(text) for text in texts(path))
    }
    assert spelt - COPIES - ATTRIBUTES == set()
    assert spelt >= COPIES, "a file that no longer holds a copy leaves the list"


# Attributes `pk` and `sk` of items at hand, in DynamoDB's notation, whatever the key; and a look that is called "lock".
ATTRIBUTES = frozenset(
    [
        "lambdas/get_recommendations/table.py",
        "lambdas/record_events/log.py",
        "local/chaos/line.py",
        "local/demo/deployed.py",
        "operations/parity/probes.py",
        "operations/smoke.py",
    ]
)


def texts(path: Path) -> Iterator[str]:
    """Every text of a module but its documentation."""
    tree = ast.parse(path.read_text())
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value
