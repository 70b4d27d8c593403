"""What the Data API answers while its server is gone."""

from __future__ import annotations

import psycopg2
import pytest

from osusume_endpoint.rds.data import database_error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (psycopg2.InterfaceError("connection already closed"), "DatabaseUnavailableException"),
        (
            psycopg2.OperationalError("server closed the connection unexpectedly"),
            "DatabaseUnavailableException",
        ),
        (
            psycopg2.OperationalError("FATAL:  the database system is starting up"),
            "DatabaseUnavailableException",
        ),
        (psycopg2.OperationalError("connection failed: Connection refused"), "DatabaseUnavailableException"),
        (psycopg2.ProgrammingError("syntax error"), "DatabaseErrorException"),
        (psycopg2.OperationalError("FATAL:  password authentication failed"), "DatabaseErrorException"),
    ],
)
def test_a_server_that_is_gone_is_told_from_a_statement_that_is_wrong(
    error: psycopg2.Error, code: str
) -> None:
    assert database_error(error).code == code
