from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY

from lambdas.load_warehouse import progress, script
from lambdas.load_warehouse.environment import Environment
from lambdas.load_warehouse.handler import run
from lambdas.load_warehouse.script import LoadScriptInvalid
from lambdas.shared.events import InvalidEvent
from tests.lambdas.fakes import DynamoDB
from warehouse.load import tables

RUN = "20261124T030000Z"
ENTERED = "2026-11-24T03:00:00.000Z"
ROLE = "arn:aws:iam::111111111111:role/osusume-dev-copy"
COLUMNS = {"users": {"user_id": "varchar(1024)", "tag": "integer"}, "items": {"item_id": "varchar(1024)"}}
DBT = "IAMR:osusume-dev-run-dbt"
READER_SECRET = "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:reader-a1b2c3"
SETTINGS = Environment(
    *("results-bucket", "workgroup", "analytics", ROLE, COLUMNS, DBT, READER_SECRET), control_table="control"
)
VALUES = {
    "results_bucket": "b",
    "run_id": RUN,
    "history_from": "20241124T030000Z",
    "copy_role_arn": ROLE,
    "dbt_user": DBT,
}
# What the workflows of a run note, and what is known of it by that.
PROGRESS: dict[str, Any] = {
    "pk": {"S": f"progress#{RUN}"},
    "plan": {"S": json.dumps({"mode": "full", "run_id": RUN})},
    "prepared": {"S": json.dumps({"rows": {}, "dpu_hours": [0.25, 0.5]})},
    "prepared_at": {"S": "2026-11-24T03:20:00.123Z"},
    "trained": {"S": json.dumps({"versions": {}})},
    "trained_at": {"S": "2026-11-24T04:00:00Z"},
    "serving": {"S": json.dumps({"run_id": RUN, "dpu_hours": [0.125]})},
    "serving_at": {"S": "2026-11-24T04:30:00Z"},
}
KNOWN: progress.Known = {
    "mode": "full",
    "prepared_at": "2026-11-24T03:20:00",
    "trained_at": "2026-11-24T04:00:00",
    "served_at": "2026-11-24T04:30:00",
    "dpu_hours": 0.875,
}
STATEMENT = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
FUTURE = 4_000_000_000_000
WHERE = {"WorkgroupName": "workgroup", "Database": "analytics"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "load.sql").write_text("-- a comment; with a semicolon\nselect '$run_id';  \n\nselect 2;\n")
    return tmp_path


def described(status: str, **more: Any) -> dict[str, Any]:
    return {"Id": STATEMENT, "Status": status, **more}


class Secrets:
    """The reader's secret, and no other."""

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:
        assert SecretId == READER_SECRET
        return {"SecretString": json.dumps({"username": "dashboards", "password": "very secret"})}


def step(client: Any, name: str = "", *, settings: Environment = SETTINGS, **more: Any) -> dict[str, Any]:
    """One call of the function: the first, or one that follows the named step."""
    event = {"run_id": RUN, "entered": ENTERED}
    if name:
        event |= {"statement": {"id": STATEMENT, "step": name}, "deadline": FUTURE, **more}
    clients = {"redshift_data": client, "secrets": Secrets(), "dynamodb": DynamoDB(PROGRESS)}
    return run(event, **clients, settings=settings)


def started(name: str, identifier: str = OTHER) -> dict[str, Any]:
    return {"statement": {"id": identifier, "step": name}, "status": "SUBMITTED"}


def add_results(stubber: Any, *results: list[list[dict[str, Any]]]) -> None:
    for number, records in enumerate(results, 1):
        answer = {"Records": records, "TotalNumRows": len(records)}
        stubber.add_response("get_statement_result", answer, {"Id": f"{STATEMENT}:{number}"})


def everything_there() -> tuple[list[list[dict[str, Any]]], ...]:
    catalog = {"timestamp": ("timestamp without time zone", None)}
    columns = []
    for table, defined in tables.MADE.items():
        for column, kind in defined.columns.items():
            name, length = catalog.get(kind, (kind, None))
            if kind.startswith("varchar"):
                name, length = "character varying", int(kind[8:-1])
            width = {"isNull": True} if length is None else {"longValue": length}
            columns.append([*({"stringValue": text} for text in (table, column, name)), width])
    roles = [[{"stringValue": tables.READER}], [{"stringValue": tables.TRANSFORMER}]]
    return columns, roles, [[{"stringValue": user}] for user in (DBT, tables.READER_USER)]


def test_the_first_call_looks_at_what_is_there(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    expected = {
        **WHERE,
        "Sqls": list(script.INSPECTION),
        "StatementName": f"inspect-{RUN}",
        "ClientToken": ANY,
    }
    stubber.add_response("batch_execute_statement", {"Id": OTHER}, expected)
    assert step(client) == started("inspect")
    stubber.assert_no_pending_responses()


def test_what_is_missing_is_made_outside_of_a_transaction(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_response("describe_statement", described("FINISHED"), {"Id": STATEMENT})
    add_results(stubber, [], [[{"stringValue": tables.READER}]], [])
    sqls = [
        f"create role {tables.TRANSFORMER}",
        f'create user "{DBT}" password disable',
        # md5 of password and name, as Redshift's CREATE USER takes it: `printf 'very secretdashboards' | md5sum`.
        "create user dashboards password 'md50951eaa43656fb8294a0f2e09fb3f5e8'",
        "create schema if not exists landing",
        *(tables.create(name, table) for name, table in tables.MADE.items()),
    ]
    expected = {
        **WHERE,
        "Sqls": sqls,
        "ExecutionMode": "AUTO_COMMIT",
        "StatementName": ANY,
        "ClientToken": ANY,
    }
    stubber.add_response("batch_execute_statement", {"Id": OTHER}, expected)
    assert step(client, "inspect") == started("prepare")
    stubber.assert_no_pending_responses()


def test_after_the_preparation_it_looks_again(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_response("describe_statement", described("FINISHED"), {"Id": STATEMENT})
    expected = {**WHERE, "Sqls": list(script.INSPECTION), "StatementName": ANY, "ClientToken": ANY}
    stubber.add_response("batch_execute_statement", {"Id": OTHER}, expected)
    assert step(client, "prepare") == started("inspect")


def test_the_load_is_one_transaction_once_everything_is_there(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_response("describe_statement", described("FINISHED"), {"Id": STATEMENT})
    add_results(stubber, *everything_there())
    sqls = script.statements(folder=script.FOLDER, values=VALUES | {"results_bucket": "results-bucket"}
                             | script.column_values(COLUMNS) | script.noted(KNOWN))  # fmt: skip
    expected = {**WHERE, "Sqls": sqls, "StatementName": f"load-{RUN}", "ClientToken": ANY}
    stubber.add_response("batch_execute_statement", {"Id": OTHER}, expected)
    assert step(client, "inspect") == started("load")
    stubber.assert_no_pending_responses()


def known(**changes: Any) -> progress.Known:
    """What is known of a run whose progress has these attributes instead; None for one that is not there."""
    item = {name: value for name, value in (PROGRESS | changes).items() if value is not None}
    return progress.of_run(DynamoDB(item), table="control", run_id=RUN)


def test_what_the_workflows_noted_of_a_run_is_known_of_it() -> None:
    assert known() == KNOWN


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"prepared": None, "prepared_at": None}, {"prepared_at", "dpu_hours"}),
        ({"trained_at": None}, {"trained_at"}),
        ({"plan": None}, {"mode"}),
        # Of before the jobs' hours were noted; and where Glue did not say one.
        ({"serving": {"S": "true"}}, {"dpu_hours"}),
        ({"prepared": {"S": '{"rows": {}}'}}, {"dpu_hours"}),
        ({"serving": {"S": '{"dpu_hours": [null]}'}}, {"dpu_hours"}),
        ({"pk": {"S": "progress#another"}}, set(KNOWN)),
    ],
)
def test_what_nobody_noted_is_null_and_no_sum_is_of_a_part(
    changes: dict[str, Any], missing: set[str]
) -> None:
    found = known(**changes)
    assert {name for name, value in found.items() if value is None} == missing
    assert {name: value for name, value in found.items() if value is not None} == {
        name: value for name, value in KNOWN.items() if name not in missing
    }


def test_without_a_control_table_nothing_is_asked() -> None:
    assert progress.of_run(None, table="", run_id=RUN) == progress.NOTHING == dict.fromkeys(KNOWN)


@pytest.mark.parametrize("name", ["inspect", "prepare", "load"])
@pytest.mark.parametrize("status", ["SUBMITTED", "PICKED", "STARTED"])
def test_a_statement_that_runs_is_waited_for(stubbed: Any, name: str, status: str) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_response("describe_statement", described(status), {"Id": STATEMENT})
    assert step(client, name) == {"statement": {"id": STATEMENT, "step": name}, "status": status}


@pytest.mark.parametrize(
    ("code", "status", "waits"),
    [
        ("ThrottlingException", 400, True),
        ("InternalServerException", 500, True),
        ("AccessDeniedException", 403, False),
        ("ResourceNotFoundException", 400, False),
    ],
)
def test_a_call_that_fails_for_the_moment_is_made_again_later(
    stubbed: Any, code: str, status: int, waits: bool
) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_client_error("describe_statement", code, "no", http_status_code=status)
    if waits:
        assert step(client, "load") == {"statement": {"id": STATEMENT, "step": "load"}, "status": "STARTED"}
    else:
        with pytest.raises(ClientError, match=code):
            step(client, "load")


def test_a_load_that_ended_is_the_end(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_response("describe_statement", described("FINISHED"), {"Id": STATEMENT})
    assert step(client, "load") == {"statement": {"id": STATEMENT, "step": "load"}, "status": "FINISHED"}


def test_past_the_deadline_the_statement_is_cancelled(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_response("describe_statement", described("STARTED"), {"Id": STATEMENT})
    stubber.add_response("cancel_statement", {"Status": True}, {"Id": STATEMENT})
    answer = step(client, "load", deadline=1)
    assert (answer["status"], answer["reason"]) == (
        "ABORTED",
        "it was cancelled in step load, because its time was up",
    )
    stubber.assert_no_pending_responses()


def test_a_failure_says_what_redshift_said(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_response("describe_statement", described("FAILED", Error="no table"), {"Id": STATEMENT})
    assert step(client, "load")["reason"] == "no table"


def test_a_failed_copy_names_file_line_and_column(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    error = "Load into table 'items' failed. Check 'sys_load_error_detail' system table for details."
    stubber.add_response("describe_statement", described("FAILED", Error=error), {"Id": STATEMENT})
    expected = {**WHERE, "Sql": script.LOAD_ERROR, "StatementName": ANY, "WaitTimeSeconds": 30}
    stubber.add_response("execute_statement", {"Id": OTHER}, expected)
    stubber.add_response("describe_statement", {"Id": OTHER, "Status": "FINISHED"}, {"Id": OTHER})
    record = [{"stringValue": text} for text in ("s3://b/k", "3", "brand", "varchar", "1024", "too long")]
    answer = {"Records": [record], "TotalNumRows": 1}
    stubber.add_response("get_statement_result", answer, {"Id": OTHER})
    reason = step(client, "load")["reason"]
    assert reason == error + (
        " | too long: file s3://b/k, line 3, column brand, type varchar, width in bytes 1024"
    )


def test_a_part_that_failed_alone_fails_the_preparation(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    parts = [
        {"Id": f"{STATEMENT}:1", "Status": "FINISHED", "QueryString": "create role a"},
        {"Id": f"{STATEMENT}:2", "Status": "FAILED", "QueryString": "create role b", "Error": "denied"},
    ]
    stubber.add_response("describe_statement", described("FINISHED", SubStatements=parts), {"Id": STATEMENT})
    answer = step(client, "prepare")
    assert (answer["status"], answer["reason"]) == ("FAILED", "create role b: denied")


def test_a_call_that_is_repeated_has_the_token_of_the_first_and_a_later_one_another() -> None:
    tokens: list[str] = []

    class Client:
        def batch_execute_statement(self, **named: Any) -> dict[str, Any]:
            tokens.append(named["ClientToken"])
            return {"Id": OTHER}

    for entered in (ENTERED, ENTERED, "2026-11-24T03:00:30.000Z"):
        run(
            {"run_id": RUN, "entered": entered},
            redshift_data=Client(),
            secrets=None,
            dynamodb=None,
            settings=SETTINGS,
        )
    assert tokens[0] == tokens[1] != tokens[2]
    assert all(1 <= len(token) <= 64 for token in tokens)


def test_the_load_runs_as_the_user_of_the_secret(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-data")
    secret = "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:warehouse-a1b2c3"
    expected = {"SecretArn": secret, **WHERE, "StatementName": ANY, "Sqls": ANY, "ClientToken": ANY}
    stubber.add_response("batch_execute_statement", {"Id": OTHER}, expected)
    assert step(client, settings=replace(SETTINGS, warehouse_secret_arn=secret)) == started("inspect")


def test_the_repositorys_own_script_renders_into_one_batch() -> None:
    values = VALUES | script.column_values(COLUMNS) | script.noted(KNOWN)
    found = script.statements(folder=script.FOLDER, values=values)
    assert 10 < len(found) <= 40
    assert not [statement for statement in found if "$" in statement or "--" in statement]
    loaded = {s.split()[1] for s in found if s.startswith("copy ")}
    assert {f"landing.{t}" for t in ("users", "items", "orders", "interactions", "recommendations")} <= loaded
    assert any('"tag" integer' in statement for statement in found)


def test_an_unknown_placeholder_is_named_with_those_that_are_known(folder: Path) -> None:
    (folder / "load.sql").write_text("select '$runid';\n")
    with pytest.raises(LoadScriptInvalid, match=r"load\.sql: placeholder \$runid is not known, use one of a"):
        script.render(folder / "load.sql", {"a": "1", "b": "2"})


def test_a_stray_dollar_is_named_with_the_cure(folder: Path) -> None:
    (folder / "load.sql").write_text("select '5$';\n")
    with pytest.raises(LoadScriptInvalid, match=r"write \$\$ for a dollar sign"):
        script.render(folder / "load.sql", {})


@pytest.mark.parametrize(("statements", "fits"), [(40, True), (41, False)])
def test_more_statements_than_a_batch_takes_are_refused(folder: Path, statements: int, fits: bool) -> None:
    (folder / "load.sql").write_text("select 1;\n" * statements)
    values = script.column_values(COLUMNS)
    if fits:
        assert len(script.statements(folder=folder, values=values)) == 40
    else:
        with pytest.raises(LoadScriptInvalid, match="has 41 statements, one batch takes 1 to 40"):
            script.statements(folder=folder, values=values)


@pytest.mark.parametrize("value", ["x'; drop table landing.users; --", "a b", "", "$x"])
def test_a_value_that_could_end_its_quotes_is_refused(value: str) -> None:
    with pytest.raises(LoadScriptInvalid, match="results_bucket is"):
        script.quoted_value("results_bucket", value)


@pytest.mark.parametrize(
    "columns", [{"users": {"a; drop": "integer"}}, {"users": {"a": "integer); drop table x"}}]
)
def test_columns_that_are_not_plain_names_and_types_are_refused(columns: Any) -> None:
    with pytest.raises(LoadScriptInvalid, match="WAREHOUSE_COLUMNS users"):
        script.column_values(columns)


def test_a_name_with_a_line_break_is_refused() -> None:
    with pytest.raises(LoadScriptInvalid, match="results_bucket is"):
        script.quoted_value("results_bucket", "bucket\n")


def test_a_run_id_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="run_id is 'x'"):
        run(
            {"run_id": "x", "entered": ENTERED},
            redshift_data=None,
            secrets=None,
            dynamodb=None,
            settings=SETTINGS,
        )
