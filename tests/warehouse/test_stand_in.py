"""dbt's `redshift` is the stand-in's where its folder comes first, and dbt-redshift's own elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from osusume_endpoint.lambda_ import archive
from osusume_endpoint.redshift.stand_in import ADAPTER
from tests.warehouse.conftest import WAREHOUSE, dbt

DRIVER = (
    "from dbt.adapters.redshift import Plugin; print(Plugin.adapter.ConnectionManager.__mro__[1].__module__)"
)


@pytest.mark.parametrize(
    ("first", "module"),
    [(str(ADAPTER), "dbt.adapters.postgres.connections"), ("", "dbt.adapters.sql.connections")],
)
def test_the_adapter_is_the_one_that_is_found_first(first: str, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        env={**os.environ, "PYTHONPATH": first},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == module


def test_a_function_finds_its_own_code_before_the_stand_in(tmp_path: Path) -> None:
    paths = archive.import_paths(code=tmp_path / "code", layers=[tmp_path / "layer"])
    assert paths == [str(tmp_path / "code"), str(tmp_path / "layer" / "python"), str(ADAPTER)]


@pytest.mark.nightly
@pytest.mark.slow
def test_both_adapters_make_the_same_of_the_projects_models(tmp_path: Path) -> None:
    """But for dbt's own date arithmetic, which each adapter brings; the statements around the models differ too."""
    compiled = {}
    for name, path in (("redshift", ""), ("stand_in", str(ADAPTER))):
        folder = tmp_path / name
        build = dbt("compile", "--no-introspect", "--no-populate-cache", folder=folder, PYTHONPATH=path)
        assert build.code == 0, build.output
        models = folder / "target" / "compiled" / "osusume" / "models"
        compiled[name] = {path.stem: path.read_text() for path in models.rglob("*.sql")}
    models = {path.stem: path.read_text() for path in (WAREHOUSE / "models").rglob("*.sql")}
    dated = {name for name, text in models.items() if "dbt.date" in text}
    differing = {name for name in models if compiled["redshift"][name] != compiled["stand_in"][name]}
    assert differing <= dated < set(models)
