"""An embedded warehouse with a few raw rows whose answers are known by heart, built once by dbt."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from osusume_endpoint import postgres
from osusume_endpoint.redshift.stand_in import ADAPTER
from osusume_endpoint.redshift.warehouse import FUNCTIONS
from tests import example
from tests.warehouse import rows
from warehouse.load import tables
from warehouse.load.columns import warehouse_columns
from warehouse.load.variables import with_prices

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


Columns = dict[str, dict[str, str]]


def table_statements(configured: Columns) -> list[str]:
    """The landing tables as PostgreSQL takes them: without Redshift's placement of rows on nodes."""
    made = {name: tables.snapshot(name, columns) for name, columns in configured.items()}
    created = [tables.create(name, table) for name, table in {**tables.MADE, **made}.items()]
    placements = re.compile(r"\) (diststyle \w+|distkey \(.*?\)) sortkey \([^)]*\)$")
    return [placements.sub(")", one).replace("getdate()", "now()") for one in created]


class Warehouse:
    """One database of the embedded server, and dbt on it."""

    first: Build  # of the fixture

    def __init__(
        self, server: postgres.Server, name: str, folder: Path, *, columns: Columns | None = None
    ) -> None:
        self.folder = folder
        self.columns = columns or warehouse_columns(example.settings().datasets)
        settings = example.settings(experiments=example.experiments())
        # The only metric of the known rows is the one that the gate looks at.
        self.variables = {**with_prices(settings), "gate_metric": "coverage"}
        known = set(self.columns["users"])
        segments = [one for one in self.variables["experiments"]["segments"] if one in known]
        self.variables["experiments"] |= {"segments": segments}
        self.address = server.address
        self.name = name
        admin = server.connect()
        postgres.ensure_role(admin, name="dbt", password="dbt")
        postgres.ensure_database(admin, name=name, owner="dbt")
        self.connection = server.connect(name)
        self.execute("set allow_system_table_mods = on")
        self.execute(FUNCTIONS.read_text())

    def execute(self, statement: str, *values: Any) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def seed(self, *, without: Collection[str] = ()) -> None:
        for role in (tables.READER, tables.TRANSFORMER):
            self.execute(f"do $$ begin create role {role}; exception when duplicate_object then null; end $$")
        self.execute(f"grant {tables.TRANSFORMER} to dbt; create schema {tables.SCHEMA}")
        for statement in table_statements(self.columns):
            self.execute(statement)
        for table, columns, values in rows.TABLES:
            marks = ", ".join(["%s"] * len(columns.split(",")))
            for row in values if table not in without else []:
                self.execute(f"insert into {tables.SCHEMA}.{table} ({columns}) values ({marks})", *row)
        self.execute(
            f"grant usage on schema {tables.SCHEMA} to {tables.TRANSFORMER};"
            f"grant select on all tables in schema {tables.SCHEMA} to {tables.TRANSFORMER}"
        )

    def build(self) -> Build:
        return self._dbt("build")

    def run(self, models: str) -> Build:
        """The models, what they select, and the tests of neither."""
        parents = " ".join(f"+{model}" for model in models.split())
        return self._dbt("run", "--select", parents)

    def test(self) -> Build:
        """The models first, whatever their tests say, then all tests."""
        run = self._dbt("run")
        assert run.code == 0, run.output
        return self._dbt("test")

    def _dbt(self, *command: str) -> Build:
        return dbt(
            *command,
            folder=self.folder,
            PYTHONPATH=str(ADAPTER),
            DBT_HOST=self.address.host,
            DBT_PORT=str(self.address.port),
            DBT_USER="dbt",
            DBT_PASSWORD="dbt",
            DBT_DATABASE=self.name,
            WAREHOUSE_COLUMNS=json.dumps(self.columns),
            WAREHOUSE_VARIABLES=json.dumps(self.variables),
        )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    with postgres.running(tmp_path_factory.mktemp("warehouse")) as server:
        yield server


@pytest.fixture(scope="session")
def built(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(server, "known", tmp_path_factory.mktemp("dbt"))
    warehouse.seed()
    warehouse.first = warehouse.build()
    assert warehouse.first.code == 0, warehouse.first.output
    return warehouse
