"""Takes TLS out of PostgreSQL JDBC URLs inside the Spark worker: of Spark's readers, and of Java's own drivers.

The embedded server is built without TLS, while the scripts rightly ask for sslmode=verify-full. Only URLs of this
machine are touched: a script pointed at another database stays encrypted.
"""

from __future__ import annotations

import re
from typing import Any

_CONNECTING = ("connect", "getConnection")
_LOCAL = re.compile(r"\Ajdbc:postgresql://(127\.0\.0\.1|localhost)(:\d+)?/")


# Databases of this machine that the job's network doesn't reach on AWS, and why.
cut_off: dict[str, str] = {}


class Unreachable(ConnectionError):
    """There is no path to the database; PostgreSQL's driver waits, and says what this says."""


def without_tls(url: str) -> str:
    """A URL's parameters win over the driver's properties, so sslmode in the URL decides.

    Raises Unreachable for a database without a path.
    """
    if not _LOCAL.search(url):
        return url
    database = url.partition("?")[0].rpartition("/")[2]
    if database in cut_off:
        raise Unreachable(f"The connection attempt failed: connect timed out [local: {cut_off[database]}]")
    base, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and not part.lower().startswith("ssl")]
    return f"{base}?{'&'.join([*kept, 'sslmode=disable'])}"


def install() -> None:
    from pyspark.sql.readwriter import DataFrameReader, DataFrameWriter

    for kind in (DataFrameReader, DataFrameWriter):
        _patch(kind)
    _patch_java()


def _patch(kind: Any) -> None:
    option, options, jdbc = kind.option, kind.options, kind.jdbc
    kind.option = lambda self, key, value: option(self, key, _rewritten(key, value))
    kind.options = lambda self, **given: options(self, **{k: _rewritten(k, v) for k, v in given.items()})
    kind.jdbc = lambda self, url, *args, **named: jdbc(self, without_tls(url), *args, **named)


def _patch_java() -> None:
    """Java's methods as Python calls them: Driver.connect, DriverManager.getConnection."""
    from py4j.java_gateway import JavaMember

    called = JavaMember.__call__

    def call(member: Any, *arguments: Any) -> Any:
        if member.name in _CONNECTING:
            arguments = tuple(without_tls(one) if isinstance(one, str) else one for one in arguments)
        return called(member, *arguments)

    JavaMember.__call__ = call


def _rewritten(key: str, value: Any) -> Any:
    return without_tls(value) if key.lower() == "url" and isinstance(value, str) else value
