"""Parameters and fields of the RDS Data API, both ways."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg2.extensions import adapt

from osusume_endpoint.errors import ApiError

HINTS = {
    "JSON": "jsonb",
    "UUID": "uuid",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
    "TIME": "time",
    "DECIMAL": "numeric",
}
# PostgreSQL type oid → (JDBC type, type name, precision)
TYPES: Mapping[int, tuple[int, str, int]] = {
    16: (-7, "bool", 1),
    17: (-2, "bytea", 2147483647),
    20: (-5, "int8", 19),
    21: (5, "int2", 5),
    23: (4, "int4", 10),
    25: (12, "text", 2147483647),
    114: (1111, "json", 2147483647),
    700: (7, "float4", 8),
    701: (8, "float8", 17),
    1042: (1, "bpchar", 0),
    1043: (12, "varchar", 0),
    1082: (91, "date", 13),
    1083: (92, "time", 15),
    1114: (93, "timestamp", 29),
    1184: (93, "timestamptz", 35),
    1700: (2, "numeric", 0),
    2950: (1111, "uuid", 2147483647),
    3802: (1111, "jsonb", 2147483647),
}


def literal(parameter: Mapping[str, Any], connection: Any) -> str:
    """SQL text of a parameter. Strings are typed, as the Data API binds them: a string is no timestamp."""
    value, hint = parameter.get("value") or {}, parameter.get("typeHint")
    if value.get("isNull"):
        return "NULL"
    if "stringValue" in value:
        return f"{_quoted(value['stringValue'], connection)}::{HINTS[hint] if hint else 'varchar'}"
    if "longValue" in value:
        return f"({int(value['longValue'])})"
    if "doubleValue" in value:
        return f"({float(value['doubleValue'])!r})::float8"
    if "booleanValue" in value:
        return "true" if value["booleanValue"] else "false"
    if "blobValue" in value:
        return f"decode('{base64.b64encode(value['blobValue']).decode()}', 'base64')"
    name = parameter.get("name")
    raise ApiError(
        "BadRequestException", f"Parameter {name}: {'/'.join(value) or 'no value'} is not supported"
    )


def _quoted(text: str, connection: Any) -> str:
    quoted = adapt(text)
    quoted.prepare(connection)
    return quoted.getquoted().decode()


def field(value: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return (
            {"stringValue": str(value)} if options.get("longReturnType") == "STRING" else {"longValue": value}
        )
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, memoryview | bytes):
        return {"blobValue": bytes(value)}
    if isinstance(value, Decimal) and options.get("decimalReturnType") == "DOUBLE_OR_LONG":
        return {"longValue": int(value)} if value == int(value) else {"doubleValue": float(value)}
    if isinstance(value, list):
        return {"arrayValue": _array(value)}
    return {"stringValue": _text(value)}


def _array(values: Sequence[Any]) -> dict[str, Any]:
    kinds = ((bool, "booleanValues"), (int, "longValues"), (float, "doubleValues"))
    for kind, name in kinds:
        if values and all(type(value) is kind for value in values):
            return {name: list(values)}
    if any(isinstance(value, list) for value in values):
        return {"arrayValues": [_array(value) for value in values]}
    return {"stringValues": [_text(value) for value in values]}


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        # The API gives UTC without an offset, and fractions only where there are some.
        return value.replace(tzinfo=None).isoformat(" ")
    return str(value)


def json_value(value: Any) -> Any:
    if isinstance(value, memoryview | bytes):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, datetime | date | time | UUID | Decimal):
        return _text(value)
    return value


def formatted(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """formattedRecords: one JSON object per row."""
    if len(set(columns)) < len(columns):
        raise ApiError("BadRequestException", "The result contains duplicate column labels: use aliases")
    return json.dumps([dict(zip(columns, map(json_value, row), strict=True)) for row in rows])


def metadata(description: Sequence[Any]) -> list[dict[str, Any]]:
    return [_column(column) for column in description]


def _column(column: Any) -> dict[str, Any]:
    jdbc, name, precision = TYPES.get(column.type_code, (1111, str(column.type_code), 0))
    return {
        "name": column.name,
        "label": column.name,
        "type": jdbc,
        "typeName": name,
        "precision": column.precision or precision,
        "scale": column.scale or 0,
        "nullable": 1,
        "schemaName": "",
        "tableName": "",
        "arrayBaseColumnType": 0,
        "isAutoIncrement": False,
        "isCaseSensitive": name in ("text", "varchar", "bpchar"),
        "isCurrency": False,
        "isSigned": jdbc in (-5, 2, 4, 5, 7, 8),
    }
