"""The edges: a function's variables and clients reach the logic, and its answer goes out."""

from __future__ import annotations

import gzip
import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.lambdas.fakes import S3, SNS, DynamoDB

RUN = "20261124T030000Z"
METRIC = "normalized_discounted_cumulative_gain_at_25"
CONTEXT = SimpleNamespace(aws_request_id="r")


class Control(DynamoDB):
    def describe_continuous_backups(self, *, TableName: str) -> Any:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "EarliestRestorableDateTime": datetime(2026, 11, 1, tzinfo=UTC),
            "LatestRestorableDateTime": datetime(2026, 11, 24, 2, 55, tzinfo=UTC),
        }
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(function: str, event: Any, variables: dict[str, str], clients: dict[str, Any]) -> Any:
        module = importlib.import_module(f"lambdas.{function}.handler")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(module, "client", clients.__getitem__)
        module.settings.cache_clear()
        answer = module.handler(event, CONTEXT)
        module.settings.cache_clear()
        return json.loads(json.dumps(answer))

    return make


def test_plan_run(call: Any) -> None:
    variables = {
        "CONTROL_TABLE": "control",
        "DATASET_GROUP": "osusume-dev",
        "STREAMED": '["click"]',
        "APPLICATION_LOG_TABLE": "log",
    }
    event = {"mode": "auto", "execution_name": "e", "started_at": "2026-11-24T03:00:00Z"}
    answer = call("plan_run", event, variables, {"dynamodb": Control()})
    assert (answer["run_id"], answer["mode"], answer["export"]["to"]) == (RUN, "full", "2026-11-24T02:55:00Z")
    assert list(answer["streamed"]) == ["click"]


def test_stream_events(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lambdas.stream_events import handler

    packaged = tmp_path / "datasets.json"  # put there by the stack
    packaged.write_text("{}")
    monkeypatch.setattr(handler, "DATASETS", packaged)
    handler.datasets.cache_clear()
    variables = {
        "CONTROL_TABLE": "control",
        "RAW_BUCKET": "raw",
        "DATASET_GROUP": "osusume-dev",
        "TRACKING_ID": "tracker",
        "STREAMED": '["click"]',
        "LOG_ATTRIBUTES": '{"EVENT_TYPE": "type", "USER_ID": "user"}',
        "TIMESTAMP_FORMAT": "iso",
        "INTERACTIONS": "{}",
        "POWERTOOLS_METRICS_NAMESPACE": "n",
    }
    change = {"Keys": {"user": {"S": "u"}}, "NewImage": {"type": {"S": "view"}}, "SequenceNumber": "1"}
    record = {"eventName": "INSERT", "dynamodb": change}
    answer = call("stream_events", {"Records": [record]}, variables, {"dynamodb": DynamoDB()})
    assert answer == {"batchItemFailures": []}


def test_validate_datasets(call: Any) -> None:
    counts = {"read": 1000, "kept": 1000, "ignored": {}, "quarantined": {}}
    report = {
        "run_id": RUN,
        "datasets": dict.fromkeys(("interactions", "users", "items"), counts),
        "previous": None,
        "users_with_two_interactions": 25,
    }
    variables = {
        "DATASETS_BUCKET": "datasets",
        "MAX_QUARANTINED_SHARE": "0.05",
        "MIN_ROWS_AGAINST_PREVIOUS": "0.8",
        "BATCH_RECORDS": "50000000",
        "BATCH_JOBS": '{"users": 1}',
        "MAX_BATCH_JOBS": "12",
        "POWERTOOLS_METRICS_NAMESPACE": "n",
    }
    s3 = S3({f"datasets/runs/{RUN}/report.json": json.dumps(report).encode()})
    answer = call("validate_datasets", {"run_id": RUN}, variables, {"s3": s3})
    rows = {"interactions": 1000, "users": 1000, "items": 1000}
    assert answer == {"passed": True, "rows": rows, "parts": {}}


def test_judge_solution_version(call: Any) -> None:
    variables = {
        "CONTROL_TABLE": "control",
        "RESULTS_BUCKET": "results",
        "RECIPES": '{"personal": "aws-user-personalization-v2"}',
        "RULES": json.dumps({"personal": {"metric": METRIC, "min_against_serving": 0.9}}),
        "DATASETS_BUCKET": "datasets",
        "TOPIC_ARN": "topic",
        "TRAINING_HOUR_USD": "0.24",
        "POWERTOOLS_METRICS_NAMESPACE": "n",
    }
    personalize = SimpleNamespace(
        get_solution_metrics=lambda solutionVersionArn: {"metrics": {METRIC: 0.5}},
        describe_solution_version=lambda solutionVersionArn: {"solutionVersion": {"trainingHours": 2.0}},
    )
    clients = {"personalize": personalize, "dynamodb": DynamoDB(), "s3": S3(), "sns": SNS()}
    event = {"solution": "personal", "solution_version_arn": "arn", "run_id": RUN}
    answer = call("judge_solution_version", event, variables, clients)
    assert (answer["promote"], answer["metrics"]) == (True, {METRIC: 0.5})
    assert list(clients["s3"].objects) == [
        f"results/runs/{RUN}/warehouse/solution_version_metrics/personal.json.gz"
    ]


def test_judge_lists(call: Any) -> None:
    line = json.dumps({"list": "personal", "key": "u", "items": [["a", 1]]})
    key = f"publish/{RUN}/personal/part-0.txt.gz"
    s3 = S3({f"results/{key}": gzip.compress(line.encode())})
    pages = SimpleNamespace(
        paginate=lambda Bucket, Prefix: [
            {"Contents": [{"Key": key, "Size": 1}] if Bucket == "results" else []},
        ]
    )
    s3.get_paginator = lambda operation: pages  # type: ignore[attr-defined]
    variables = {
        "DATASETS_BUCKET": "datasets",
        "RESULTS_BUCKET": "results",
        "RULES": '{"personal": {"audience": "users", "max_sameness": 1, "max_without_list": 1}}',
        "POWERTOOLS_METRICS_NAMESPACE": "n",
    }
    answer = call("judge_lists", {"run_id": RUN}, variables, {"s3": s3})
    assert answer == {"personal": {"lists": 1, "asked": 0, "sameness": 0.0, "without_list": 0.0}}


def test_clean_up(call: Any) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    found = {"name": "p-personal-aa", "solutionArn": "arn/p-personal-aa", "creationDateTime": long_ago}
    pages = {"list_solutions": [{"solutions": [found]}], "list_solution_versions": []}
    gone: list[str] = []
    personalize = SimpleNamespace(
        get_paginator=lambda operation: SimpleNamespace(paginate=lambda **_: pages[operation]),
        delete_solution=lambda solutionArn: gone.append(solutionArn),
    )
    variables = {
        "CONTROL_TABLE": "control",
        "RECOMMENDATIONS_TABLE": "recommendations",
        "PREFIX": "p",
        "DATASET_GROUPS": '["group"]',
        "SOLUTIONS": '{"personal": "p-personal-bb"}',
        "KEEP_SUPERSEDED": "0",
        "SUPERSEDED_AFTER_DAYS": "14",
        "PINNED": "[]",
    }
    answer = call("clean_up", {}, variables, {"personalize": personalize, "dynamodb": DynamoDB()})
    assert answer == {"deleted": ["p-personal-aa"], "in_use": [], "kept": []}
    assert gone == ["arn/p-personal-aa"]


def test_publish_recommendations(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from lambdas.publish_recommendations import handler

    table = DynamoDB()
    monkeypatch.setattr(handler, "writing_client", lambda: table)
    line = json.dumps({"list": "popular", "key": "everyone", "items": [["a", 1]]})
    s3 = S3({"results/k": gzip.compress(line.encode())})
    event = {"run_id": RUN, "list": "popular", "version": RUN, "bucket": "results", "keys": ["k"]}
    variables = {"RECOMMENDATIONS_TABLE": "recommendations", "EXPIRE_AFTER_DAYS": "14"}
    assert call("publish_recommendations", event, variables, {"s3": s3}) == {"written": 1}
    assert list(table.items) == [("popular#everyone", RUN)]


def test_load_warehouse(call: Any) -> None:
    sent: dict[str, Any] = {}

    def submit(**named: Any) -> Any:
        sent.update(named)
        return {"Id": "s1"}

    variables = {
        "RESULTS_BUCKET": "results",
        "WAREHOUSE_WORKGROUP": "w",
        "WAREHOUSE_DATABASE": "analytics",
        "COPY_ROLE_ARN": "arn:aws:iam::111111111111:role/copy",
        "WAREHOUSE_COLUMNS": '{"users": {"user_id": "varchar(256)"}, "items": {"item_id": "varchar(256)"}}',
        "DBT_USER": "IAMR:osusume-dev-run-dbt",
        "READER_SECRET_ARN": "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:reader-a1b2c3",
    }
    data = SimpleNamespace(batch_execute_statement=submit)
    clients = {"redshift-data": data, "secretsmanager": SimpleNamespace(), "dynamodb": SimpleNamespace()}
    event = {"run_id": RUN, "entered": "2026-11-24T03:00:00Z"}
    answer = call("load_warehouse", event, variables, clients)
    assert answer == {"statement": {"id": "s1", "step": "inspect"}, "status": "SUBMITTED"}
    assert any("svv_columns" in sql for sql in sent["Sqls"])


def test_run_dbt(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from lambdas.run_dbt import build

    seen: dict[str, Any] = {}

    def built(**named: Any) -> Any:
        seen.update(named)
        return {"models": 3, "tests": 4, "failed": []}

    monkeypatch.setattr(build, "build", built)
    serverless = SimpleNamespace(
        get_credentials=lambda **_: {"dbUser": "u", "dbPassword": "p"},
        get_workgroup=lambda **_: {"workgroup": {"endpoint": {"address": "host", "port": 5439}}},
    )
    variables = {
        "WAREHOUSE_WORKGROUP": "w",
        "WAREHOUSE_DATABASE": "analytics",
        "WAREHOUSE_COLUMNS": "{}",
        "WAREHOUSE_VARIABLES": '{"click_event": "tap"}',
    }
    answer = call("run_dbt", {"run_id": RUN}, variables, {"redshift-serverless": serverless})
    assert answer == {"models": 3, "tests": 4, "failed": []}
    assert (seen["variables"]["DBT_USER"], seen["project"], str(seen["work"])) == (
        "u",
        build.PROJECT,
        "/tmp/dbt",
    )
    assert seen["variables"]["WAREHOUSE_VARIABLES"] == '{"click_event": "tap"}'
    assert (build.PROJECT / "dbt_project.yml").is_file()
