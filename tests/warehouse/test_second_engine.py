"""The known rows' marts by an engine that isn't the warehouse's, from SQL that a library of others translates."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.second_engine import Model, SecondEngine, Tables, models
from osusume_endpoint import postgres
from tests.warehouse.conftest import Warehouse

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def once(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Built once and never again: the SQL of a second build adds to what is there."""
    warehouse = Warehouse(server, "second", tmp_path_factory.mktemp("second"))
    warehouse.seed()
    build = warehouse.build()
    assert build.code == 0, build.output
    return warehouse


def compared(
    built: Warehouse, folder: Path, change: Callable[[Model], Model] = lambda model: model
) -> dict[str, list[str]]:
    """What differs, by table."""
    engine, tables = SecondEngine(built.name, folder), Tables(built.connection)
    engine.land(tables)
    made = [change(model) for model in models(built.folder / "target")]
    engine.build(made)
    assert {m.table for m in made} == {name for name in tables.columns if not name.startswith("landing.")}
    assert sum(engine.count(model.table) > 0 for model in made) > 0.9 * len(made), "rows to compare"
    found = {model.table: engine.differing(model.table, tables) for model in made}
    return {table: lines for table, lines in found.items() if lines}


def test_both_engines_make_the_same_rows_of_every_model(once: Warehouse, tmp_path: Path) -> None:
    assert compared(once, tmp_path) == {}


@pytest.mark.parametrize(
    ("model", "was", "instead"),
    [
        ("fct_exposures", r"min\(exposed_at\)", "max(exposed_at)"),
        ("mart_funnel", r"count\(\*\)", "count(*) + 1"),
        ("mart_experiment_moments", "sum\\(outcome_outcome\\)", "1.00000001 * sum(outcome_outcome)"),
    ],
)
def test_an_engine_that_answers_otherwise_is_noticed(
    once: Warehouse, tmp_path: Path, model: str, was: str, instead: str
) -> None:
    def changed(one: Model) -> Model:
        if one.name != model:
            return one
        sql, count = re.subn(was, instead, one.sql)
        assert count
        return Model(one.name, one.schema, sql)

    assert f"marts.{model}" in compared(once, tmp_path, changed)
