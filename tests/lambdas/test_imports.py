from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# As stacks/analytics.py packs them.
FOLDERS = {
    "analyse_experiments": ("analysis", "warehouse/load"),
    "build_datasets": ("glue_jobs",),
    "load_warehouse": ("warehouse/load",),
    "run_dbt": ("warehouse",),
}
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_imports_with_no_variables_no_credentials_and_only_its_own_folders(
    function: str, tmp_path: Path
) -> None:
    """The zip holds lambdas/__init__.py, lambdas/<function>, lambdas/shared and what FOLDERS says."""
    (tmp_path / "lambdas").mkdir()
    for part in ("__init__.py", function, "shared"):
        (tmp_path / "lambdas" / part).symlink_to(ROOT / "lambdas" / part)
    for folder in FOLDERS.get(function, ()):
        (tmp_path / folder).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / folder).symlink_to(ROOT / folder)
    code = f"import lambdas.{function}.handler as h, sys; assert callable(h.handler); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    slow = {"boto3", "pydantic", "dbt", "aws_xray_sdk", "config", "glue_jobs"} & set(done.stdout.split())
    assert not slow, "start-up pays for these at import"
