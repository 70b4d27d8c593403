"""Every word that Redshift reserves, as the name of a configured field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config import rules
from config.settings import DatasetField
from osusume_endpoint import postgres
from tests.warehouse import conftest
from tests.warehouse.conftest import Warehouse, dbt
from tests.warehouse.redshift_parser import unparsable
from tests.warehouse.test_redshift import load_statements
from warehouse.load import tables

WORDS = sorted(word.lower() for word in tables.reserved_words())
REFUSED = {"oid"}
NAMES = [word for word in WORDS if word not in REFUSED]
COLUMNS = {
    table: {key: "varchar(1024)", **dict.fromkeys(NAMES, "varchar(64)")}
    for table, key in tables.SNAPSHOTS.items()
}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("key", ["USER_ID", "ITEM_ID"])
def test_a_reserved_word_is_a_field_or_is_refused_with_the_cure(key: str, word: str) -> None:
    fields = [DatasetField(name=key, column="id"), _field(word)]
    if word in REFUSED:
        with pytest.raises(
            ValueError, match=r"OID is a system column of Redshift.*give the field another name"
        ):
            rules.check_fields(key, fields)
    else:
        rules.check_fields(key, fields)


@pytest.mark.parametrize("name", ["TABLEOID", "XMIN", "CMIN", "XMAX", "CMAX", "CTID", "RUN_ID", "LOADED_AT"])
@pytest.mark.parametrize("key", ["USER_ID", "ITEM_ID"])
def test_what_no_quotes_make_a_column_is_refused(key: str, name: str) -> None:
    fields = [DatasetField(name=key, column="id"), _field(name)]
    with pytest.raises(ValueError, match=f"fields: {name} is a .*: give the field another name"):
        rules.check_fields(key, fields)


@pytest.mark.parametrize("table", ["users", "items"])
def test_what_the_marts_add_is_refused_as_a_field(table: str) -> None:
    mart = (conftest.WAREHOUSE / "models" / "marts" / f"dim_{table}.sql").read_text()
    added = {
        line.strip().rstrip(",").split(" as ")[-1].split(".")[-1]
        for line in mart.split("final as (")[1].split("from ")[0].splitlines()
        if " as " in line or line.strip().startswith(("user_orders.", "item_orders."))
    }
    assert len(added) >= 5
    assert added <= tables.MADE_COLUMNS[table]


def test_every_statement_of_a_load_with_reserved_fields_parses_as_redshifts() -> None:
    found = {s: problem for s in load_statements(COLUMNS) if (problem := unparsable(s))}
    assert found == {}
    create = next(s for s in load_statements(COLUMNS) if s.startswith("create table landing.users"))
    assert unparsable(create.replace('"tag"', "tag")), "the parser would not see a name without quotes"


@pytest.mark.nightly
@pytest.mark.slow
def test_every_model_with_reserved_fields_parses_as_redshifts(tmp_path: Path) -> None:
    offline = (
        "compile",
        "--no-introspect",
        "--no-populate-cache",
        "--select",
        "stg_shop__users+ stg_shop__items+",
    )
    build = dbt(*offline, folder=tmp_path, DBT_ADAPTER="redshift", WAREHOUSE_COLUMNS=json.dumps(COLUMNS))
    assert build.code == 0, build.output
    compiled = sorted((tmp_path / "target" / "compiled").rglob("*.sql"))
    assert {path.stem for path in compiled} >= {"dim_users", "dim_items", "stg_shop__users"}
    assert {path.stem: found for path in compiled if (found := unparsable(path.read_text()))} == {}


@pytest.mark.nightly
@pytest.mark.slow
def test_marts_with_reserved_fields_are_built(server: postgres.Server, tmp_path: Path) -> None:
    warehouse = Warehouse(server, "reserved", tmp_path, columns=COLUMNS)
    warehouse.seed(without={"users", "items"})
    warehouse.execute(
        "insert into landing.users (run_id, user_id, tag, \"user\") values ('r', 'u', 't', 'x')"
    )
    build = warehouse.run("dim_users dim_items")
    assert build.code == 0, build.output
    assert warehouse.select('select user_id, tag, "user", "offset" from marts.dim_users') == [
        ("u", "t", "x", None)
    ]


def _field(name: str) -> DatasetField:
    return DatasetField(name=name.upper(), column="c", categorical=True, nullable=True)
