"""An embedded warehouse with a few raw rows whose answers are known by heart, built once by dbt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import pytest

from config import settings
from osusume_endpoint import postgres
from tests.warehouse import rows
from warehouse.load.columns import warehouse_columns

WAREHOUSE = Path(__file__).parents[2] / "warehouse"


class Build(NamedTuple):
    output: str
    seconds: float
    code: int


def dbt(*arguments: str, folder: Path, **environment: str) -> Build:
    """Run dbt on the project with its own target folder."""
    started = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments],
        env={
            **os.environ,
            "DBT_PROJECT_DIR": str(WAREHOUSE),
            "DBT_PROFILES_DIR": str(WAREHOUSE),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            **environment,
        },
        capture_output=True,
        text=True,
    )
    return Build(process.stdout + process.stderr, time.monotonic() - started, process.returncode)


def table_statements() -> list[str]:
    """tables.sql as PostgreSQL takes it: without Redshift's placement of rows on nodes."""
    columns = warehouse_columns(settings.load("dev").datasets)
    listed = {
        f"{table}_columns": ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        for table, kinds in columns.items()
    }
    text = Template((WAREHOUSE / "load" / "tables.sql").read_text()).substitute(listed)
    text = re.sub(r"^(diststyle \w+|distkey \(.*?\)|sortkey \(.*?\))", "", text, flags=re.MULTILINE)
    return [
        part
        for part in re.split(r";$", text.replace("getdate()", "now()"), flags=re.MULTILINE)
        if part.strip()
    ]


class Warehouse:
    """One database of the embedded server, and dbt on it."""

    def __init__(self, server: postgres.Server, name: str, folder: Path) -> None:
        self.folder = folder
        self.address = server.address
        self.name = name
        admin = server.connect()
        postgres.ensure_role(admin, name="dbt", password="dbt")
        postgres.ensure_database(admin, name=name, owner="dbt")
        self.connection = server.connect(name)

    def execute(self, statement: str, *values: Any) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def seed(self) -> None:
        for statement in table_statements():
            self.execute(statement)
        for table, columns, values in rows.TABLES:
            marks = ", ".join(["%s"] * len(columns.split(",")))
            for row in values:
                self.execute(f"insert into raw.{table} ({columns}) values ({marks})", *row)
        self.execute("grant usage on schema raw to dbt; grant select on all tables in schema raw to dbt")

    def build(self) -> Build:
        return self._dbt("build")

    def test(self) -> Build:
        """The models first, whatever their tests say, then all tests."""
        run = self._dbt("run")
        assert run.code == 0, run.output
        return self._dbt("test")

    def _dbt(self, command: str) -> Build:
        return dbt(
            command,
            folder=self.folder,
            DBT_ADAPTER="postgres",
            DBT_HOST=self.address.host,
            DBT_PORT=str(self.address.port),
            DBT_USER="dbt",
            DBT_PASSWORD="dbt",
            DBT_DATABASE=self.name,
        )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    with postgres.running(tmp_path_factory.mktemp("warehouse")) as server:
        yield server


@pytest.fixture(scope="session")
def built(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(server, "known", tmp_path_factory.mktemp("dbt"))
    warehouse.seed()
    build = warehouse.build()
    assert build.code == 0, build.output
    return warehouse
