"""Personalize's Users and Items datasets out of the application's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, TimestampNTZType, TimestampType

from glue_jobs.columns import (
    LATEST_SECOND,
    MAX_CATEGORY_LENGTH,
    MAX_ID_LENGTH,
    MAX_TEXT_LENGTH,
    MAX_UNSTRUCTURED_LENGTH,
    MAX_UNSTRUCTURED_LENGTH_CJK,
    ORIGIN,
    REASON,
    SOURCE,
    SOURCE_FILE,
    SOURCE_KEY,
    SQL_TYPES,
    WRONG,
)
from glue_jobs.transforms.text import cut, number, one_line, wrong
from glue_jobs.transforms.times import order_seconds

CREATED = "CREATION_TIMESTAMP"
_CJK = "[\u3040-\u30ff\u3400-\u9fff]"
Field = Mapping[str, Any]  # a field of settings: name, column, type, nullable, categorical, textual


def judged(
    table: DataFrame, *, fields: Sequence[Field], key: str, source: str = "", file: str = ""
) -> DataFrame:
    """The schema's fields in order, the first reason against each row, null where there is none, and its ORIGIN.

    Reasons: missing_<field>, unparsable_<field> (a value is there but not one of the type), <field>_too_long,
    <field>_out_of_bounds (a time before 1970, or one that is no time of a calendar, such as infinity).
    """
    rows = table.select(
        *[typed(table, field).alias(field["name"]) for field in fields],
        *[F.col(field["column"]).cast("string").alias(_given(field)) for field in fields],
    )
    reasons = [
        reason
        for field in fields
        for reason in reasons_of(
            field, value=F.col(field["name"]), given=F.col(_given(field)), is_key=field["name"] == key
        )
    ]
    origin = {
        REASON: F.coalesce(*reasons),
        SOURCE: F.lit(source),
        SOURCE_KEY: wrong(F.col(key)),
        SOURCE_FILE: F.lit(file),
    }
    reasoned = rows.select("*", *(column.alias(name) for name, column in origin.items()))
    return reasoned.withColumn(WRONG, _wrong_text(fields)).select(*_names(fields), REASON, *ORIGIN)


def _wrong_text(fields: Sequence[Field]) -> Column:
    """The text of the field that the reason names."""
    about = [
        F.when(
            F.regexp_replace(REASON, "^(missing|unparsable)_|_(too_long|out_of_bounds)\\z", "") == name, text
        )
        for name, text in ((field["name"].lower(), wrong(F.col(_given(field)))) for field in fields)
    ]
    return F.coalesce(*about)


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


def typed(table: DataFrame, field: Field) -> Column:
    """The value of the field's column, null where it is none of the field's type."""
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


def reasons_of(field: Field, *, value: Column, given: Column, is_key: bool = False) -> list[Column]:
    """Reasons against a field's value, by what was given for it; each null where it doesn't apply."""
    name, there = field["name"].lower(), given.isNotNull()
    # Text is never unparsable, but blank text counts as missing.
    if field.get("type", "string") == "string":
        lacks = value.isNull() if not field.get("nullable") else F.lit(False)
        return [F.when(lacks, F.lit(f"missing_{name}")), _too_long(field, value, is_key=is_key)]
    unparsable = F.when(there & value.isNull(), F.lit(f"unparsable_{name}"))
    found = [unparsable, *_out_of_bounds(field, value)]
    return found if field.get("nullable") else [F.when(~there, F.lit(f"missing_{name}")), *found]


def _too_long(field: Field, value: Column, *, is_key: bool) -> Column:
    """Personalize developer guide, "Quotas": each category counts by itself."""
    length = F.length(value)
    if is_key:
        over = length > MAX_ID_LENGTH
    elif field.get("textual"):
        wide = value.rlike(_CJK) & (length > MAX_UNSTRUCTURED_LENGTH_CJK)
        over = wide | (length > MAX_UNSTRUCTURED_LENGTH)
    elif field.get("categorical"):
        over = F.exists(F.split(value, r"\|"), lambda category: F.length(category) > MAX_CATEGORY_LENGTH)
    else:
        over = length > MAX_CATEGORY_LENGTH
    return F.when(over, F.lit(f"{field['name'].lower()}_too_long"))


def _out_of_bounds(field: Field, value: Column) -> list[Column]:
    name = field["name"]
    if name != CREATED:
        return []
    inside = value.between(0, LATEST_SECOND)
    return [F.when(~inside, F.lit(f"{name.lower()}_out_of_bounds"))]
