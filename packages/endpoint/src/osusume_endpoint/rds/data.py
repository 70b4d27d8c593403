"""The RDS Data API on the embedded PostgreSQL."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extras import register_default_json, register_default_jsonb

from osusume_endpoint.errors import ApiError
from osusume_endpoint.postgres import PostgresAddress
from osusume_endpoint.rds import placeholders, values
from osusume_endpoint.service import Operation, RequestContext

RESULT_LIMIT = 1 << 20  # bytes, the API's own limit
Parameters = dict[str, Any]


@dataclass
class Transaction:
    connection: Any
    cluster: str
    lock: threading.Lock = field(default_factory=threading.Lock)


class DataApi:
    """`find_cluster(arn)` gives the emulator's record of an Aurora cluster, or None."""

    def __init__(
        self, *, address: PostgresAddress, find_cluster: Callable[[str], Mapping[str, Any] | None]
    ) -> None:
        self._address = address
        self._find_cluster = find_cluster
        self._transactions: dict[str, Transaction] = {}

    def operations(self) -> dict[str, Operation]:
        return {
            "ExecuteStatement": self.execute,
            "BatchExecuteStatement": self.batch_execute,
            "BeginTransaction": self.begin,
            "CommitTransaction": self.commit,
            "RollbackTransaction": self.rollback,
        }

    def execute(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        _check_single(parameters["sql"])
        with self._connection(context, parameters) as connection, connection.cursor() as cursor:
            statement = _render(parameters["sql"], parameters.get("parameters") or [], connection)
            cursor.execute(statement)
            return _limited(_result(cursor, parameters))

    def batch_execute(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        """All sets in one transaction."""
        _check_single(parameters["sql"])
        sets = parameters.get("parameterSets") or [[]]
        with self._connection(context, parameters) as connection, connection.cursor() as cursor:
            for given in sets:
                cursor.execute(_render(parameters["sql"], given, connection))
        return {"updateResults": [{"generatedFields": []} for _ in sets]}

    def begin(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        connection = self._open(context, parameters)
        identifier = secrets.token_urlsafe(96)
        self._transactions[identifier] = Transaction(connection, parameters["resourceArn"])
        return {"transactionId": identifier}

    def commit(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        self._close(parameters, lambda connection: connection.commit())
        return {"transactionStatus": "Transaction Committed"}

    def rollback(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        self._close(parameters, lambda connection: connection.rollback())
        return {"transactionStatus": "Rollback Complete"}

    def _close(self, parameters: Parameters, end: Callable[[Any], None]) -> None:
        transaction = self._transaction(parameters)
        self._transactions.pop(parameters["transactionId"], None)
        with transaction.lock:
            try:
                with _told():
                    end(transaction.connection)
            finally:
                transaction.connection.close()

    def _transaction(self, parameters: Parameters) -> Transaction:
        transaction = self._transactions.get(parameters["transactionId"])
        if transaction is None or transaction.cluster != parameters["resourceArn"]:
            message = f"Transaction {parameters['transactionId']} is not found"
            raise ApiError("TransactionNotFoundException", message, 404)
        return transaction

    @contextmanager
    def _connection(self, context: RequestContext, parameters: Parameters) -> Iterator[Any]:
        """The transaction's connection, or a new one that commits at the end."""
        if parameters.get("transactionId"):
            transaction = self._transaction(parameters)
            with transaction.lock, _told():  # a cursor, and a value's text, need the connection too
                yield transaction.connection
            return
        connection = self._open(context, parameters)
        try:
            with _told():
                yield connection
                connection.commit()
        finally:
            connection.close()

    def _open(self, context: RequestContext, parameters: Parameters) -> Any:
        cluster = self._find_cluster(parameters["resourceArn"])
        if cluster is None or not cluster.get("_embedded"):
            message = (
                f"HttpEndpoint is not enabled for cluster {parameters['resourceArn']}, or it does not exist"
            )
            raise ApiError("BadRequestException", message)
        if not cluster.get("HttpEndpointEnabled"):
            message = f"HttpEndpoint is not enabled for resource {parameters['resourceArn']}"
            raise ApiError("HttpEndpointNotEnabledException", message)
        secret = read_secret(context, parameters["secretArn"])
        return self._connect(cluster, secret, parameters.get("database"))

    def _connect(self, cluster: Mapping[str, Any], secret: Mapping[str, str], database: str | None) -> Any:
        try:
            connection = psycopg2.connect(
                host=self._address.host,
                port=self._address.port,
                user=secret["username"],
                password=secret["password"],
                dbname=database or cluster["_embedded"]["database"],
                options="-c statement_timeout=45000",  # the API's limit
            )
        except psycopg2.OperationalError as error:
            if _is_away(error):
                raise unavailable(error) from None
            raise ApiError("BadRequestException", str(error).strip()) from None
        # The API gives JSON as its stored text.
        register_default_json(connection, loads=str)
        register_default_jsonb(connection, loads=str)
        return connection


def read_secret(context: RequestContext, arn: str) -> dict[str, str]:
    """Read as the caller, who needs secretsmanager:GetSecretValue in AWS too."""
    from botocore.exceptions import ClientError

    try:
        text = context.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        secret = json.loads(text)
        return {"username": secret["username"], "password": secret["password"]}
    except ClientError as error:
        raise ApiError(error.response["Error"]["Code"], error.response["Error"]["Message"]) from None
    except (ValueError, KeyError, TypeError):
        message = f"Secret {arn} is not a JSON object with username and password"
        raise ApiError("InvalidSecretException", message) from None


def _check_single(sql: str) -> None:
    if not placeholders.is_one_statement(sql):
        raise ApiError("BadRequestException", "Multistatements aren't supported.")


def _render(sql: str, given: list[Parameters], connection: Any) -> str:
    by_name = {parameter.get("name"): parameter for parameter in given}

    def render(name: str) -> str:
        if name not in by_name:
            raise ApiError("BadRequestException", f"Parameter :{name} is used in the SQL and has no value")
        return values.literal(by_name[name], connection)

    return placeholders.replace(sql, render)


@contextmanager
def _told() -> Iterator[None]:
    """An error of the database is the API's. Raises ApiError."""
    try:
        yield
    except psycopg2.Error as error:
        raise database_error(error) from None


# PostgreSQL, appendix A: class 57 is of a server that shuts down, crashed or starts up. A connection that broke,
# or could not be made, has no code; a password that is wrong has none either, and says so.
AWAY = ("57P01", "57P02", "57P03")
# How each message of 57P03 begins that refuses a connection, which has no code: it is starting up, shutting down, in
# recovery mode, not yet accepting connections, not accepting connections (PostgreSQL, backend_startup.c).
NOT_NOW = "the database system is "
BROKEN = (
    *("connection refused", "closed", "connection reset", "could not receive data"),
    "terminating connection",  # while it was being made
)


def _is_away(error: psycopg2.Error) -> bool:
    text = str(error).lower()
    return (
        error.pgcode in AWAY or NOT_NOW in text or (not error.pgcode and any(part in text for part in BROKEN))
    )


def unavailable(error: psycopg2.Error) -> ApiError:
    """API reference, DatabaseUnavailableException: the writer instance isn't available."""
    return ApiError("DatabaseUnavailableException", str(error).strip(), 504)


def database_error(error: psycopg2.Error) -> ApiError:
    """`ERROR: relation "x" does not exist; Position: 15; SQLState: 42P01`; another code where the server is gone."""
    if _is_away(error):
        return unavailable(error)
    message = error.diag.message_primary or str(error).strip()
    position = f"; Position: {error.diag.statement_position}" if error.diag.statement_position else ""
    return ApiError("DatabaseErrorException", f"ERROR: {message}{position}; SQLState: {error.pgcode}")


def _result(cursor: Any, parameters: Parameters) -> dict[str, Any]:
    updated = 0 if (cursor.statusmessage or "").startswith("SELECT") else max(cursor.rowcount, 0)
    result: dict[str, Any] = {"numberOfRecordsUpdated": updated, "generatedFields": []}
    if cursor.description is None:
        return result
    rows = cursor.fetchall()
    if parameters.get("formatRecordsAs") == "JSON":
        names = [column.name for column in cursor.description]
        return {**result, "formattedRecords": values.formatted(names, rows)}
    options = parameters.get("resultSetOptions") or {}
    result["records"] = [[values.field(value, options) for value in row] for row in rows]
    if parameters.get("includeResultMetadata"):
        result["columnMetadata"] = values.metadata(cursor.description)
    return result


def _limited(result: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(result, default=str)) > RESULT_LIMIT:
        raise ApiError("BadRequestException", "Database returned more than the allowed response size limit")
    return result
