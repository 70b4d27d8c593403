"""The form to which the jobs bring lines of an export of the log (transforms/log_attributes.py), as a schema."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql.types import ArrayType, BooleanType, DataType, StringType, StructField, StructType


def _wrapped(kind: str) -> StructType:
    """DynamoDB JSON of a scalar: `{"S": "x"}`, `{"N": "1"}`, `{"BOOL": true}`."""
    return StructType([StructField(kind, BooleanType() if kind == "BOOL" else StringType())])


_IMAGE = StructType(
    [
        StructField("user_id", _wrapped("S")),
        StructField("event_id", _wrapped("S")),
        StructField("event_type", _wrapped("S")),
        StructField("item_id", _wrapped("S")),
        StructField("timestamp", _wrapped("N")),
        StructField("session_id", _wrapped("S")),
        StructField("value", _wrapped("N")),
        StructField("impression", StructType([StructField("L", ArrayType(_wrapped("S")))])),
        StructField("recommendation_id", _wrapped("S")),
        StructField("action_id", _wrapped("S")),
        StructField("simulated", _wrapped("BOOL")),
        StructField("served_as", _wrapped("S")),
    ]
)

_ANY_KEY = StructType([StructField(kind, StringType()) for kind in ("S", "N", "B")])


def export_line(*, keys: Sequence[str], ttl: str | None) -> StructType:
    """The schema of an export's lines, of a table with these key attributes and this attribute of time to live.

    A line is {"Item": ...} in a full export; {"Metadata", "Keys", "OldImage", "NewImage"} in an incremental one, whose
    images are left out where there is none: the old one of a new item, the new one of a removed item.
    """
    fields = {field.name: field.dataType for field in _IMAGE}
    more: dict[str, DataType] = {ttl: _wrapped("N")} if ttl else {}
    image = _struct({**fields, **more, **dict.fromkeys(keys, _ANY_KEY)})
    metadata = _struct({"WriteTimestampMicros": _wrapped("N")})
    known = _struct(dict.fromkeys(sorted(keys), _ANY_KEY))
    return _struct({"Metadata": metadata, "Keys": known, "Item": image, "OldImage": image, "NewImage": image})


def _struct(fields: dict[str, DataType]) -> StructType:
    return StructType([StructField(name, kind) for name, kind in fields.items()])
