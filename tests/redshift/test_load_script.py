"""The product's own load script runs on the local warehouse, and Redshift's rules about users hold."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from config import settings
from lambdas.analyse_experiments.environment import Environment
from lambdas.analyse_experiments.store import Store
from lambdas.load_warehouse import script
from osusume_endpoint.redshift import dialect
from osusume_endpoint.redshift.errors import InvalidRedshift
from osusume_endpoint.redshift.tokens import scan
from osusume_endpoint.testing.warehouse import Warehouse
from warehouse.load import tables
from warehouse.load.columns import warehouse_columns

RUN = "20260102T030405Z"
ROWS = {
    "users": {"run_id": RUN, "user_id": "u1"},
    "items": {"run_id": RUN, "item_id": "i1"},
    "orders": {"run_id": RUN, "order_id": "o1", "user_id": "u1", "item_id": "i1",
               "ordered_at": "2026-01-01T00:00:00.000Z", "sales_value": 1.5},
    "interactions": {"run_id": RUN, "user_id": "u1", "item_id": "i1",
                     "occurred_at": "2026-01-01T00:00:00.000Z", "event_type": "purchase", "event_value": 2.0},
    "events": {"run_id": RUN, "event_id": "e1", "event_type": "click", "user_id": "u1", "item_id": "i1",
               "occurred_at": "2026-01-01T00:00:00.000Z", "impression": "[\"i1\"]", "simulated": False,
               "served_as": "personal;0;0;variety=3"},
    "recommendations": {"run_id": RUN, "solution": "s", "entity_id": "u1", "rank": 1, "item_id": "i1",
                        "score": 0.5},
    "solution_version_metrics": {"run_id": RUN, "solution": "s", "recipe": "r", "solution_version_arn": "arn",
                                 "metric": "coverage", "value": 0.5, "promoted": True,
                                 "created_at": "2026-01-01T00:00:00.000Z", "reason": "better",
                                 "hyperparameters": "{\"recency_mask\": \"true\"}", "training_mode": "FULL",
                                 "training_hours": 1.5, "estimated_cost_usd": 0.36},
    "segments": {"run_id": RUN, "solution": "s", "segment": "i1", "rank": 1, "user_id": "u1"},
    "exposures": {"run_id": RUN, "exposure_id": "x1", "experiment": "home", "version": "11111111",
                  "variant": "control", "layer": "home", "unit_id": "u1", "exposed_at": "2026-01-01T00:00:00.000Z",
                  "placement": "home", "recommendation_id": "r1"},
    "quarantine": {"run_id": RUN, "dataset": "interactions", "source": "orders", "reason": "future_timestamp",
                   "source_key": "o9", "source_file": "raw/orders/", "wrong_value": "9999-12-31"},
    "data_quality": {"run_id": RUN, "figure": "users.distinct", "value": 9.0, "low": 8.0},
}  # fmt: skip


IDS = {"users": {"user_id": "varchar(1024)"}, "items": {"item_id": "varchar(1024)"}}
DBT = "IAMR:dbt"


def _statements(warehouse: Warehouse, columns: dict[str, dict[str, str]] = IDS) -> list[str]:
    values = {
        "results_bucket": "warehouse-lake",
        "run_id": RUN,
        "history_from": "20240103T030405Z",
        "copy_role_arn": warehouse.role,
        "dbt_user": DBT,
    }
    known = script.noted({"mode": "full", "prepared_at": "2026-01-02T03:20:00", "trained_at": None,
                          "served_at": "2026-01-02T04:04:05", "dpu_hours": 0.5})  # fmt: skip
    return script.statements(folder=script.FOLDER, values=values | script.column_values(columns) | known)


def _put(warehouse: Warehouse, **changed: dict[str, Any]) -> None:
    for table, row in {**ROWS, **changed}.items():
        body = gzip.compress(json.dumps(row, ensure_ascii=False).encode())
        warehouse.cloud.put("warehouse-lake", f"runs/{RUN}/warehouse/{table}/part-0.json.gz", body)


def _found(warehouse: Warehouse) -> dict[str, dict[str, str]]:
    return tables.as_tables(tuple(row) for row in warehouse.rows(script.INSPECTION[0]))


def _prepare(warehouse: Warehouse) -> list[str]:
    roles, users = ([name for (name,) in warehouse.rows(statement)] for statement in script.INSPECTION[1:])
    missing = script.preparation(
        columns=_found(warehouse), roles=roles, users=users, dbt_user=DBT, reader_password=lambda: "x"
    )
    if missing:
        ended = warehouse.run(*missing, "select 1", ExecutionMode="AUTO_COMMIT")
        assert [one.get("Error") for one in ended["SubStatements"] if one["Status"] != "FINISHED"] == []
    return missing


def _start_anew(warehouse: Warehouse) -> None:
    warehouse.ok(f"drop schema if exists {tables.SCHEMA} cascade", "select 1")


def test_the_load_script_loads_every_table_and_may_run_twice(warehouse: Warehouse) -> None:
    _put(warehouse)
    _prepare(warehouse)
    assert _prepare(warehouse) == []
    for _ in range(2):
        warehouse.ok(*_statements(warehouse))
        counts = {table: warehouse.rows(f"select count(*) from landing.{table}")[0][0] for table in ROWS}
        assert counts == dict.fromkeys(ROWS, 1)


def _change(
    key: str, event_id: str | None, kind: str = "click", removed: str | None = None
) -> dict[str, Any]:
    row = {**ROWS["events"], "event_key": key, "event_id": event_id, "event_type": kind, "removed": removed}
    return {name: value for name, value in row.items() if value is not None}


def test_the_log_is_loaded_as_its_table_is_now(warehouse: Warehouse) -> None:
    """A correction replaces, a deletion takes away, what expired stays; loading a run again changes nothing."""
    _start_anew(warehouse)
    _put(warehouse)
    _prepare(warehouse)
    key = f"runs/{RUN}/warehouse/events/part-0.json.gz"

    def load(*rows: dict[str, Any]) -> list[list[Any]]:
        body = gzip.compress("\n".join(json.dumps(row) for row in rows).encode())
        warehouse.cloud.put("warehouse-lake", key, body)
        warehouse.ok(*_statements(warehouse))
        return warehouse.rows("select event_id, event_type, removed from landing.events order by 1")

    first = [_change("k1", "e1"), _change("k2", "e2"), _change("k3", "e3"), _change("k4", "e4")]
    assert len(load(*first)) == 4
    second = [
        _change("k1", "e1", "favourite"),
        _change("k2", None, removed="deleted"),  # of which only the key is known
        _change("k3", "e3", removed="expired"),
        _change("k4", "e5"),  # even its id was corrected
        _change("k6", "e6", removed="deleted"),
    ]
    for _ in range(2):
        assert load(*second) == [
            ["e1", "favourite", None],
            ["e3", "click", "expired"],
            ["e5", "click", None],
        ]
    assert load({**ROWS["events"], "event_id": "e1", "event_type": "view", "event_key": "k7"})[0][1] == "view"


def test_what_the_analysis_stores_is_copied_and_may_be_stored_again(warehouse: Warehouse) -> None:
    """Through the product's own store, with what statistics may hold: minus, an exponent, a text in Japanese."""
    _start_anew(warehouse)
    _prepare(warehouse)
    row = {"experiment": "home", "version": "11111111", "day": "2026-01-02", "role": "primary", "variant": "new",
           "metric": "buyers", "segment_name": "all", "segment_value": "all", "users": 12, "lift": -1.5e-05,
           "decision": "ship", "decision_ja": "採用できます。", "made_by": "people"}  # fmt: skip
    given = Environment("warehouse-lake", "analytics", "analytics", warehouse.role, warehouse.secret)
    clients = {"redshift_data": warehouse.cloud.client("redshift-data"), "s3": warehouse.cloud.client("s3")}
    stored = Store(**clients, settings=given, run_id=RUN)
    for _ in range(2):
        stored.keep([row, {**row, "role": "day", "decision_ja": None}])
    sql = "select day, role, users, lift, p, decision_ja from landing.experiment_results order by role"
    expected = [["2026-01-02", "day", 12, -1.5e-05, None, None],
                ["2026-01-02", "primary", 12, -1.5e-05, None, "採用できます。"]]  # fmt: skip
    assert warehouse.rows(sql) == expected
    assert [list(found) for found in stored.rows(sql)] == expected


def test_yesterdays_tables_take_todays_load(warehouse: Warehouse) -> None:
    """Tables of 256 characters and without a column, as an earlier version made them, with a row in each."""
    _start_anew(warehouse)
    warehouse.ok(f"create schema {tables.SCHEMA}")
    for name, table in tables.MADE.items():
        columns = {c: _yesterdays(kind) for c, kind in list(table.columns.items())[:-1]}
        warehouse.ok(tables.create(name, tables.Table(columns, table.placement)))
        warehouse.ok(f"insert into {tables.SCHEMA}.{name} (run_id) values ('19990101T000000Z')")
    warehouse.ok("create schema if not exists staging", "select 1")
    warehouse.ok("create view staging.viewed as select event_id from landing.events")
    changed = _prepare(warehouse)
    assert any(" add column " in one for one in changed)
    assert any(" alter column " in one for one in changed)
    assert _found(warehouse).keys() >= tables.MADE.keys()
    assert {n: _found(warehouse)[n] for n in tables.MADE} == {n: t.columns for n, t in tables.MADE.items()}
    wide = {**ROWS["events"], "event_id": "\U0001f6d2" * 256, "session_id": "\u68da" * 256}
    _put(warehouse, events=wide)
    warehouse.ok(*_statements(warehouse))
    assert warehouse.rows("select run_id, simulated from landing.events order by 1") == [
        ["19990101T000000Z", None],
        [RUN, False],
    ]


def _yesterdays(kind: str) -> str:
    return "varchar(256)" if kind in (tables.ID, tables.TEXT) else kind


def test_a_type_that_redshift_can_not_change_is_refused_with_the_cure() -> None:
    found = {"orders": {**tables.TABLES["orders"].columns, "order_id": "bigint"}}
    with pytest.raises(
        tables.WarehouseTableDiffers, match=r"landing\.orders\.order_id is bigint .*another name"
    ):
        tables.changes(found)


def test_columns_are_never_narrowed_or_dropped() -> None:
    wider = {
        name: {**{c: k.replace("(1024)", "(4096)") for c, k in table.columns.items()}, "more": "integer"}
        for name, table in tables.MADE.items()
    }
    assert tables.changes(wider) == []


def test_a_column_is_not_widened_inside_a_transaction(warehouse: Warehouse) -> None:
    warehouse.ok("create table to_widen (a varchar(3))", "select 1")
    widen = "alter table to_widen alter column a type varchar(9)"
    assert "cannot run inside a transaction block" in warehouse.error(widen, "select 1")
    ended = warehouse.run(widen, "select 1", ExecutionMode="AUTO_COMMIT")
    assert [one["Status"] for one in ended["SubStatements"]] == ["FINISHED", "FINISHED"]
    warehouse.ok("insert into to_widen values ('123456789')")
    assert "too long" in warehouse.error("insert into to_widen values ('1234567890')")


def test_with_auto_commit_a_statement_fails_alone(warehouse: Warehouse) -> None:
    ended = warehouse.run(
        "create table alone (a int)", "select nope", "select 1", ExecutionMode="AUTO_COMMIT"
    )
    assert [one["Status"] for one in ended["SubStatements"]] == ["FINISHED", "FAILED", "FINISHED"]
    assert ended["Status"] == "FINISHED"
    assert warehouse.rows("select count(*) from alone") == [[0]]


TEXTS = {
    "89 Japanese characters": "\u68da" * 89,
    "1,000 emoji, the longest category": "\U0001f6d2" * 1000,
    "several categories": "|".join(["\u98df\u54c1" * 40] * 12),
    "letters with marks": "é" * 256,
    "a family of joined emoji": "\U0001f468‍\U0001f469‍\U0001f467" * 30,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_long_text_of_many_bytes_loads(warehouse: Warehouse, text: str) -> None:
    columns = warehouse_columns(settings.load("dev").datasets)
    _put(warehouse, items={"run_id": RUN, "item_id": "\u68da" * 256, "category_l1": text})
    _prepare(warehouse)
    warehouse.ok(*_statements(warehouse, columns))
    assert warehouse.rows("select item_id, category_l1 from landing.items") == [["\u68da" * 256, text]]


def test_a_text_wider_than_its_column_fails_with_its_file_line_and_column(warehouse: Warehouse) -> None:
    _prepare(warehouse)
    _put(warehouse, items={"run_id": RUN, "item_id": "\u68da" * 342})
    error = warehouse.error(*_statements(warehouse))
    assert "Check 'sys_load_error_detail' system table for details" in error
    [[file, line, column, kind, width, message]] = warehouse.rows(script.LOAD_ERROR)
    assert file == f"s3://warehouse-lake/runs/{RUN}/warehouse/items/part-0.json.gz"
    assert (line, column, kind, width) == (1, "item_id", "varchar", "1024")
    assert message == "String length exceeds DDL length 1024"
    codes = warehouse.rows("select error_code from sys_load_error_detail order by start_time desc limit 1")
    assert codes == [[1204]]


def test_every_reserved_word_is_a_column_that_loads(warehouse: Warehouse) -> None:
    words = [word.lower() for word in sorted(tables.reserved_words()) if word != "OID"]
    columns = {
        "users": {"user_id": "varchar(1024)", **dict.fromkeys(words, "varchar(64)")},
        "items": IDS["items"],
    }
    _put(warehouse, users={"run_id": RUN, "user_id": "u", **{word: f"a {word}" for word in words}})
    _prepare(warehouse)
    warehouse.ok(*_statements(warehouse, columns))
    listed = ", ".join(tables.quoted(word) for word in words)
    assert warehouse.rows(f"select {listed} from landing.users") == [[f"a {word}" for word in words]]


@pytest.mark.parametrize("word", sorted(tables.reserved_words()))
def test_a_reserved_word_without_quotes_is_a_syntax_error(word: str) -> None:
    name = word.lower()
    for statement in (
        f"create schema if not exists {name}",
        f"create table {name}.users (a int)",
        f"create table t (a int, {name} int)",
        f"copy t (a, {name}) from 's3://b/k' iam_role default csv",
        f"copy {name}.t from 's3://b/k' iam_role default csv",
        f"insert into t (a, {name}) values (1, 2)",
        f"alter table t add column {name} int",
        f"alter table t alter column {name} type varchar(9)",
        f"select t.{name} from t",
    ):
        with pytest.raises(InvalidRedshift, match=f'syntax error at or near "{name}"'):
            dialect.check(scan(statement))
    dialect.check(scan(f'create table t (a int, "{name}" int)'))
    dialect.check(scan(f'select t."{name}" from t'))


def test_a_load_of_a_schema_named_raw_fails_as_on_redshift(warehouse: Warehouse) -> None:
    error = warehouse.error("create schema if not exists raw", "select 1")
    assert error == 'Query #1 failed with ERROR: syntax error at or near "raw"'


def test_another_role_does_not_find_a_statement(warehouse: Warehouse) -> None:
    warehouse.cloud.role("onlooker", service="lambda.amazonaws.com", actions=["redshift-data:*"])
    ended = warehouse.ok("select 1 as n")
    onlooker = warehouse.cloud.client("redshift-data", "onlooker")
    for look in (onlooker.describe_statement, onlooker.get_statement_result, onlooker.cancel_statement):
        with pytest.raises(ClientError, match="does not exist"):
            look(Id=ended["Id"])


def test_another_role_does_not_go_on_with_a_session(warehouse: Warehouse) -> None:
    warehouse.cloud.role("intruder", service="lambda.amazonaws.com", actions=["redshift-data:*"])
    ended = warehouse.run("select 1", SessionKeepAliveSeconds=60)
    intruder = warehouse.cloud.client("redshift-data", "intruder")
    with pytest.raises(ClientError, match=r"Session .* doesn't exist"):
        intruder.execute_statement(Sql="select 1", SessionId=ended["SessionId"])


def test_dbt_reads_what_landed_and_makes_marts_that_readers_read(warehouse: Warehouse) -> None:
    _put(warehouse)
    _prepare(warehouse)
    warehouse.ok(*_statements(warehouse))
    actions = ["redshift-data:*", "redshift-serverless:GetCredentials"]
    for role in ("dbt", "dashboards", "stranger"):
        warehouse.cloud.role(role, service="lambda.amazonaws.com", actions=actions)
    warehouse.run("select 1", as_role="dashboards")  # makes the user, as its first log-in does
    warehouse.ok(f'grant role {tables.READER} to "IAMR:dashboards"')
    made = warehouse.run("create table marts.made as select * from landing.orders", "select 1", as_role="dbt")
    assert made["Status"] == "FINISHED", made.get("Error")
    granted = warehouse.run(f"grant select on marts.made to role {tables.READER}", as_role="dbt")
    assert granted["Status"] == "FINISHED", granted.get("Error")
    assert warehouse.run("select * from marts.made", as_role="dashboards")["Status"] == "FINISHED"
    for statement, user in (
        ("select * from marts.made", "stranger"),
        ("select * from landing.orders", "dashboards"),
        ("create schema own", "dbt"),
    ):
        assert "permission denied" in warehouse.error(statement, as_role=user), (statement, user)


def test_a_loader_without_the_owners_secret_is_refused_as_on_redshift(warehouse: Warehouse) -> None:
    warehouse.cloud.role(
        "loader",
        service="lambda.amazonaws.com",
        actions=["redshift-data:*", "redshift-serverless:GetCredentials"],
    )
    assert "ERROR: " in warehouse.error(*_statements(warehouse), as_role="loader")
