"""The log's attributes under names and types of our own, whatever a table calls them and however it stores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, DataType, StringType, StructField, StructType

from glue_jobs.columns import CONTEXT

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
    "ACTION_ID": "action_id",
}
IMAGES = ("Item", "OldImage", "NewImage")
TTL = "_ttl"  # our name of the attribute by which the table removes items
SIMULATED = "simulated"  # of events that no person made; others have no such attribute
SERVED_AS = "served_as"  # of events that the API's own answers are
_FIGURES = ("TIMESTAMP", "EVENT_VALUE")
# Kinds of DynamoDB JSON that are no text and no number: shown where a figure should stand, never taken for an id.
_OTHER_KINDS = ("BOOL", "B", "M", "L", "SS", "NS")
_SECONDS = r"^[0-9]{1,11}(\.[0-9]+)?\z"
_DIGITS = r"^[0-9.]+\z"


def schema(
    attributes: Mapping[str, str],
    *,
    keys: Sequence[str],
    ttl: str | None,
    context: Mapping[str, str] | None = None,
) -> StructType:
    """The schema of an export's line, by the table's own names: what is configured, its key, its time to live.

    `context` are attributes of contextual fields, with the fields' types.
    """
    fields = {name: _kinds(key) for key, name in attributes.items()}
    fields |= dict.fromkeys(context or {}, _kinds("context"))
    unmapped = [name for name in (*keys, *([ttl] if ttl else [])) if name not in fields]
    marks = {SIMULATED: _struct({"BOOL": BooleanType()}), SERVED_AS: _struct({"S": StringType()})}
    fields |= dict.fromkeys(unmapped, _ANY) | marks
    known = _struct(dict.fromkeys(sorted(keys), _ANY))
    metadata = _struct({"WriteTimestampMicros": _struct({"N": StringType()})})
    return _struct({"Metadata": metadata, "Keys": known, **dict.fromkeys(IMAGES, _struct(fields))})


def canonical(
    lines: DataFrame,
    *,
    attributes: Mapping[str, str],
    timestamp_format: str,
    keys: Sequence[str],
    ttl: str | None = None,
    context: Mapping[str, str] | None = None,
) -> DataFrame:
    """The same lines in one form: our names, ids as S, figures as N, times in milliseconds.

    A line is {"Item": ...} in a full export; {"Metadata", "Keys", "OldImage", "NewImage"} in an incremental one, whose
    images are left out where there is none: the old one of a new item, the new one of a removed item.
    Every line has its Keys as the table stores them, and its time to live is called TTL. A time that isn't in the
    format becomes text that says so, which is quarantined as one that can't be parsed. `context` becomes CONTEXT.
    """

    def image(name: str) -> Column:
        raw = F.col(name)
        ours = _image(raw, attributes, timestamp_format)
        unmapped = [_any_kind(raw[key]).alias(key) for key in keys if key not in NAMES.values()]
        living = _scalar(N=raw[ttl]["N"] if ttl else None).alias(TTL)
        more = [_context(raw, context)] if context else []
        return F.when(raw.isNotNull(), F.struct(*ours, *unmapped, living, *more)).alias(name)

    return lines.select("Metadata", _keys(keys).alias("Keys"), *map(image, IMAGES))


def _keys(keys: Sequence[str]) -> Column:
    """A full export's lines have none."""
    raw = F.coalesce(*IMAGES)
    own = F.struct(*(_any_kind(raw[name]).alias(name) for name in sorted(keys)))
    return F.coalesce("Keys", F.when(raw.isNotNull(), own))


def _any_kind(value: Column) -> Column:
    return _scalar(S=value["S"], N=value["N"], B=value["B"])


def _scalar(S: Column | None = None, N: Column | None = None, B: Column | None = None) -> Column:
    given = {"S": S, "N": N, "B": B}
    none = F.lit(None).cast("string")
    return F.struct(*((none if value is None else value).alias(kind) for kind, value in given.items()))


def _struct(fields: Mapping[str, DataType]) -> StructType:
    return StructType([StructField(name, kind) for name, kind in fields.items()])


_ANY = _struct(dict.fromkeys(("S", "N", "B"), StringType()))


def _kinds(key: str) -> StructType:
    scalars = [StructField(kind, StringType()) for kind in ("S", "N")]
    if key != "IMPRESSION":
        return StructType([*scalars, *(StructField(kind, StringType()) for kind in _OTHER_KINDS)])
    listed = StructField("L", ArrayType(StructType(scalars)))
    return StructType([listed, *(StructField(kind, ArrayType(StringType())) for kind in ("SS", "NS"))])


def _image(image: Column, attributes: Mapping[str, str], timestamp_format: str) -> list[Column]:
    def wrapped(key: str) -> Column:
        kind = "N" if key in _FIGURES else "S"
        return _scalar(**{kind: _value(image, key, attributes, timestamp_format)}).alias(NAMES[key])

    plain = [wrapped(key) for key in NAMES if key != "IMPRESSION"]
    marks = [image[name].alias(name) for name in (SIMULATED, SERVED_AS)]
    return [*plain, _impression(image, attributes), *marks]


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


def _context(image: Column, context: Mapping[str, str]) -> Column:
    """Texts by attribute. What is no scalar is shown where a figure should stand, and is no text, as of ids."""

    def text(attribute: str, kind: str) -> Column:
        kinds = ("S", "N", "BOOL") if kind == "string" else ("S", "N", *_OTHER_KINDS)
        return F.coalesce(*(image[attribute][one] for one in kinds))

    pairs = [(F.lit(attribute), text(attribute, kind)) for attribute, kind in context.items()]
    return F.create_map(*(one for pair in pairs for one in pair)).alias(CONTEXT)


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
