"""The warehouse's databases and users in the embedded PostgreSQL."""

from __future__ import annotations

import functools
import hashlib
import hmac
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from osusume_endpoint import postgres
from osusume_endpoint.postgres import Server

OWNER_PREFIX = "redshift namespace "
FUNCTIONS = Path(__file__).with_name("functions.sql")


class NameTaken(ValueError):
    """A database or user of that name belongs to something else on the one local server."""


class Warehouse:
    """Databases of namespaces. Users log in with derived passwords that never leave this machine's state."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._prepared: set[str] = set()

    @functools.cached_property
    def _secret(self) -> bytes:
        return (self.server.folder / "admin.password").read_bytes()

    def password(self, user: str) -> str:
        return hmac.new(self._secret, user.encode(), hashlib.sha256).hexdigest()

    def create_namespace(self, *, name: str, database: str, admin: str, password: str) -> None:
        """The admin is a superuser, as a namespace's admin is in Redshift."""
        owner = OWNER_PREFIX + name
        connection = self.server.connect()
        try:
            self._check_free(connection, "database", database, owner)
            self._check_free(connection, "role", admin, owner)
            self._admin(connection, admin=admin, password=password)
            postgres.ensure_database(connection, name=database, owner=admin)
            for kind, thing in (("database", database), ("role", admin)):
                postgres.set_comment(connection, kind=kind, name=thing, comment=owner)
        finally:
            connection.close()
        self._prepare(database)

    def set_admin(self, *, admin: str, password: str) -> None:
        connection = self.server.connect()
        try:
            self._admin(connection, admin=admin, password=password)
        finally:
            connection.close()

    def _admin(self, connection: Any, *, admin: str, password: str) -> None:
        postgres.ensure_role(connection, name=admin, password=password)
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("alter role {} superuser").format(sql.Identifier(admin)))

    def _check_free(self, connection: Any, kind: str, name: str, owner: str) -> None:
        holder = postgres.owner_comment(connection, kind=kind, name=name)
        if holder not in (None, owner):
            raise NameTaken(
                f"{kind} {name!r} already belongs to {holder or 'the server'}: one local PostgreSQL serves "
                "Aurora and the warehouse, so choose another name"
            )

    def _prepare(self, database: str) -> None:
        """Redshift's functions and views; again in each process, so that an older state gains new ones."""
        self._prepared.add(database)
        connection = self.server.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute("set allow_system_table_mods = on")
                cursor.execute(FUNCTIONS.read_text())
                # Redshift lets everybody connect and create in public.
                cursor.execute("grant create, usage on schema public to public")
                name = sql.Identifier(database)
                cursor.execute(sql.SQL("grant connect, temporary on database {} to public").format(name))
                # Redshift loops over rows only where no equality joins them. PostgreSQL also does where it expects
                # few rows, and of tables that were filled a moment ago it knows nothing.
                cursor.execute(sql.SQL("alter database {} set enable_nestloop = off").format(name))
        finally:
            connection.close()

    def drop_namespace(self, *, database: str, admin: str) -> None:
        connection = self.server.connect()
        try:
            postgres.drop_database(connection, name=database)
            postgres.drop_role(connection, name=admin)
        finally:
            connection.close()
        self._known.clear()
        self._prepared.discard(database)

    def ensure_user(self, user: str) -> str:
        """A user of an IAM identity ("IAMR:role"), made on first use with no grants, as Redshift does."""
        password = self.password(user)
        with self._lock:
            if user not in self._known:
                connection = self.server.connect()
                try:
                    postgres.ensure_role(connection, name=user, password=password)
                finally:
                    connection.close()
                self._known.add(user)
        return password

    def connect(self, *, database: str, user: str, password: str) -> Any:
        with self._lock:
            if database not in self._prepared and self._is_ours(database):
                self._prepare(database)
        address = self.server.address
        return psycopg2.connect(
            host=address.host, port=address.port, user=user, password=password, dbname=database
        )

    def _is_ours(self, database: str) -> bool:
        connection = self.server.connect()
        try:
            comment = postgres.owner_comment(connection, kind="database", name=database)
        finally:
            connection.close()
        return (comment or "").startswith(OWNER_PREFIX)

    def record_load_error(self, *, database: str, user: str, session: int, detail: Mapping[str, Any]) -> None:
        """Keeps the error although the transaction that failed is rolled back."""
        names = ("file_name", "line_number", "column_name", "column_type", "column_length", "error_code",
                 "error_message")  # fmt: skip
        connection = self.server.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute("set allow_system_table_mods = on")
                cursor.execute(
                    f"insert into pg_catalog.load_errors (user_name, session_id, database_name, table_id,"
                    f" start_time, query_id, {', '.join(names)}) values (%s, %s, %s, to_regclass(%s)::oid,"
                    f" clock_timestamp() at time zone 'UTC', 0{', %s' * len(names)})",
                    (user, session, database, detail.get("table"), *(detail.get(name) for name in names)),
                )
        finally:
            connection.close()

    def databases(self, namespace: str) -> list[str]:
        connection = self.server.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "select datname from pg_database "
                    "where shobj_description(oid, 'pg_database') = %s order by 1",
                    (OWNER_PREFIX + namespace,),
                )
                return [name for (name,) in cursor.fetchall()]
        finally:
            connection.close()
