"""Spark's types, each with the name that Spark's dtypes show and the one that DuckDB knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class DataType:
    """A type without parts."""

    name = ""
    duckdb = ""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.duckdb)


class StringType(DataType):
    name, duckdb = "string", "VARCHAR"


class BooleanType(DataType):
    name, duckdb = "boolean", "BOOLEAN"


class IntegerType(DataType):
    name, duckdb = "int", "INTEGER"


class ShortType(DataType):
    name, duckdb = "smallint", "SMALLINT"


class LongType(DataType):
    name, duckdb = "bigint", "BIGINT"


class FloatType(DataType):
    name, duckdb = "float", "FLOAT"


class DoubleType(DataType):
    name, duckdb = "double", "DOUBLE"


class DateType(DataType):
    name, duckdb = "date", "DATE"


class TimestampType(DataType):
    name, duckdb = "timestamp", "TIMESTAMP WITH TIME ZONE"


class TimestampNTZType(DataType):
    name, duckdb = "timestamp_ntz", "TIMESTAMP"


class BinaryType(DataType):
    name, duckdb = "binary", "BLOB"


class DecimalType(DataType):
    def __init__(self, precision: int, scale: int) -> None:
        self.precision, self.scale = precision, scale
        self.name, self.duckdb = f"decimal({precision},{scale})", f"DECIMAL({precision},{scale})"


class ArrayType(DataType):
    def __init__(self, elementType: DataType) -> None:
        self.element = elementType
        self.name, self.duckdb = f"array<{elementType.name}>", f"{elementType.duckdb}[]"


class MapType(DataType):
    def __init__(self, keyType: DataType, valueType: DataType) -> None:
        self.key, self.value = keyType, valueType
        self.name = f"map<{keyType.name},{valueType.name}>"
        self.duckdb = f"MAP({keyType.duckdb}, {valueType.duckdb})"


class JsonType(DataType):
    """A JSON text that is read key by key: what from_json gives."""

    name, duckdb = "json", "JSON"


class StructField:
    def __init__(self, name: str, dataType: DataType) -> None:
        self.name, self.dataType = name, dataType


class StructType(DataType):
    def __init__(self, fields: Sequence[StructField]) -> None:
        self.fields = list(fields)
        self.name = f"struct<{','.join(f'{f.name}:{f.dataType.name}' for f in self.fields)}>"
        self.duckdb = f"STRUCT({', '.join(f'{quoted(f.name)} {f.dataType.duckdb}' for f in self.fields)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StructType) and self.duckdb == other.duckdb

    def __hash__(self) -> int:
        return hash(self.duckdb)

    def __iter__(self) -> Iterator[StructField]:
        return iter(self.fields)

    def __getitem__(self, name: str) -> StructField:
        """Raises KeyError; names are the same in upper and lower case, as everywhere in Spark."""
        for field in self.fields:
            if field.name.lower() == name.lower():
                return field
        raise KeyError(name)

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.fields]


PLAIN: Mapping[str, DataType] = {
    kind.name: kind()
    for kind in (
        StringType,
        BooleanType,
        IntegerType,
        ShortType,
        LongType,
        FloatType,
        DoubleType,
        DateType,
        TimestampType,
        TimestampNTZType,
        BinaryType,
    )
} | {"long": LongType(), "integer": IntegerType()}
_OF_DUCKDB = {kind.duckdb: kind for kind in PLAIN.values()} | {
    "HUGEINT": LongType(),
    '"NULL"': StringType(),
    "JSON": JsonType(),
    "TIMESTAMP_NS": TimestampNTZType(),
}
_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)", re.IGNORECASE)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def parsed(text: str) -> DataType:
    """The type of a name such as `array<struct<S:string>>`. Raises KeyError for one that is not there."""
    text = text.strip()
    decimal = _DECIMAL.fullmatch(text)
    if decimal:
        return DecimalType(int(decimal[1]), int(decimal[2]))
    outer, _, inner = text.removesuffix(">").partition("<")
    if outer == "array":
        return ArrayType(parsed(inner))
    if outer == "map":
        key, value = _split(inner)
        return MapType(parsed(key), parsed(value))
    if outer == "struct":
        return columns(inner, separator=":")
    return PLAIN[text.lower()]


def columns(text: str, *, separator: str | None = None) -> StructType:
    """The columns of `a string, b bigint`, or the fields of a struct, `a:string,b:bigint`."""
    parts = (part.strip().split(separator, 1) for part in _split(text))
    return StructType([StructField(name.strip("`"), parsed(kind)) for name, kind in parts])


def _split(text: str) -> list[str]:
    """The text in parts, cut at the commas that are in no bracket."""
    parts, depth = [""], 0
    for character in text:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def of_duckdb(kind: Any) -> DataType:
    """Spark's type of a type of DuckDB's Python API."""
    text = str(kind)
    if text in _OF_DUCKDB:
        return _OF_DUCKDB[text]
    parts = dict(kind.children)
    if kind.id == "struct":
        return StructType([StructField(name, of_duckdb(part)) for name, part in parts.items()])
    if kind.id == "list":
        return ArrayType(of_duckdb(parts["child"]))
    if kind.id == "map":
        return MapType(of_duckdb(parts["key"]), of_duckdb(parts["value"]))
    return DecimalType(parts["precision"], parts["scale"])
