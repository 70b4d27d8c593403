"""Personalize's Users and Items datasets out of the application's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, TimestampNTZType, TimestampType

from glue_jobs.columns import MAX_ID_LENGTH, MAX_TEXT_LENGTH, REASON, SQL_TYPES
from glue_jobs.transforms.text import cut, number, one_line
from glue_jobs.transforms.times import order_seconds

Field = Mapping[str, Any]  # a field of settings: name, column, type, nullable


def judged(table: DataFrame, *, fields: Sequence[Field], key: str) -> DataFrame:
    """The schema's fields in order, and the first reason against each row, null where there is none.

    Reasons: missing_<field>, unparsable_<field> (a value is there but not one of the type), <key>_too_long.
    """
    rows = table.select(
        *[_typed(table, field).alias(field["name"]) for field in fields],
        *[F.col(field["column"]).isNotNull().alias(_given(field)) for field in fields],
    )
    reasons = [reason for field in fields for reason in _reasons(field)]
    too_long = F.when(F.length(key) > MAX_ID_LENGTH, F.lit(f"{key.lower()}_too_long"))
    return rows.select([*_names(fields), F.coalesce(*reasons, too_long).alias(REASON)])


def kept(rows: DataFrame, *, fields: Sequence[Field], key: str) -> DataFrame:
    """The rows without a reason, one for each key."""
    return rows.where(F.col(REASON).isNull()).dropDuplicates([key]).select(_names(fields))


def warehouse_rows(entities: DataFrame, *, run_id: str) -> DataFrame:
    """The same fields, lower case; a text is cut at what the warehouse's widest column holds."""
    return entities.select(
        F.lit(run_id).alias("run_id"),
        *[
            (cut(F.col(name), MAX_TEXT_LENGTH) if kind == "string" else F.col(name)).alias(name.lower())
            for name, kind in entities.dtypes
        ],
    )


def _names(fields: Sequence[Field]) -> list[Any]:
    return [field["name"] for field in fields]


def _given(field: Field) -> str:
    return f"_given_{field['name']}"


def _typed(table: DataFrame, field: Field) -> Column:
    column, kind = field["column"], field.get("type", "string")
    if kind == "string":
        return one_line(F.col(column))
    if kind == "long" and isinstance(
        table.schema[column].dataType, DateType | TimestampType | TimestampNTZType
    ):
        return order_seconds(table, column)
    if kind == "boolean":
        return F.expr(f"try_cast(cast(`{column}` as string) as boolean)")
    return number(column, SQL_TYPES[kind])


def _reasons(field: Field) -> list[Column]:
    name, given = field["name"], F.col(_given(field))
    # Text is never unparsable, but blank text counts as missing.
    if field.get("type", "string") == "string":
        lacks = F.col(name).isNull() if not field.get("nullable") else F.lit(False)
        return [F.when(lacks, F.lit(f"missing_{name.lower()}"))]
    unparsable = F.when(given & F.col(name).isNull(), F.lit(f"unparsable_{name.lower()}"))
    if field.get("nullable"):
        return [unparsable]
    return [F.when(~given, F.lit(f"missing_{name.lower()}")), unparsable]
