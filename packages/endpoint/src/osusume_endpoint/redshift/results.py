"""Result sets in the Data API's form."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

# PostgreSQL type oid → Redshift's name
NAMES: Mapping[int, str] = {
    16: "bool", 17: "varbyte", 20: "int8", 21: "int2", 23: "int4", 25: "varchar", 700: "float4",
    701: "float8", 1042: "bpchar", 1043: "varchar", 1082: "date", 1083: "time",
    1114: "timestamp", 1184: "timestamptz",
    1266: "timetz", 1700: "numeric", 3802: "super", 114: "super", 19: "name", 26: "oid",
}  # fmt: skip
PAGE_ROWS = 1000


def type_name(oid: int) -> str:
    return NAMES.get(oid, "varchar")


def columns(description: Sequence[Any]) -> list[dict[str, Any]]:
    return [_column(column) for column in description]


def _column(column: Any) -> dict[str, Any]:
    name = type_name(column.type_code)
    length = column.internal_size if column.internal_size and column.internal_size > 0 else 0
    return {
        "name": column.name,
        "label": column.name,
        "typeName": name,
        "length": length,
        "precision": column.precision or 0,
        "scale": column.scale or 0,
        "nullable": 1,
        "isCaseSensitive": name in ("varchar", "bpchar"),
        "isCurrency": False,
        "isSigned": name in ("int2", "int4", "int8", "float4", "float8", "numeric"),
        "schemaName": "",
        "tableName": "",
    }


def field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, memoryview | bytes):
        return {"blobValue": bytes(value)}
    return {"stringValue": text(value)}


def text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def csv_text(names: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    if names is not None:
        writer.writerow(names)
    writer.writerows(["" if value is None else text(value) for value in row] for row in rows)
    return sink.getvalue()


def size(rows: Sequence[Sequence[Any]]) -> int:
    """Bytes, roughly as the API counts them."""
    return sum(len(str(value)) for row in rows for value in row)
