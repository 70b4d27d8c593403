"""Runs statements on the warehouse: each in a thread, with Redshift's statuses."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg2
from psycopg2.extensions import adapt

from osusume_endpoint.errors import ApiError
from osusume_endpoint.network.reach import Missing
from osusume_endpoint.rds import placeholders
from osusume_endpoint.redshift import dialect, loading, options, results, unloading
from osusume_endpoint.redshift.errors import InvalidRedshift, NotTranslatable
from osusume_endpoint.redshift.tokens import scan, words

ENDED = ("FINISHED", "FAILED", "ABORTED")


@dataclass
class Part:
    """One SQL text with its outcome; a batch has several."""

    id: str
    sql: str
    status: str = "SUBMITTED"
    error: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    seconds: float = 0.0
    rows_affected: int = -1
    description: Sequence[Any] | None = None
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def set(self, status: str, *, error: str = "") -> None:
        self.status, self.error, self.updated = status, error, time.time()

    def described(self) -> dict[str, Any]:
        shown = {
            "Id": self.id,
            "QueryString": self.sql,
            "Status": self.status,
            "CreatedAt": self.created,
            "UpdatedAt": self.updated,
            "Duration": int(self.seconds * 1e9),
            "HasResultSet": self.description is not None,
            "ResultRows": len(self.rows) if self.description is not None else self.rows_affected,
            "ResultSize": results.size(self.rows),
            "RedshiftQueryId": 0,
        }
        return {**shown, "Error": self.error} if self.error else shown


@dataclass
class Statement:
    """What one ExecuteStatement or BatchExecuteStatement started."""

    id: str
    parts: list[Part]
    batch: bool
    name: str
    database: str
    user: str
    workgroup: str
    secret: str
    parameters: list[dict[str, str]]
    result_format: str
    session: str
    caller: str
    auto_commit: bool = False
    failed_copy: Mapping[str, Any] | None = None
    status: str = "SUBMITTED"
    error: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    pid: int = 0
    connection: Any = None
    cancelled: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, status: str, *, error: str = "") -> None:
        self.status, self.error, self.updated = status, error, time.time()
        if status in ENDED:
            self.done.set()


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class S3Access:
    """`client(role)` is an S3 client with that role's session; raises ApiError where it may not be used.

    `lacks()` is what the workgroup's network lacks on the way to S3.
    """

    client: Callable[[str], Any]
    lacks: Callable[[], Missing | None]


class Runner:
    def __init__(self, *, threads: int = 8) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="redshift")

    def submit(
        self,
        statement: Statement,
        *,
        open_connection: Callable[[], Any],
        s3: S3Access,
        keep: bool,
        record: Callable[[Statement], None],
    ) -> None:
        """`record` keeps the detail of a COPY that failed, before the statement ends."""
        self._pool.submit(self._run, statement, open_connection, s3, keep, record)

    def _run(
        self,
        statement: Statement,
        open_connection: Callable[[], Any],
        s3: S3Access,
        keep: bool,
        record: Callable[[Statement], None],
    ) -> None:
        try:
            self._execute(statement, open_connection, s3, keep)
        except Exception as error:
            if statement.failed_copy:
                record(statement)
            _fail(statement, error)

    def _execute(
        self, statement: Statement, open_connection: Callable[[], Any], s3: S3Access, keep: bool
    ) -> None:
        """One transaction for the whole statement, as BatchExecuteStatement promises, or one for each part."""
        connection = open_connection()
        with statement.lock:
            if statement.cancelled:
                connection.close()
                raise _Cancelled
            statement.connection, statement.pid = connection, connection.get_backend_pid()
            statement.set("STARTED")
        try:
            _run_parts(connection, statement, s3)
        except BaseException:
            connection.rollback()
            raise
        finally:
            with statement.lock:
                statement.connection = None
            if not keep:
                connection.close()
        statement.set("FINISHED")

    def cancel(self, statement: Statement) -> bool:
        """False when it had already ended."""
        with statement.lock:
            if statement.status in ENDED:
                return False
            statement.cancelled = True
            if statement.connection is not None:
                statement.connection.cancel()
            else:
                _abort(statement)
        return True


def _run_parts(connection: Any, statement: Statement, s3: S3Access) -> None:
    for part in statement.parts:
        try:
            _run_part(connection, part, statement, s3)
        except Exception:
            # Each part stands for itself: the others run, and the batch ends as if all had succeeded.
            if not statement.auto_commit or statement.cancelled:
                raise
            connection.rollback()
        if statement.auto_commit:
            connection.commit()
    connection.commit()


class _Cancelled(Exception):
    """CancelStatement came before the statement began."""


def _run_part(connection: Any, part: Part, statement: Statement, s3: S3Access) -> None:
    part.set("STARTED")
    began = time.monotonic()
    try:
        with connection.cursor() as cursor:
            if statement.batch and not statement.auto_commit and dialect.commits_alone(part.sql):
                raise InvalidRedshift("ALTER TABLE ALTER COLUMN cannot run inside a transaction block")
            run_sql(cursor, part, _bound(part.sql, statement.parameters, connection), s3)
    except BaseException as error:
        part.seconds = time.monotonic() - began
        if isinstance(error, loading.CopyFailed) and error.detail:
            statement.failed_copy = error.detail
        part.set("ABORTED" if statement.cancelled else "FAILED", error=describe(error))
        raise
    part.seconds = time.monotonic() - began
    part.set("FINISHED")


def _bound(sql: str, parameters: Sequence[Mapping[str, str]], connection: Any) -> str:
    """Values are untyped literals: the server infers their types, as in Redshift."""
    values = {parameter["name"]: parameter["value"] for parameter in parameters}

    def render(name: str) -> str:
        if name not in values:
            return f":{name}"
        quoted = adapt(values[name])
        quoted.prepare(connection)
        return str(quoted.getquoted().decode())

    return placeholders.replace(sql, render) if values else sql


def run_sql(cursor: Any, part: Part, sql: str, s3: S3Access) -> None:
    tokens = scan(sql)
    kind = words(tokens, 1)
    if kind in (("COPY",), ("UNLOAD",)):
        dialect.check(tokens)
    if kind == ("COPY",):
        _copy(cursor, part, sql, s3)
    elif kind == ("UNLOAD",):
        _unload(cursor, part, sql, s3)
    else:
        cursor.execute(dialect.translate(sql))
        made = dialect.changed_table(tokens)
        if made:
            cursor.execute("call pg_catalog.count_bytes(to_regclass(%s))", (made,))
        if cursor.description is not None and kind not in (("ANALYZE",), ("VACUUM",), ("ALTER",)):
            part.description, part.rows = cursor.description, cursor.fetchall()
        part.rows_affected = cursor.rowcount


def _copy(cursor: Any, part: Part, sql: str, s3: S3Access) -> None:
    statement = options.parse_copy(sql)
    _check_path(s3)
    client = s3.client(statement.options.role)
    locations = _objects(client, statement)

    def fetch(location: str) -> bytes:
        bucket, _, key = location.removeprefix("s3://").partition("/")
        return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())

    part.rows_affected = loading.copy(cursor, statement, objects=locations, fetch=fetch)


def _check_path(s3: S3Access) -> None:
    """Redshift waits for its connection to time out, and then says as little as this. Raises CopyFailed."""
    missing = s3.lacks()
    if missing:
        raise loading.CopyFailed(f"S3ServiceException: Connection timed out [local: {missing}]")


def _objects(client: Any, statement: options.Copy) -> list[str]:
    import json

    bucket, _, key = statement.source.removeprefix("s3://").partition("/")
    if statement.options["manifest"]:
        entries = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())["entries"]
        return [str(entry["url"]) for entry in entries]
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    found = [
        item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")
    ]
    if not found:
        raise loading.CopyFailed(f"The specified S3 prefix '{key}' does not exist")
    if statement.options.format == "PARQUET":
        # Columnar readers skip hidden files such as Spark's _SUCCESS.
        found = [name for name in found if not name.rsplit("/", 1)[-1].startswith(("_", ".", "#"))]
    return [f"s3://{bucket}/{name}" for name in found]


def _unload(cursor: Any, part: Part, sql: str, s3: S3Access) -> None:
    statement = options.parse_unload(sql)
    _check_path(s3)
    client = s3.client(statement.options.role)
    cursor.execute(dialect.translate(statement.query))
    rows = cursor.fetchall()
    written = unloading.unload(statement, description=cursor.description, rows=rows, s3=client)
    part.rows_affected = written


def describe(error: BaseException) -> str:
    """The message in Redshift's words."""
    from botocore.exceptions import ClientError

    if isinstance(error, psycopg2.errors.CheckViolation):
        return f"ERROR: value too long for the column: {error.diag.constraint_name}"
    if isinstance(error, psycopg2.Error):
        primary = error.diag.message_primary or str(error).strip()
        return "ERROR: " + primary.replace("permission denied for table", "permission denied for relation")
    if isinstance(error, NotTranslatable):
        return f"ERROR: NotEmulated: the local warehouse does not run {error}"
    if isinstance(error, ClientError):
        detail = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"ERROR: S3ServiceException:{detail.get('Message')},Status {status},Error {detail.get('Code')}"
    if isinstance(error, ApiError):
        return f"ERROR: {error.message}"
    return f"ERROR: {error}"


def _fail(statement: Statement, error: BaseException) -> None:
    if statement.cancelled:
        _abort(statement)
        return
    for part in statement.parts:
        if part.status == "SUBMITTED":
            part.set("ABORTED")
    failed = next((i for i, part in enumerate(statement.parts, 1) if part.status == "FAILED"), None)
    where = f"Query #{failed} failed with " if statement.batch and failed else ""
    statement.set("FAILED", error=where + describe(error))


def _abort(statement: Statement) -> None:
    for part in statement.parts:
        if part.status not in ENDED:
            part.set("ABORTED")
    statement.set("ABORTED", error="Query was cancelled")


def now() -> datetime:
    return datetime.now(UTC)
