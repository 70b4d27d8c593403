"""What the Data API answers while its server is gone."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest

from osusume_endpoint.errors import ApiError
from osusume_endpoint.rds.data import DataApi, Transaction, database_error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (psycopg2.InterfaceError("connection already closed"), "DatabaseUnavailableException"),
        (
            psycopg2.OperationalError("server closed the connection unexpectedly"),
            "DatabaseUnavailableException",
        ),
        *(
            (
                psycopg2.OperationalError(f"FATAL:  the database system is {state}"),
                "DatabaseUnavailableException",
            )
            for state in (
                "starting up",
                "shutting down",
                "in recovery mode",
                "not accepting connections\nDETAIL:  Hot standby mode is disabled.",
                "not yet accepting connections\nDETAIL:  Consistent recovery state has not been yet reached.",
            )
        ),
        (psycopg2.OperationalError("connection failed: Connection refused"), "DatabaseUnavailableException"),
        (
            psycopg2.OperationalError(
                'connection to server at "127.0.0.1", port 5432 failed: FATAL:  terminating connection due to '
                "unexpected postmaster exit"
            ),
            "DatabaseUnavailableException",
        ),
        (psycopg2.ProgrammingError("syntax error"), "DatabaseErrorException"),
        (psycopg2.OperationalError("FATAL:  password authentication failed"), "DatabaseErrorException"),
    ],
)
def test_a_server_that_is_gone_is_told_from_a_statement_that_is_wrong(
    error: psycopg2.Error, code: str
) -> None:
    assert database_error(error).code == code


class Closed:
    """A connection whose server was killed: libpq refuses whatever needs it."""

    def cursor(self) -> Any:
        raise psycopg2.InterfaceError("connection already closed")


@pytest.mark.parametrize("operation", ["ExecuteStatement", "BatchExecuteStatement"])
def test_a_transaction_whose_server_died_says_so(operation: str) -> None:
    nothing: Any = None
    api = DataApi(address=nothing, find_cluster=lambda arn: None)
    api._transactions["t"] = Transaction(Closed(), "cluster")
    asked = {"sql": "select :x", "transactionId": "t", "resourceArn": "cluster"}
    with pytest.raises(ApiError) as told:
        api.operations()[operation](nothing, asked)
    assert told.value.code == "DatabaseUnavailableException"
