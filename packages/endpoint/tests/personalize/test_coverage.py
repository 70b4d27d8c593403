"""The coverage table, and that nothing is missing from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from osusume_endpoint.personalize import coverage


def test_every_operation_is_implemented_and_called_by_a_test() -> None:
    # Not coverage.TESTS: where the package is installed from its wheel, no tests lie beside its source.
    found = list(coverage.rows(Path(__file__).parent))
    assert len(found) == 71 + 3 + 5
    assert [operation for _, operation, implemented, _ in found if not implemented] == []
    assert [operation for _, operation, _, tested in found if not tested] == []


def test_an_operation_that_no_test_calls_shows_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("def test(world):\n    world.personalize.create_schema(name='a')\n")
    table = coverage.table(tmp_path)
    assert "| personalize | CreateSchema | yes | yes |" in table
    assert "| personalize | DeleteSchema | yes | no |" in table
    assert table.endswith("79 operations: 79 implemented, 1 tested.")


def test_the_endpoint_starts_without_the_libraries_that_train() -> None:
    """Start and idle memory: workers load these, and the endpoint when a campaign answers."""
    heavy = {"pandas", "pyarrow", "lightgbm", "scipy"}
    code = "import sys, osusume_endpoint.personalize.plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(loaded.stdout.split()) == set()
