"""Lets the extraction's own user read the application's tables, before each extraction: the tables may be new."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from lambdas.grant_reader import grants
from lambdas.grant_reader.environment import Environment
from lambdas.grant_reader.verifier import SALT_BYTES, scram
from lambdas.shared import environment
from lambdas.shared.clients import client
from lambdas.shared.telemetry import logger


class ReaderNotGranted(RuntimeError):
    """The database refused a grant; names the statement."""


class DatabaseResuming(RuntimeError):
    """A cluster with a lowest capacity of 0 was asleep, or its writer died; it is coming back."""


COMING_BACK = ("DatabaseResumingException", "DatabaseUnavailableException")


@cache
def settings() -> Environment:
    return environment.read(Environment)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    granted = run(rds=client("rds-data"), secrets=client("secretsmanager"), settings=settings())
    logger().info("granted", extra=granted)
    return granted


def run(*, rds: Any, secrets: Any, settings: Environment) -> dict[str, Any]:
    """Raises DatabaseResuming, ReaderNotGranted."""
    answer = secrets.get_secret_value(SecretId=settings.reader_secret_arn)
    reader = json.loads(answer["SecretString"])
    salt = hashlib.sha256(settings.reader_secret_arn.encode()).digest()[:SALT_BYTES]
    where = {
        "resourceArn": settings.cluster_arn,
        "secretArn": settings.administrator_secret_arn,
    }
    transaction = _begun(rds, where, database=settings.database)
    known = [{"name": "verifier", "value": {"stringValue": scram(reader["password"], salt=salt)}}]
    try:
        _execute(rds, where, transaction, grants.REMEMBER, known)
        for statement in grants.statements(
            user=reader["username"], database=settings.database, tables=settings.tables
        ):
            _execute(rds, where, transaction, statement, [])
    except ReaderNotGranted:
        with suppress(ClientError):  # what was refused says more
            rds.rollback_transaction(**where, transactionId=transaction)
        raise
    rds.commit_transaction(**where, transactionId=transaction)
    return {"user": reader["username"], "tables": settings.tables}


def _begun(rds: Any, where: dict[str, str], *, database: str) -> str:
    try:
        return str(rds.begin_transaction(**where, database=database)["transactionId"])
    except ClientError as error:
        if error.response["Error"]["Code"] in COMING_BACK:
            raise DatabaseResuming(str(error)) from error
        raise


def _execute(
    rds: Any, where: dict[str, str], transaction: str, statement: str, parameters: list[Any]
) -> None:
    try:
        rds.execute_statement(**where, transactionId=transaction, sql=statement, parameters=parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] in COMING_BACK:
            raise DatabaseResuming(str(error)) from error
        raise ReaderNotGranted(
            f"{statement}: {error.response['Error'].get('Message')}: create the table, correct "
            "sources.aurora.tables, or let the table's owner grant it"
        ) from error
