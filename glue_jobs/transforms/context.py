"""Contextual fields of interactions: what else was known when something happened, such as the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import CONTEXT, REASON, SQL_TYPES, WRONG
from glue_jobs.transforms import entities
from glue_jobs.transforms.text import wrong

Field = Mapping[
    str, Any
]  # of datasets.interactions.fields: name, type, categorical, nullable, column, attribute
_FAULT = "_fault"


def column(fields: Sequence[Field]) -> list[str]:
    """The column that holds them; none where there are none."""
    return [CONTEXT] if fields else []


def of_orders(orders: DataFrame, fields: Sequence[Field]) -> list[Column]:
    """`column` of orders: a struct {field: {value, given}}, `given` as text."""
    return _packed(orders, {field["name"]: field["column"] for field in fields if "column" in field}, fields)


def flat(events: DataFrame, fields: Sequence[Field]) -> DataFrame:
    """The events with a column for each field that the log fills, out of their map by attribute."""
    filled = [field for field in fields if "attribute" in field]
    return events.select(
        "*", *(F.col(CONTEXT)[field["attribute"]].alias(_flat(field["name"])) for field in filled)
    )


def of_events(events: DataFrame, fields: Sequence[Field]) -> list[Column]:
    """The same of events that are `flat`."""
    return _packed(
        events, {field["name"]: _flat(field["name"]) for field in fields if "attribute" in field}, fields
    )


def completed(candidates: DataFrame, fields: Sequence[Field]) -> DataFrame:
    """The candidates with an empty `column` where their source knows of no context."""
    if not fields or CONTEXT in candidates.columns:
        return candidates
    return candidates.select("*", *_packed(candidates, {}, fields))


def judged(rows: DataFrame, fields: Sequence[Field]) -> DataFrame:
    """Rows without a reason get the first against a field, and the text that is wrong; of fields the values stay."""
    if not fields:
        return rows
    fault = F.when(F.col(REASON).isNull(), F.coalesce(*(one for field in fields for one in _faults(field))))
    plain = F.struct(*(_part(field, "value").alias(field["name"]) for field in fields))
    known = rows.withColumn(_FAULT, fault).withColumn(CONTEXT, plain)
    texts = {WRONG: F.coalesce(WRONG, f"{_FAULT}.wrong"), REASON: F.coalesce(REASON, f"{_FAULT}.reason")}
    return known.withColumns(texts).drop(_FAULT)


def values(fields: Sequence[Field]) -> list[Column]:
    """The fields as columns of Personalize's, of rows that are `judged`."""
    return [F.col(f"{CONTEXT}.{field['name']}").alias(field["name"]) for field in fields]


def _flat(name: str) -> str:
    return f"{CONTEXT}_{name}"


def _packed(frame: DataFrame, columns: Mapping[str, str], fields: Sequence[Field]) -> list[Column]:
    if not fields:
        return []
    return [F.struct(*(_one(frame, columns.get(field["name"]), field) for field in fields)).alias(CONTEXT)]


def _one(frame: DataFrame, name: str | None, field: Field) -> Column:
    """Nothing, for a field that the source doesn't fill."""
    kind, nothing = SQL_TYPES[field.get("type", "string")], F.lit(None)
    value = nothing.cast(kind) if name is None else entities.typed(frame, {**field, "column": name})
    given = nothing if name is None else F.col(name)
    return F.struct(value.alias("value"), given.cast("string").alias("given")).alias(field["name"])


def _part(field: Field, part: str) -> Column:
    return F.col(f"{CONTEXT}.{field['name']}.{part}")


def _faults(field: Field) -> list[Column]:
    """Structs {reason, wrong}, as entities.judged has reasons."""
    value, given = _part(field, "value"), _part(field, "given")
    return [
        F.when(reason.isNotNull(), F.struct(reason.alias("reason"), wrong(given).alias("wrong")))
        for reason in entities.reasons_of(field, value=value, given=given)
    ]
