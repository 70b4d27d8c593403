"""Reads moments of experiments from the warehouse and puts the analysis there, through the Data API."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.analyse_experiments.environment import Environment
from lambdas.shared import times
from lambdas.shared.statements import ended
from warehouse.load import tables

TABLE = "experiment_results"
KEY = "runs/{run_id}/warehouse/{table}/"  # a copy of config/layout.py's WAREHOUSE, which a test compares
FILE = "results.json.gz"


class AnalysisNotStored(RuntimeError):
    """The warehouse did not carry out a statement; the message has the statement and its reason."""


def folder(run_id: str) -> str:
    return KEY.format(run_id=run_id, table=TABLE)


def statements(*, bucket: str, run_id: str, copy_role_arn: str, history_from: str) -> list[str]:
    """One transaction: a run that is analysed again leaves the same rows."""
    name, columns = f"{tables.SCHEMA}.{TABLE}", tables.copied(tables.ANALYSED[TABLE].columns)
    return [
        f"delete from {name} where run_id = '{run_id}'",
        f"copy {name} ({columns})\nfrom 's3://{bucket}/{folder(run_id)}'\niam_role '{copy_role_arn}'\n"
        "format json 'auto'\ngzip\ntimeformat 'auto'",
        f"delete from {name} where run_id < '{history_from}'",
    ]


@dataclass(frozen=True)
class Store:
    redshift_data: Any
    s3: Any
    settings: Environment
    run_id: str
    sleep: Callable[[float], None] = time.sleep

    def rows(self, statement: str) -> Iterator[list[Any]]:
        finished = self._finished(self.redshift_data.execute_statement(**self._where("read"), Sql=statement))
        pages = self.redshift_data.get_paginator("get_statement_result").paginate(Id=finished)
        return ([_value(field) for field in record] for page in pages for record in page["Records"])

    def keep(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raises AnalysisNotStored. Without rows there is nothing that COPY would find."""
        if not rows:
            return
        lines = "".join(json.dumps({"run_id": self.run_id, **row}, ensure_ascii=False) + "\n" for row in rows)
        body = gzip.compress(lines.encode(), mtime=0)
        self.s3.put_object(
            Bucket=self.settings.results_bucket, Key=folder(self.run_id) + FILE, Body=body,
            ContentType="application/gzip",
        )  # fmt: skip
        sqls = statements(
            bucket=self.settings.results_bucket,
            run_id=self.run_id,
            copy_role_arn=self.settings.copy_role_arn,
            history_from=times.run_before(self.run_id, days=self.settings.history_days),
        )
        self._finished(self.redshift_data.batch_execute_statement(**self._where("store"), Sqls=sqls))

    def _where(self, what: str) -> dict[str, str]:
        return {
            "SecretArn": self.settings.warehouse_secret_arn,
            "WorkgroupName": self.settings.warehouse_workgroup,
            "Database": self.settings.warehouse_database,
            "StatementName": f"{what}-experiments-{self.run_id}",
        }

    def _finished(self, started: Mapping[str, Any]) -> str:
        """The id of a statement that has ended well; the function's own time-out ends a wait that doesn't."""
        seen = ended(self.redshift_data, started["Id"], sleep=self.sleep)
        if seen["Status"] != "FINISHED":
            raise AnalysisNotStored(
                f"{seen.get('QueryString', 'a statement')} of run {self.run_id}: "
                f"{seen.get('Error', 'no reason given')}"
            )
        return str(started["Id"])


def _value(field: Mapping[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
