from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import ANY

from lambdas.load_warehouse import script
from lambdas.load_warehouse.environment import Environment
from lambdas.load_warehouse.handler import run
from lambdas.load_warehouse.script import LoadScriptInvalid
from lambdas.shared.events import InvalidEvent

RUN = "20261124T030000Z"
ROLE = "arn:aws:iam::111111111111:role/osusume-dev-copy"
COLUMNS = {"users": {"user_id": "varchar(256)", "age": "integer"}, "items": {"item_id": "varchar(256)"}}
SETTINGS = Environment("results-bucket", "workgroup", "analytics", ROLE, COLUMNS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tables.sql").write_text(
        "-- a comment; with a semicolon\ncreate table raw.users (\n"
        "  run_id varchar(16),\n  $users_columns\n);\n"
    )
    (tmp_path / "load.sql").write_text(
        "copy raw.users (run_id, $users_column_names)\n"
        "from 's3://$results_bucket/runs/$run_id/warehouse/users/'\n"
        "iam_role '$copy_role_arn'\nformat json 'auto' gzip;  \n\n"
        "delete from raw.users where run_id < '$run_id';\n"
    )
    return tmp_path


def test_one_batch_is_submitted_and_its_id_answered(stubbed: Any, folder: Path) -> None:
    client, stubber = stubbed("redshift-data")
    stubber.add_response(
        "batch_execute_statement",
        {"Id": "statement-1"},
        {
            "WorkgroupName": "workgroup",
            "Database": "analytics",
            "StatementName": f"load-{RUN}",
            "Sqls": [
                "create table raw.users (\n  run_id varchar(16),\n  user_id varchar(256), age integer\n)",
                f"copy raw.users (run_id, user_id, age)\nfrom 's3://results-bucket/runs/{RUN}/warehouse/users/'\n"
                f"iam_role '{ROLE}'\nformat json 'auto' gzip",
                f"delete from raw.users where run_id < '{RUN}'",
            ],
        },
    )
    answer = run({"run_id": RUN}, redshift_data=client, settings=SETTINGS, folder=folder)
    assert answer == {"statement_id": "statement-1"}
    stubber.assert_no_pending_responses()


def test_the_load_runs_as_the_user_of_the_secret(stubbed: Any, folder: Path) -> None:
    client, stubber = stubbed("redshift-data")
    secret = "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:warehouse-a1b2c3"
    expected = {
        "SecretArn": secret,
        "WorkgroupName": "workgroup",
        "Database": "analytics",
        "StatementName": ANY,
        "Sqls": ANY,
    }
    stubber.add_response("batch_execute_statement", {"Id": "s"}, expected)
    settings = replace(SETTINGS, warehouse_secret_arn=secret)
    assert run({"run_id": RUN}, redshift_data=client, settings=settings, folder=folder)["statement_id"] == "s"


def test_the_repositorys_own_script_renders_into_one_batch(stubbed: Any) -> None:
    values = {"results_bucket": "b", "run_id": RUN, "copy_role_arn": ROLE, "database": "analytics"}
    found = script.statements(folder=script.FOLDER, values=values | script.column_values(COLUMNS))
    assert 10 < len(found) <= 40
    assert not [statement for statement in found if "$" in statement or "--" in statement]
    loaded = {s.split()[1] for s in found if s.startswith("copy ")}
    assert {f"raw.{t}" for t in ("users", "items", "orders", "interactions", "recommendations")} <= loaded


def test_an_unknown_placeholder_is_named_with_those_that_are_known(folder: Path) -> None:
    (folder / "load.sql").write_text("select '$runid';\n")
    with pytest.raises(LoadScriptInvalid, match=r"load\.sql: placeholder \$runid is not known, use one of a"):
        script.render(folder / "load.sql", {"a": "1", "b": "2"})


def test_a_stray_dollar_is_named_with_the_cure(folder: Path) -> None:
    (folder / "load.sql").write_text("select '5$';\n")
    with pytest.raises(LoadScriptInvalid, match=r"write \$\$ for a dollar sign"):
        script.render(folder / "load.sql", {})


@pytest.mark.parametrize(("statements", "fits"), [(39, True), (40, False)])
def test_more_statements_than_a_batch_takes_are_refused(folder: Path, statements: int, fits: bool) -> None:
    (folder / "load.sql").write_text("select 1;\n" * statements)
    values = script.column_values(COLUMNS)
    if fits:
        assert len(script.statements(folder=folder, values=values)) == 40
    else:
        with pytest.raises(LoadScriptInvalid, match="has 41 statements, one batch takes 1 to 40"):
            script.statements(folder=folder, values=values)


@pytest.mark.parametrize("value", ["x'; drop table raw.users; --", "a b", "", "$x"])
def test_a_value_that_could_end_its_quotes_is_refused(value: str) -> None:
    with pytest.raises(LoadScriptInvalid, match="results_bucket is"):
        script.quoted_value("results_bucket", value)


@pytest.mark.parametrize(
    "columns", [{"users": {"a; drop": "integer"}}, {"users": {"a": "integer); drop table x"}}]
)
def test_columns_that_are_not_plain_names_and_types_are_refused(columns: Any) -> None:
    with pytest.raises(LoadScriptInvalid, match="WAREHOUSE_COLUMNS users"):
        script.column_values(columns)


def test_a_run_id_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidEvent, match="run_id is 'x'"):
        run({"run_id": "x"}, redshift_data=None, settings=SETTINGS, folder=folder)
