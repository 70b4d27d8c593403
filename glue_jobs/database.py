"""Where the application's database is, and what it says of its tables, over one connection of the driver's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pyspark.sql import SparkSession

ADDRESS = ("host", "port", "dbname")
DRIVER = "org.postgresql.Driver"
# A system property of Glue's Java machines: the file of the certificates that sign those of RDS. Glue's own library
# reads it for connections whose server is verified (awslabs/aws-glue-libs, JdbcConnectionProperties).
CERTIFICATES = "RDS_ROOT_CERT_PATH"


class SourceRefused(RuntimeError):
    """A configured table or column isn't in the database, or nothing says where the database is."""


@dataclass(frozen=True)
class Source:
    url: str
    username: str
    password: str

    @classmethod
    def from_secret(
        cls, secret: Mapping[str, Any], *, address: Mapping[str, str], certificates: str
    ) -> Source:
        """`secret` as RDS writes it: with host, port and dbname, or without where `address` has them.

        `certificates` is the file whose certificates the server's must come from; its name must be the host's as well.
        Raises SourceRefused for what neither has.
        """
        known = {**secret, **address}
        lacks = [name for name in (*ADDRESS, "username", "password") if name not in known]
        if lacks:
            raise SourceRefused(
                f"the secret of the database has no {', '.join(lacks)}: add it to the secret; of an existing cluster, "
                "sources.aurora.endpoint, port and database say where it is"
            )
        place = f"{known['host']}:{known['port']}/{known['dbname']}"
        verified = f"sslmode=verify-full&sslrootcert={quote(certificates)}"
        return cls(f"jdbc:postgresql://{place}?{verified}", secret["username"], secret["password"])


def certificates(spark: SparkSession, given: str) -> str:
    """The file that is configured, or else Glue's own. Raises SourceRefused where there is neither."""
    if given:
        return given
    jvm: Any = spark._jvm
    found = jvm.java.lang.System.getProperty(CERTIFICATES)
    if not found:
        raise SourceRefused(
            f"Glue's Java has no property {CERTIFICATES}, so the database's certificate can't be verified: set "
            "sources.aurora.certificate_file to a file of RDS's certificates on the job's machines"
        )
    return str(found)


@contextmanager
def connection(spark: SparkSession, source: Source) -> Iterator[Any]:
    """A read-only transaction that stays open while the tables are read: the snapshot lives as long as it."""
    jvm: Any = spark._jvm
    properties = jvm.java.util.Properties()
    properties.setProperty("user", source.username)
    properties.setProperty("password", source.password)
    connected = jvm.org.postgresql.Driver().connect(source.url, properties)
    try:
        connected.setReadOnly(True)
        connected.setAutoCommit(False)
        connected.setTransactionIsolation(jvm.java.sql.Connection.TRANSACTION_REPEATABLE_READ)
        # It is idle while others read, for longer than a server may allow.
        execute(connected, "set idle_in_transaction_session_timeout = 0")
        yield connected
    finally:
        connected.close()


def execute(connected: Any, sql: str) -> None:
    statement = connected.createStatement()
    statement.execute(sql)
    statement.close()


def values(connected: Any, sql: str, *parameters: str) -> list[str]:
    """The first column of a small result."""
    statement = connected.prepareStatement(sql)
    for position, parameter in enumerate(parameters, start=1):
        statement.setString(position, parameter)
    rows = statement.executeQuery()
    found = []
    while rows.next():
        found.append(rows.getString(1))
    statement.close()
    return found


def first_value(connected: Any, sql: str, *parameters: str) -> str:
    return values(connected, sql, *parameters)[0]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
