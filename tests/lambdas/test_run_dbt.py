from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.run_dbt import __main__ as program
from lambdas.run_dbt import build, profile
from lambdas.run_dbt.environment import Environment

ROOT = Path(__file__).parents[2]
COLUMNS = {"users": {"user_id": "varchar(256)"}}
VARIABLES = {"click_event": "tap", "audiences": {"personal": "user"}}


def result(unique_id: str, status: str, message: str = "") -> Any:
    kind = unique_id.split(".")[0]
    node = SimpleNamespace(unique_id=unique_id, resource_type=kind)
    return SimpleNamespace(node=node, status=status, message=message)


def test_models_and_tests_are_counted_apart() -> None:
    results = [result("model.a", "success"), result("model.b", "success"), result("test.c", "pass")]
    build.check(results)
    assert build.counts([*results, result("unit_test.d", "pass"), result("seed.e", "success")]) == {
        "models": 2,
        "tests": 2,
    }


def test_failed_nodes_are_named_with_what_they_said_and_skipped_ones_are_not() -> None:
    results = [
        result("model.good", "success"),
        result("model.bad", "error", "column x does not exist"),
        result("test.wrong", "fail", "Got 3 results"),
        result("model.after", "skipped"),
    ]
    with pytest.raises(build.DbtBuildFailed) as raised:
        build.check(results)
    assert str(raised.value).splitlines() == [
        "2 nodes failed:",
        "model.bad (error): column x does not exist",
        "test.wrong (fail): Got 3 results",
    ]


def test_the_prices_that_are_packaged_with_the_function_are_a_variable(
    stubbed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The template has none of them: it is the same in every region."""
    monkeypatch.setattr(profile, "PRICES", tmp_path / "prices.json")
    prices = [{"driver": "Glue compute", "usd": 0.44, "read_on": "2026-11-28"}]
    profile.PRICES.write_text(json.dumps(prices))
    client, stubber = stubbed("redshift-serverless")
    workgroup = {"endpoint": {"address": "host.example", "port": 5439}}
    stubber.add_response("get_workgroup", {"workgroup": workgroup})
    stubber.add_response("get_credentials", {"dbUser": "IAMR:run-dbt", "dbPassword": "secret"})
    settings = Environment("workgroup", "analytics", COLUMNS, VARIABLES)
    found = profile.variables(settings, redshift_serverless=client)["WAREHOUSE_VARIABLES"]
    assert json.loads(found) == VARIABLES | {"prices": prices}


def test_address_and_credentials_come_from_redshift_serverless(stubbed: Any) -> None:
    client, stubber = stubbed("redshift-serverless")
    stubber.add_response(
        "get_workgroup",
        {"workgroup": {"endpoint": {"address": "host.example", "port": 5439}}},
        {"workgroupName": "workgroup"},
    )
    stubber.add_response(
        "get_credentials",
        {"dbUser": "IAMR:run-dbt", "dbPassword": "secret"},
        {"workgroupName": "workgroup", "dbName": "analytics", "durationSeconds": 3600},
    )
    settings = Environment("workgroup", "analytics", COLUMNS, VARIABLES)
    assert profile.variables(settings, redshift_serverless=client) == {
        "DBT_HOST": "host.example",
        "DBT_PORT": "5439",
        "DBT_USER": "IAMR:run-dbt",
        "DBT_PASSWORD": "secret",
        "DBT_DATABASE": "analytics",
        "DBT_SCHEMA": "marts",
        "WAREHOUSE_COLUMNS": '{"users": {"user_id": "varchar(256)"}}',
        "WAREHOUSE_VARIABLES": '{"click_event": "tap", "audiences": {"personal": "user"}}',
    }


@pytest.mark.parametrize("status", ["CREATING", "MODIFYING", "DELETING"])
def test_a_warehouse_without_an_address_is_named_with_its_status(stubbed: Any, status: Any) -> None:
    client, stubber = stubbed("redshift-serverless")
    stubber.add_response("get_workgroup", {"workgroup": {"workgroupName": "shop", "status": status}})
    with pytest.raises(
        profile.WarehouseHasNoAddress, match=f"workgroup shop is {status} and has no address yet"
    ):
        profile.variables(Environment("shop", "analytics", COLUMNS, VARIABLES), redshift_serverless=client)


def test_dbt_writes_only_below_its_work_folder(tmp_path: Path) -> None:
    arguments = build.arguments(project=Path("/project"), work=tmp_path)
    options = dict(zip(arguments[:8:2], arguments[1:8:2], strict=True))
    assert options == {
        "--project-dir": "/project",
        "--profiles-dir": "/project",
        "--target-path": str(tmp_path / "target"),
        "--log-path": str(tmp_path / "logs"),
    }


PROJECT = {
    "dbt_project.yml": "name: tiny\nversion: '1.0.0'\nconfig-version: 2\nprofile: tiny\n",
    "profiles.yml": "tiny:\n  target: postgres\n  outputs:\n    postgres:\n"
    "      type: postgres\n      host: \"{{ env_var('DBT_HOST') }}\"\n"
    "      port: \"{{ env_var('DBT_PORT') | as_number }}\"\n      user: \"{{ env_var('DBT_USER') }}\"\n"
    "      password: \"{{ env_var('DBT_PASSWORD') }}\"\n      dbname: \"{{ env_var('DBT_DATABASE') }}\"\n"
    "      schema: \"{{ env_var('DBT_SCHEMA') }}\"\n      threads: 2\n",
    "models/one.sql": "{{ config(materialized='table') }} select 1 as id",
    "models/two.sql": "select id + 1 as id from {{ ref('one') }}",
    "models/models.yml": "models:\n  - name: one\n    columns: [{name: id, data_tests: [not_null]}]\n"
    # Never run by a run's build: it would fail.
    "unit_tests:\n  - name: wrong\n    model: two\n    given: [{input: ref('one'), rows: [{id: 1}]}]\n"
    "    expect: {rows: [{id: 3}]}\n",
    "tests/two_is_two.sql": "select * from {{ ref('two') }} where id <> 2",
}

# Lambda has no /dev/shm: making a semaphore fails as it does there.
RUN_AS_ON_LAMBDA = """
import json, sys
from pathlib import Path
import multiprocessing.synchronize as synchronize

def no_semaphores(self, *args, **named):
    raise OSError(38, "Function not implemented")

synchronize.SemLock.__init__ = no_semaphores
from lambdas.run_dbt import build
project, work, variables = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
if len(sys.argv) > 4:
    build.use_thread_locks = lambda: None
try:
    print("ANSWER", json.dumps(build.build(project=project, work=work, variables=variables)))
except build.DbtBuildFailed as error:
    print("FAILED", str(error))
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from osusume_endpoint import postgres

    server = postgres.start(home=tmp_path_factory.mktemp("warehouse"))
    connection = server.connect()
    with connection.cursor() as cursor:
        cursor.execute("create role dbt login password 'dbt' superuser")
    yield {
        "DBT_HOST": server.address.host,
        "DBT_PORT": str(server.address.port),
        "DBT_USER": "dbt",
        "DBT_PASSWORD": "dbt",
        "DBT_DATABASE": "postgres",
        "DBT_SCHEMA": "marts",
    }
    connection.close()
    server.stop()


@pytest.fixture
def built(tmp_path: Path, warehouse: dict[str, str]) -> Any:
    def run(changes: dict[str, str] | None = None, *flags: str) -> str:
        project = tmp_path / "project"
        for name, text in (PROJECT | (changes or {})).items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text)
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                RUN_AS_ON_LAMBDA,
                str(project),
                str(tmp_path / "work"),
                json.dumps(warehouse),
                *flags,
            ],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
        )
        left = sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file())
        assert left == sorted(PROJECT | (changes or {})), "the zip is read-only"
        return done.stdout + done.stderr

    return run


@pytest.mark.slow
@pytest.mark.nightly
def test_dbt_builds_where_no_semaphore_can_be_made(built: Any) -> None:
    assert 'ANSWER {"models": 2, "tests": 2, "failed": []}' in built()


@pytest.mark.slow
@pytest.mark.nightly
def test_without_thread_locks_dbt_could_not_start_there(built: Any) -> None:
    output = built(None, "keep-semaphores")
    assert "ANSWER" not in output and "Function not implemented" in output


@pytest.mark.slow
def test_a_failing_build_names_model_and_test(built: Any) -> None:
    output = built({"models/bad.sql": "select nothing from nowhere", "tests/two_is_two.sql": "select 1"})
    assert "FAILED 2 nodes failed:" in output
    assert "model.tiny.bad (error)" in output and "test.tiny.two_is_two (fail)" in output


@pytest.mark.slow
@pytest.mark.nightly
def test_a_project_that_does_not_parse_is_a_failed_build(built: Any) -> None:
    output = built({"models/bad.sql": "select * from {{ ref('missing') }}"})
    assert "FAILED dbt did not get to building" in output and "missing" in output


class TestProgram:
    """`python -m lambdas.run_dbt`, as a build of CodeBuild runs it."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("RUN_ID", "20261124T030000Z")
        return tmp_path

    def test_it_builds_for_the_run_that_it_is_given(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran: list[str] = []
        monkeypatch.setattr("lambdas.run_dbt.handler.run", ran.append)
        assert program.main() == 0
        assert ran == ["20261124T030000Z"] and not (folder / "failure").exists()

    def test_what_went_wrong_is_left_for_the_workflow_no_longer_than_it_takes(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(run_id: str) -> None:
            raise build.DbtBuildFailed("2 nodes failed:\n" + "é" * 5000)

        monkeypatch.setattr("lambdas.run_dbt.handler.run", fail)
        with pytest.raises(build.DbtBuildFailed):
            program.main()
        said = (folder / "failure").read_text()
        assert said.startswith("DbtBuildFailed: 2 nodes failed:\né") and len(said) == program.CHARACTERS
