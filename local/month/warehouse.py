"""The warehouse of the month: an endpoint of its own, filled by the product's own load, dbt project and analysis."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config import layout
from config.experiments import designs
from config.settings import Settings
from lambdas.analyse_experiments import environment as analysing
from lambdas.analyse_experiments import handler as analysis
from lambdas.load_warehouse import environment as loading
from lambdas.load_warehouse import handler as load
from lambdas.run_dbt import build, profile
from lambdas.run_dbt import environment as building
from operations.place import Place
from osusume_endpoint.redshift.stand_in import ADAPTER
from osusume_endpoint.testing.cloud import Cloud
from warehouse.load.columns import warehouse_columns
from warehouse.load.tables import READER_USER
from warehouse.load.variables import with_prices

DBT_ROLE, COPY_ROLE = "month-dbt", "month-copy"
# What the analysis reads and the pages of experiments show; the last load builds and tests everything.
DAILY = (
    "mart_experiment_moments",
    "mart_experiment_results",
    "mart_experiment_lines",
    "mart_experiment_placements",
)
LATEST = 4e12  # epoch milliseconds: a load of the month is waited for
Row = Mapping[str, Any]


class MonthFailed(RuntimeError):
    """A load, a build or a statement failed; the message has its own words."""


@dataclass(frozen=True)
class Session:
    """What Place wants of boto3, of the month's endpoint."""

    cloud: Cloud

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    __hash__ = object.__hash__


@dataclass
class Warehouse:
    cloud: Cloud
    settings: Settings
    work: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def made(cls, cloud: Cloud, settings: Settings, *, work: Path) -> Warehouse:
        for bucket in (settings.names.raw_bucket, settings.names.results_bucket):
            cloud.bucket(bucket)
        found = cls(cloud, settings, work)
        cloud.deploy("month", found._resources())
        return found

    @property
    def place(self) -> Place:
        return Place(self.settings, Session(self.cloud))

    def night(self, run_id: str, rows: Mapping[str, Sequence[Row]], *, whole: bool) -> dict[str, Any]:
        """Files, load, marts and analysis of one run; what the analysis answered. Raises MonthFailed."""
        for table in layout.WAREHOUSE_TABLES:
            self._put(run_id, table, rows.get(table, ()))
        self._timed("load", lambda: self._load(run_id))
        self._timed("dbt", lambda: self.build(whole))
        answer: dict[str, Any] = self._timed("analysis", lambda: self.analyse(run_id))
        return answer

    def exposures(self, day: str) -> list[Row]:
        """What the events function kept of the day, each once: the part of the Spark job."""
        s3, bucket = self.cloud.client("s3"), self.settings.names.raw_bucket
        prefix = layout.EXPOSURES.of(day=day, file="")
        bodies = [
            s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in self.cloud.keys(bucket, prefix)
        ]
        lines = [json.loads(line) for body in bodies for line in body.splitlines()]
        return list({line["exposure_id"]: line for line in lines}.values())

    def _timed(self, what: str, act: Any) -> Any:
        started = time.monotonic()
        try:
            return act()
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - started

    def _put(self, run_id: str, table: str, rows: Iterable[Row]) -> None:
        lines = "".join(json.dumps({"run_id": run_id, **row}, ensure_ascii=False) + "\n" for row in rows)
        key = layout.WAREHOUSE.of(run_id=run_id, table=table) + "part-0.json.gz"
        self.cloud.put(self.settings.names.results_bucket, key, gzip.compress(lines.encode()))

    def _load(self, run_id: str) -> None:
        names = {"redshift_data": "redshift-data", "secrets": "secretsmanager", "dynamodb": "dynamodb"}
        clients = {name: self.cloud.client(service) for name, service in names.items()}
        event: dict[str, Any] = {"run_id": run_id, "entered": run_id}
        while True:
            answer = load.run(event, **clients, settings=self._loading())
            if answer["status"] == "FINISHED":
                return
            if answer["status"] in ("FAILED", "ABORTED"):
                raise MonthFailed(f"load of {run_id}: {answer['reason']}")
            event |= {
                "statement": answer["statement"],
                "deadline": LATEST,
                "entered": f"{run_id}-{time.time()}",
            }
            time.sleep(0.2)

    def build(self, whole: bool, *more: str) -> None:
        """All marts and their tests, or those of experiments; `more` is dbt's. Raises MonthFailed.

        In a process of its own, which has the endpoint's adapter in front of Redshift's.
        """
        role = self.cloud.client("redshift-serverless", DBT_ROLE)
        variables = profile.variables(self._building(), redshift_serverless=role)
        command = [*build.COMMAND] if whole else ["run", "--select", *(f"+{name}" for name in DAILY)]
        arguments = [*more, *build.arguments(project=build.PROJECT, work=self.work)]
        done = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", *command, *arguments],
            env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join([str(ADAPTER), *sys.path])},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MonthFailed(f"dbt: {(done.stdout + done.stderr)[-4000:]}")

    def analyse(self, run_id: str) -> dict[str, Any]:
        """What the workflow does after the marts: every experiment's results, stored."""
        return analysis.run(
            {"run_id": run_id},
            clients=self.cloud.client,
            settings=analysing.Environment(*self._where(), copy_role_arn=self._role(COPY_ROLE),
                                           warehouse_secret_arn=self.settings.names.warehouse_secret),
            designs=designs(self.settings.experiments),
        )  # fmt: skip

    def _where(self) -> tuple[str, str, str]:
        names = self.settings.names
        return names.results_bucket, names.warehouse, self.settings.analytics.database

    def _loading(self) -> loading.Environment:
        bucket, workgroup, database = self._where()
        return loading.Environment(
            results_bucket=bucket,
            warehouse_workgroup=workgroup,
            warehouse_database=database,
            copy_role_arn=self._role(COPY_ROLE),
            warehouse_columns=warehouse_columns(self.settings.datasets),
            dbt_user=f"IAMR:{DBT_ROLE}",
            reader_secret_arn=self.settings.names.warehouse_reader_secret,
            warehouse_secret_arn=self.settings.names.warehouse_secret,
        )

    def _building(self) -> building.Environment:
        return building.Environment(
            warehouse_workgroup=self.settings.names.warehouse,
            warehouse_database=self.settings.analytics.database,
            warehouse_columns=warehouse_columns(self.settings.datasets),
            warehouse_variables=with_prices(self.settings),
        )

    def _role(self, name: str) -> str:
        return f"arn:aws:iam::{self.settings.account}:role/{name}"

    def _resources(self) -> dict[str, Any]:
        """Namespace and workgroup under the environment's names, and the secrets of who signs in."""
        names, database = self.settings.names, self.settings.analytics.database
        self.cloud.role(DBT_ROLE, service="lambda.amazonaws.com", actions=["redshift-serverless:*"])
        copy = self.cloud.role(
            COPY_ROLE, service="redshift.amazonaws.com", actions=["s3:GetObject", "s3:ListBucket"]
        )
        secret = self.cloud.client("secretsmanager")
        password = secrets.token_urlsafe(24) + "aA1"
        for name, user, word in (
            (names.warehouse_secret, "administrator", password),
            (names.warehouse_reader_secret, READER_USER, secrets.token_urlsafe(24) + "aA1"),
        ):
            secret.create_secret(Name=name, SecretString=json.dumps({"username": user, "password": word}))
        namespace = {
            "NamespaceName": names.warehouse,
            "DbName": database,
            "AdminUsername": "administrator",
            "AdminUserPassword": password,
            "IamRoles": [copy],
            "DefaultIamRoleArn": copy,
        }
        workgroup = {"WorkgroupName": names.warehouse, "NamespaceName": names.warehouse, "BaseCapacity": 8}
        return {
            "Namespace": {"Type": "AWS::RedshiftServerless::Namespace", "Properties": namespace},
            "Workgroup": {
                "Type": "AWS::RedshiftServerless::Workgroup",
                "DependsOn": "Namespace",
                "Properties": workgroup,
            },
        }
