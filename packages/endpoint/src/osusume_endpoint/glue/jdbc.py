"""Takes TLS out of PostgreSQL JDBC URLs inside the Spark worker.

The embedded server is built without TLS, while the scripts rightly ask for sslmode=require. Only URLs of this
machine are touched: a script pointed at another database stays encrypted.
"""

from __future__ import annotations

import re
from typing import Any

_LOCAL = re.compile(r"^jdbc:postgresql://(127\.0\.0\.1|localhost)(:\d+)?/")


def without_tls(url: str) -> str:
    """A URL's parameters win over the driver's properties, so sslmode in the URL decides."""
    if not _LOCAL.match(url):
        return url
    base, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and not part.lower().startswith(("sslmode=", "ssl="))]
    return f"{base}?{'&'.join([*kept, 'sslmode=disable'])}"


def install() -> None:
    from pyspark.sql.readwriter import DataFrameReader, DataFrameWriter

    for kind in (DataFrameReader, DataFrameWriter):
        _patch(kind)


def _patch(kind: Any) -> None:
    option, options, jdbc = kind.option, kind.options, kind.jdbc
    kind.option = lambda self, key, value: option(self, key, _rewritten(key, value))
    kind.options = lambda self, **given: options(self, **{k: _rewritten(k, v) for k, v in given.items()})
    kind.jdbc = lambda self, url, *args, **named: jdbc(self, without_tls(url), *args, **named)


def _rewritten(key: str, value: Any) -> Any:
    return without_tls(value) if key.lower() == "url" and isinstance(value, str) else value
