"""Every mart and column as dbt describes them, in one file that needs no server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.repository import REPOSITORY

PROJECT = REPOSITORY / "warehouse"
FILE = "marts.html"
# What a model is, without asking a warehouse: `docs generate` alone would connect to compile.
COMMANDS = (
    ("parse", "--quiet", "--no-use-colors"),
    ("docs", "generate", "--static", "--no-compile", "--empty-catalog", "--quiet", "--no-use-colors"),
)


class CatalogueFailed(RuntimeError):
    """dbt refused the project; holds what it said."""


def write(folder: Path) -> Path:
    """Returns the file in the folder. Raises CatalogueFailed."""
    work = folder / "dbt"
    settings = {
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    for command in COMMANDS:
        _dbt(command, {**os.environ, **settings})
    file = folder / FILE
    shutil.copyfile(work / "target" / "static_index.html", file)
    shutil.rmtree(work)
    return file


def _dbt(command: tuple[str, ...], environment: dict[str, str]) -> None:
    whole = [sys.executable, "-m", "dbt.cli.main", *command]
    done = subprocess.run(whole, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CatalogueFailed(f"dbt {command[0]}: {(done.stdout + done.stderr).strip()}")
