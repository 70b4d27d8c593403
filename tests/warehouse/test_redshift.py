"""The project as Redshift gets it, compiled without a connection."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from lambdas.analyse_experiments import store
from lambdas.load_warehouse import progress, script
from osusume_endpoint.redshift import reserved
from tests import example
from tests.warehouse.conftest import WAREHOUSE, dbt
from tests.warehouse.redshift import FORBIDDEN, findings
from tests.warehouse.redshift_parser import unparsable
from warehouse.load import tables
from warehouse.load.columns import warehouse_columns

POSTGRES_ONLY = [
    "select sum(x) filter (where y) from t",
    "select distinct on (a) a, b from t",
    "select * from t, lateral (select 1) as s",
    "select string_agg(a, ',') from t",
    "insert into t values (1) on conflict do nothing",
    "insert into t values (1) returning a",
    "create index i on t (a)",
    "select * from generate_series(1, 3)",
    "select cast(a as json) from t",
    "select json_agg(a) from t",
    "select a ->> 1 from t",
    "select a::uuid from t",
    "select a::text, b from t",
    "select a::text::float from t",
    "select cast(a as text) from t",
    "select cast(a as varchar) from t",
    "select * from t tablesample system (1)",
    "select * from t fetch first 3 rows only",
    "select 1 except all select 2",
    "create table t (a int unique nulls not distinct)",
    "select count(distinct a, b) from t",
    "select sum(a) over (order by b range between interval '1 day' preceding and current row) from t",
    "alter table t add column if not exists a int",
    "select avg(a) from t",
    "select a / b from t",
]
REDSHIFT = [
    "select avg(cast(a as double precision)) from t",
    "select cast(a as double precision) / b from t",
    "select 'distinct on, a -> b' as note from t -- filter (where x)",
    "select cast(a as varchar(64)) from t",
    "select json_extract_array_element_text(a, 0, true), json_array_length(a, true) from t",
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("redshift")
    # As from the second build on, which is all of the first and what keeps to new runs.
    variables = json.dumps({"as_incremental": True})
    build = dbt("compile", "--no-introspect", "--no-populate-cache", "--vars", variables, folder=folder)
    assert build.code == 0, build.output
    return sorted((folder / "target" / "compiled").rglob("*.sql"))


@pytest.mark.parametrize("statement", POSTGRES_ONLY)
def test_what_only_postgresql_runs_is_found(statement: str) -> None:
    assert findings(statement)


@pytest.mark.parametrize("statement", REDSHIFT)
def test_what_redshift_runs_is_let_through(statement: str) -> None:
    assert findings(statement) == []


def test_every_pattern_has_a_statement_that_it_alone_or_with_others_finds() -> None:
    unused = [
        pattern
        for pattern in FORBIDDEN
        if not any(re.search(pattern, statement, re.IGNORECASE) for statement in POSTGRES_ONLY)
    ]
    assert unused == []


@pytest.mark.slow
def test_every_model_and_test_compiles_offline_to_what_redshift_runs(compiled: list[Path]) -> None:
    models = {
        path.stem
        for path in compiled
        if path.parent.name
        in ("marts", "shop", "application_log", "personalize", "quality", "experiments", "pipeline")
    }
    assert models >= {path.stem for path in (WAREHOUSE / "models").rglob("*.sql")}
    problems = {path.stem: findings(path.read_text()) for path in compiled}
    assert {name: found for name, found in problems.items() if found} == {}


@pytest.mark.slow
def test_what_adds_to_history_is_compiled_with_what_keeps_to_new_runs(compiled: list[Path]) -> None:
    added = {path.stem for path in compiled if "not in (select run_id from" in path.read_text()}
    assert added == {"fct_inference_results", "fct_rule_actions"}


def test_every_model_has_its_description_and_a_test_beside_it() -> None:
    models = sorted((WAREHOUSE / "models").rglob("*.sql"))
    lacking = [
        path.stem
        for path in models
        if not (yml := path.with_suffix(".yml")).exists()
        or "description: " not in yml.read_text()
        or "data_tests" not in yml.read_text()
    ]
    assert models
    assert lacking == []


def load_statements(columns: dict[str, dict[str, str]] | None = None) -> list[str]:
    values = {
        "results_bucket": "bucket",
        "run_id": "20260101T000000Z",
        "history_from": "20240103T030405Z",
        "copy_role_arn": "arn:aws:iam::1:role/copy",
        "dbt_user": "IAMR:dbt",
    }
    made = script.column_values(columns or warehouse_columns(example.settings().datasets))
    made |= script.noted(progress.NOTHING | {"mode": "full", "dpu_hours": 0.5})
    return script.statements(folder=script.FOLDER, values=values | made)


def every_statement() -> list[str]:
    """All that the loader and the analysis may send, and what prepares an empty and yesterday's warehouse."""
    yesterday = {
        name: {column: _narrow(kind) for column, kind in list(table.columns.items())[:-1]}
        for name, table in tables.MADE.items()
    }
    stored = store.statements(
        bucket="bucket",
        run_id="20260101T000000Z",
        copy_role_arn="arn:aws:iam::1:role/copy",
        history_from="20240103T030405Z",
    )
    prepared = [
        statement
        for columns in ({}, yesterday)
        for statement in script.preparation(
            columns=columns, roles=[], users=[], dbt_user="IAMR:dbt", reader_password=lambda: "x"
        )
    ]
    return [*load_statements(), *stored, *prepared, *script.INSPECTION, script.LOAD_ERROR]


def _narrow(kind: str) -> str:
    return "varchar(12)" if kind.startswith("varchar") else kind


def test_the_load_fits_one_batch_of_the_data_api() -> None:
    statements = load_statements()
    assert 20 < len(statements) <= 40
    assert all(statements)
    assert {statement.split()[0] for statement in statements} == {
        "create",
        "drop",
        "copy",
        "delete",
        "insert",
        "grant",
    }


def test_the_load_is_sql_that_redshift_runs() -> None:
    assert [found for statement in every_statement() for found in findings(statement)] == []


def test_every_statement_of_the_loader_parses_as_redshifts() -> None:
    statements = every_statement()
    assert len(statements) > 55
    assert {s: found for s in statements if (found := unparsable(s))} == {}


@pytest.mark.parametrize("name", ["raw", "tag", "offset"])
def test_the_parser_refuses_a_reserved_word_without_quotes(name: str) -> None:
    assert unparsable(f"create schema if not exists {name}")
    assert unparsable(f"create table t ({name} integer)")
    assert unparsable(f'create table t ("{name}" integer)') == []


@pytest.mark.slow
def test_every_compiled_model_and_test_parses_as_redshifts(compiled: list[Path]) -> None:
    assert len(compiled) > 40
    problems = {path.stem: unparsable(path.read_text()) for path in compiled}
    assert {name: found for name, found in problems.items() if found} == {}


@pytest.mark.slow
def test_what_a_json_function_gives_is_cast_to_the_width_of_an_id(compiled: list[Path]) -> None:
    """Redshift's functions give varchar(65535), which every join after them would carry."""
    texts = [path.read_text() for path in compiled]
    found = [text[: call.start()] for text in texts for call in re.finditer(r"json_extract_\w+\(", text)]
    assert found and all(before.endswith("cast(") for before in found)
    assert any("as varchar(1024))" in text for text in texts)


@pytest.mark.slow
def test_each_rebuild_of_a_mart_grants_it_to_the_readers_role(compiled: list[Path]) -> None:
    target = next(parent for parent in compiled[0].parents if parent.name == "target")
    nodes = json.loads((target / "manifest.json").read_text())["nodes"].values()
    models = {n["name"]: n["config"] for n in nodes if n["resource_type"] == "model"}
    marts = {name: config["grants"] for name, config in models.items() if config["schema"] != "staging"}
    assert len(marts) == 37
    assert {json.dumps(grants) for grants in marts.values()} == {
        json.dumps({"select": [f"role:{tables.READER}"]})
    }
    assert all(not config["grants"] for config in models.values() if config["schema"] == "staging")
    project = yaml.safe_load((WAREHOUSE / "dbt_project.yml").read_text())
    assert project["flags"]["redshift_grants_extended"] is True, "else `role:` is taken for a user's name"


def test_every_landing_table_is_copied_from_its_folder_of_the_run() -> None:
    copied = {
        re.findall(r"runs/20260101T000000Z/warehouse/(\w+)/'", s)[0]
        for s in load_statements()
        if s.startswith("copy")
    }
    assert copied == {*tables.TABLES, *tables.SNAPSHOTS}
    assert len(copied) == 11


def test_copy_names_every_column_but_the_one_that_has_a_default() -> None:
    configured = warehouse_columns(example.settings().datasets)
    made = {name: tables.snapshot(name, columns) for name, columns in configured.items()}
    for copy in (s for s in load_statements() if s.startswith("copy")):
        table = re.findall(r"warehouse/(\w+)/'", copy)[0]
        named = re.findall(r"\w+", copy.split("(", 1)[1].split(")", 1)[0])
        declared = {**tables.TABLES, **made}[table].columns
        assert named == [name for name in declared if name != "loaded_at"]


def test_the_schema_that_dbt_reads_is_the_one_that_is_loaded() -> None:
    project = yaml.safe_load((WAREHOUSE / "dbt_project.yml").read_text())
    assert project["vars"]["landing"] == tables.SCHEMA
    assert tables.SCHEMA.upper() not in tables.reserved_words()
    assert project["vars"]["columns"] == warehouse_columns(example.settings().datasets)
    measured = example.settings(experiments=example.experiments()).experiments.measured()
    assert project["vars"]["experiments"] == measured
    grants = project["models"]["osusume"]["marts"]["+grants"]["select"]
    assert len(grants) == 1 and grants[0].endswith(tables.READER)


def test_nothing_is_granted_to_everybody() -> None:
    texts = [*every_statement(), *(path.read_text() for path in WAREHOUSE.rglob("*.sql"))]
    texts.append((WAREHOUSE / "dbt_project.yml").read_text())
    assert [text for text in texts if re.search(r"\bto\s+public\b", text, re.IGNORECASE)] == []


def test_the_reserved_words_are_one_list_here_and_in_the_endpoint() -> None:
    assert tables.reserved_words() == reserved.words()
    assert len(tables.reserved_words()) == 156
    assert {"RAW", "TAG", "OPEN", "OFFSET", "PERCENT", "OLD", "USER"} <= tables.reserved_words()


def test_every_width_holds_four_bytes_for_each_character_that_personalize_takes() -> None:
    """Personalize: ids and event types of 256 characters, a category of 1,000 and several of them."""
    configured = warehouse_columns(example.settings().datasets)
    users, items = configured["users"], configured["items"]
    assert users["user_id"] == items["item_id"] == "varchar(1024)"
    assert {kind for name, kind in {**users, **items}.items() if not name.endswith("_id")} == {
        "varchar(65535)",
        "bigint",
    }
    for table in tables.TABLES.values():
        for name, kind in table.columns.items():
            if name.endswith("_id") and name != "run_id":
                assert kind == "varchar(1024)", name
