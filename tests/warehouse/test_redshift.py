"""The project as Redshift gets it, compiled without a connection."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

import pytest

from tests import example
from tests.warehouse.conftest import WAREHOUSE, dbt
from tests.warehouse.redshift import FORBIDDEN, findings
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
    build = dbt("compile", "--no-introspect", "--no-populate-cache", folder=folder)
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
        if path.parent.name in ("marts", "shop", "application_log", "personalize")
    }
    assert models >= {path.stem for path in (WAREHOUSE / "models").rglob("*.sql")}
    problems = {path.stem: findings(path.read_text()) for path in compiled}
    assert {name: found for name, found in problems.items() if found} == {}


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


def load_statements() -> list[str]:
    columns = warehouse_columns(example.settings().datasets)
    values = {
        "database": "analytics",
        "results_bucket": "bucket",
        "run_id": "20260101T000000Z",
        "copy_role_arn": "arn:aws:iam::1:role/copy",
    }
    for table, kinds in columns.items():
        values[f"{table}_columns"] = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        values[f"{table}_column_names"] = ", ".join(kinds)
    text = "\n".join((WAREHOUSE / "load" / name).read_text() for name in ("tables.sql", "load.sql"))
    statements = re.split(r";[ \t]*$", Template(text).substitute(values), flags=re.MULTILINE)
    return [re.sub(r"--.*", "", statement).strip() for statement in statements if statement.strip()]


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
    assert [found for statement in load_statements() for found in findings(statement)] == []


def test_every_raw_table_is_copied_from_its_folder_of_the_run() -> None:
    created = {re.findall(r"raw\.(\w+)", s)[0] for s in load_statements() if s.startswith("create table")}
    copied = {
        re.findall(r"runs/20260101T000000Z/warehouse/(\w+)/'", s)[0]
        for s in load_statements()
        if s.startswith("copy")
    }
    assert copied == created
    assert len(created) == 7


def test_copy_names_every_column_but_the_one_that_has_a_default() -> None:
    tables = {re.findall(r"raw\.(\w+)", s)[0]: s for s in load_statements() if s.startswith("create table")}
    for copy in (s for s in load_statements() if s.startswith("copy")):
        table = re.findall(r"warehouse/(\w+)/'", copy)[0]
        body = tables[table].split("(", 1)[1].replace(" default getdate()", "")
        declared = re.findall(r"(?:^|,)\s*(\w+) (?:varchar|timestamp|double|integer|bigint|boolean)", body)
        named = re.findall(r"\w+", copy.split("(", 1)[1].split(")", 1)[0])
        assert named == [name for name in declared if name != "loaded_at"]
