"""The worker's way of running a script, without Spark: in a process of its own, as it changes the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = """
import json, sys
from pathlib import Path
from unittest.mock import MagicMock
from osusume_endpoint.glue import runner
order = runner.Order(script=sys.argv[1], arguments=["--a", "1"], environment={"MARK": "set"})
result = runner.run(order, spark=MagicMock(), scratch=Path(sys.argv[2]))
print(json.dumps(result))
"""


def _run(tmp_path: Path, script: str) -> tuple[dict[str, str], str]:
    """The result and what was printed before it."""
    path = tmp_path / "script.py"
    path.write_text(script)
    command = [sys.executable, "-c", DRIVER, str(path), str(tmp_path)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    shown = ended.stdout
    *printed, last = shown.splitlines()
    return json.loads(last), "\n".join(printed)


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("pass", {"state": "SUCCEEDED"}),
        ("import sys; sys.exit()", {"state": "SUCCEEDED"}),
        ("import sys; sys.exit(3)", {"state": "FAILED", "error": "SystemExit: 3"}),
        ("import sys; sys.exit('why')", {"state": "FAILED", "error": "SystemExit: why"}),
        ("1 / 0", {"state": "FAILED", "error": "ZeroDivisionError: division by zero"}),
        ("raise KeyError('k')", {"state": "FAILED", "error": "KeyError: 'k'"}),
        (
            "import nothing_such",
            {"state": "FAILED", "error": "ModuleNotFoundError: No module named 'nothing_such'"},
        ),
    ],
)
def test_how_a_script_ends_is_what_is_reported(tmp_path: Path, script: str, result: dict[str, str]) -> None:
    assert _run(tmp_path, script)[0] == result


def test_the_script_is_main_with_its_arguments_environment_and_folder(tmp_path: Path) -> None:
    script = (
        "import os, sys; print(__name__, sys.argv[1:], os.environ['MARK'], os.path.basename(os.getcwd()))"
    )
    assert _run(tmp_path, script)[1] == "__main__ ['--a', '1'] set work"


def test_the_endpoint_is_not_on_the_scripts_path(tmp_path: Path) -> None:
    result, _ = _run(tmp_path, "import sys; del sys.modules['osusume_endpoint']; import osusume_endpoint")
    assert result == {"state": "FAILED", "error": "ModuleNotFoundError: No module named 'osusume_endpoint'"}
    assert _run(tmp_path, "from awsglue.utils import getResolvedOptions")[0] == {"state": "SUCCEEDED"}
