"""Users whom runs leave out, known by a keyed hash of their ids.

HMAC-SHA256 (RFC 2104) out of Spark's own functions, since a function in Python would copy every row into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.transforms.text import one_line

_BLOCK = 64  # bytes of SHA-256's
_PREFIX = "forgotten#"


@dataclass(frozen=True)
class Forgotten:
    """`digests` are hex."""

    secret: bytes
    digests: frozenset[str]

    def without(self, rows: DataFrame, user: str | Column) -> DataFrame:
        """The rows of others, and those without a user. `user` is the column of ids, of any type."""
        if not self.digests:
            return rows
        column = F.col(user) if isinstance(user, str) else user
        known = digest(one_line(column), self.secret).isin(*sorted(self.digests))
        return rows.where(~F.coalesce(known, F.lit(False)))


NOBODY = Forgotten(b"", frozenset())


def read(dynamodb: Any, secrets: Any, *, table: str, secret: str) -> Forgotten:
    """The hashes that the control table names; the secret is read where it names anybody."""
    digests = frozenset(_digests(dynamodb, table))
    if not digests:
        return NOBODY
    value = secrets.get_secret_value(SecretId=secret)["SecretString"]
    return Forgotten(value.encode(), digests)


def _digests(dynamodb: Any, table: str) -> Iterator[str]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(pk, :forgotten)",
        ExpressionAttributeValues={":forgotten": {"S": _PREFIX}},
        ConsistentRead=True,
    )
    return (item["pk"]["S"].removeprefix(_PREFIX) for page in pages for item in page["Items"])


def digest(text: Column, secret: bytes) -> Column:
    """Hex, as lambdas/shared/forgetting.py makes it; null of null."""
    key = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    inner, outer = (F.unhex(F.lit(bytes(byte ^ pad for byte in key).hex())) for pad in (0x36, 0x5C))
    return F.sha2(F.concat(outer, F.unhex(F.sha2(F.concat(inner, F.encode(text, "UTF-8")), 256))), 256)


def user_of_event(attribute: str) -> Column:
    """Whose an event of the log is; of a removed item without an image its key may tell, by the table's `attribute`."""
    kinds = "map<string,struct<S:string,N:string>>"
    of_key = F.element_at(F.from_json("event_key", kinds), attribute)
    return F.coalesce("user_id", of_key["S"], of_key["N"])
