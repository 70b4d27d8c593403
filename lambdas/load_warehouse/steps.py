"""The steps of a load as statements of the Data API."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.load_warehouse import progress, script
from lambdas.load_warehouse.environment import Environment
from lambdas.shared import times
from warehouse.load import tables

Answer = dict[str, Any]
RUNNING = ("SUBMITTED", "PICKED", "STARTED")
DETAIL_SECONDS = 30  # the longest that the Data API waits with an answer
TOKEN_LENGTH = 64  # of a ClientToken


@dataclass(frozen=True)
class Steps:
    redshift_data: Any
    secrets: Any
    dynamodb: Any
    settings: Environment
    folder: Path
    run_id: str
    token: str

    def inspect(self) -> Answer:
        return self._start("inspect", list(script.INSPECTION))

    def after(self, statement: Mapping[str, str], *, deadline: float) -> Answer:
        """What follows from how the statement stands. Where that can't be learnt just now, it is waited for."""
        try:
            seen = self.redshift_data.describe_statement(Id=statement["id"])
        except (BotoCoreError, ClientError) as error:
            if not _passes(error):
                raise
            return {"statement": dict(statement), "status": "STARTED"}
        status, reason = _outcome(seen)
        if status in RUNNING:
            return self._running(statement, status, late=time.time() * 1000 > deadline)
        if status != "FINISHED":
            return {"statement": dict(statement), "status": status, "reason": reason + self._detail(reason)}
        if statement["step"] == "load":
            return {"statement": dict(statement), "status": status}
        return self._load_or_prepare(statement) if statement["step"] == "inspect" else self.inspect()

    def _running(self, statement: Mapping[str, str], status: str, *, late: bool) -> Answer:
        if not late:
            return {"statement": dict(statement), "status": status}
        self.redshift_data.cancel_statement(Id=statement["id"])
        reason = f"it was cancelled in step {statement['step']}, because its time was up"
        return {"statement": dict(statement), "status": "ABORTED", "reason": reason}

    def _load_or_prepare(self, inspection: Mapping[str, str]) -> Answer:
        columns, roles, users = (self._rows(f"{inspection['id']}:{n}") for n in (1, 2, 3))
        missing = script.preparation(
            columns=tables.as_tables((row[0], row[1], row[2], row[3]) for row in columns),
            roles=[row[0] for row in roles],
            users=[row[0] for row in users],
            dbt_user=self.settings.dbt_user,
            reader_password=self._reader_password,
        )
        if missing:
            # What doesn't fit is found by the inspection that follows.
            return self._start("prepare", missing[: script.MAX_STATEMENTS], ExecutionMode="AUTO_COMMIT")
        return self._start("load", self._load())

    def _load(self) -> list[str]:
        settings = self.settings
        quoted = {
            "results_bucket": settings.results_bucket,
            "run_id": self.run_id,
            "history_from": times.run_before(self.run_id, days=settings.history_days),
            "copy_role_arn": settings.copy_role_arn,
            "dbt_user": settings.dbt_user,
        }
        values = {name: script.quoted_value(name, value) for name, value in quoted.items()}
        made = script.column_values(settings.warehouse_columns)
        known = progress.of_run(self.dynamodb, table=settings.control_table, run_id=self.run_id)
        return script.statements(folder=self.folder, values=values | made | script.noted(known))

    def _reader_password(self) -> str:
        answer = self.secrets.get_secret_value(SecretId=self.settings.reader_secret_arn)
        return str(json.loads(answer["SecretString"])["password"])

    def _start(self, step: str, sqls: Sequence[str], **options: str) -> Answer:
        answer = self.redshift_data.batch_execute_statement(
            **self._where(),
            **options,
            Sqls=list(sqls),
            StatementName=f"{step}-{self.run_id}",
            ClientToken=hashlib.sha256(f"{step}-{self.token}".encode()).hexdigest()[:TOKEN_LENGTH],
        )
        return {"statement": {"id": answer["Id"], "step": step}, "status": "SUBMITTED"}

    def _where(self) -> dict[str, str]:
        """The administrator owns what is loaded; without a secret the Data API connects as this function's role."""
        secret = self.settings.warehouse_secret_arn
        return {
            **({"SecretArn": secret} if secret else {}),
            "WorkgroupName": self.settings.warehouse_workgroup,
            "Database": self.settings.warehouse_database,
        }

    def _rows(self, identifier: str) -> list[list[Any]]:
        pages = self.redshift_data.get_paginator("get_statement_result").paginate(Id=identifier)
        return [[_value(field) for field in record] for page in pages for record in page["Records"]]

    def _detail(self, reason: str) -> str:
        """File, line and column of a COPY's failure, where the warehouse says them in time."""
        if "sys_load_error_detail" not in reason:
            return ""
        answer = self.redshift_data.execute_statement(
            **self._where(),
            Sql=script.LOAD_ERROR,
            StatementName=f"load-error-{self.run_id}",
            WaitTimeSeconds=DETAIL_SECONDS,
        )
        if self.redshift_data.describe_statement(Id=answer["Id"])["Status"] != "FINISHED":
            return ""
        rows = self._rows(answer["Id"])
        names = ("file", "line", "column", "type", "width in bytes")
        return "".join(
            f" | {row[-1]}: " + ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=False))
            for row in rows
        )


def _passes(error: Exception) -> bool:
    """A lost connection, a throttled call or a fault of the service: the next call may succeed."""
    if not isinstance(error, ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or "Throttl" in error.response["Error"]["Code"]


def _outcome(seen: Mapping[str, Any]) -> tuple[str, str]:
    """Status and reason. With AUTO_COMMIT a statement may fail without the batch failing."""
    failed = [one for one in seen.get("SubStatements", []) if one["Status"] == "FAILED"]
    if seen["Status"] == "FINISHED" and failed:
        return "FAILED", f"{failed[0]['QueryString']}: {failed[0].get('Error', 'no error given')}"
    return seen["Status"], seen.get("Error", f"status {seen['Status']}, no error given")


def _value(field: Mapping[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
