"""The log's attributes under names and types of our own, whatever a table calls them and however it stores them."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, StringType, StructField, StructType

# Key of sources.application_log.attributes -> our name.
NAMES: Mapping[str, str] = {
    "USER_ID": "user_id",
    "ITEM_ID": "item_id",
    "EVENT_TYPE": "event_type",
    "TIMESTAMP": "timestamp",
    "EVENT_VALUE": "value",
    "EVENT_ID": "event_id",
    "SESSION_ID": "session_id",
    "RECOMMENDATION_ID": "recommendation_id",
    "IMPRESSION": "impression",
}
IMAGES = ("Item", "NewImage")
SIMULATED = "simulated"  # the demo's own; no table of a company's has it
_FIGURES = ("TIMESTAMP", "EVENT_VALUE")
# Kinds of DynamoDB JSON that are no text and no number: shown where a figure should stand, never taken for an id.
_OTHER_KINDS = ("BOOL", "B", "M", "L", "SS", "NS")
_SECONDS = r"^[0-9]{1,11}(\.[0-9]+)?\z"
_DIGITS = r"^[0-9.]+\z"


def schema(attributes: Mapping[str, str]) -> StructType:
    """Of a line of an export, under the table's own names."""
    fields = [StructField(name, _kinds(key)) for key, name in attributes.items()]
    image = StructType([*fields, StructField(SIMULATED, StructType([StructField("BOOL", BooleanType())]))])
    return StructType([StructField(name, image) for name in IMAGES])


def canonical(lines: DataFrame, *, attributes: Mapping[str, str], timestamp_format: str) -> DataFrame:
    """The same lines as columns.EXPORT_LINE has them: our names, ids as S, figures as N, times in milliseconds.

    A time that isn't in the format becomes text that says so, which is quarantined as one that can't be parsed.
    """
    images = [
        F.when(F.col(name).isNotNull(), _image(F.col(name), attributes, timestamp_format)).alias(name)
        for name in IMAGES
    ]
    return lines.select(images)


def _kinds(key: str) -> StructType:
    scalars = [StructField(kind, StringType()) for kind in ("S", "N")]
    if key != "IMPRESSION":
        return StructType([*scalars, *(StructField(kind, StringType()) for kind in _OTHER_KINDS)])
    listed = StructField("L", ArrayType(StructType(scalars)))
    return StructType([listed, *(StructField(kind, ArrayType(StringType())) for kind in ("SS", "NS"))])


def _image(image: Column, attributes: Mapping[str, str], timestamp_format: str) -> Column:
    def wrapped(key: str) -> Column:
        kind = "N" if key in _FIGURES else "S"
        return F.struct(_value(image, key, attributes, timestamp_format).alias(kind)).alias(NAMES[key])

    plain = [wrapped(key) for key in NAMES if key != "IMPRESSION"]
    return F.struct(*plain, _impression(image, attributes), image[SIMULATED].alias(SIMULATED))


def _value(image: Column, key: str, attributes: Mapping[str, str], timestamp_format: str) -> Column:
    text = _text(image, key, attributes)
    if key == "TIMESTAMP":
        return _milliseconds(text, timestamp_format)
    if key == "EVENT_ID":
        return F.coalesce(text, _made_id(image, attributes))
    return text


def _text(image: Column, key: str, attributes: Mapping[str, str]) -> Column:
    """A string or a number as text; null where the table has no such attribute."""
    if key not in attributes:
        return F.lit(None).cast("string")
    value = image[attributes[key]]
    kinds = ("S", "N", *_OTHER_KINDS) if key in _FIGURES else ("S", "N")
    return F.coalesce(*(value[kind] for kind in kinds))


def _made_id(image: Column, attributes: Mapping[str, str]) -> Column:
    """The same for the same event, in every export of it."""
    parts = [_text(image, key, attributes) for key in ("USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP")]
    return F.sha2(F.concat_ws("\x1f", *(F.coalesce(part, F.lit("")) for part in parts)), 256)


def _impression(image: Column, attributes: Mapping[str, str]) -> Column:
    """A list of strings or numbers, or a set of either, as a list of strings."""
    if "IMPRESSION" not in attributes:
        return F.struct(F.lit(None).cast("array<struct<S:string>>").alias("L")).alias("impression")
    value = image[attributes["IMPRESSION"]]
    listed = F.transform(value["L"], lambda one: F.coalesce(one["S"], one["N"]))
    items = F.coalesce(listed, value["SS"], value["NS"])
    return F.struct(F.transform(items, lambda one: F.struct(one.alias("S"))).alias("L")).alias("impression")


def _milliseconds(text: Column, timestamp_format: str) -> Column:
    if timestamp_format == "milliseconds":
        return text  # as the rest of the job judges it
    if timestamp_format == "seconds":
        number = F.when(text.rlike(_SECONDS), text).cast("decimal(20,6)")
        found = F.floor(number * 1000).cast("string")
    else:
        moment = F.try_to_timestamp(F.when(~text.rlike(_DIGITS), text))
        found = F.unix_millis(moment).cast("string")
    wrong = F.concat(text, F.lit(f" is not in {timestamp_format}"))
    return F.coalesce(found, wrong)
