"""Items of the log that are a whole user or item, as PutUsers and PutItems take them.

Personalize replaces what it has of the same id (developer guide, "Importing individual records"), so nothing is kept of
an earlier one. Fields are judged as the preparation judges columns (glue_jobs/transforms/entities.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lambdas.stream_events import values
from lambdas.stream_events.values import Image, Wrong

MAX_ID_LENGTH = 256
MAX_UNSTRUCTURED, MAX_UNSTRUCTURED_CJK = 20_000, 7_000  # characters of a textual field
LATEST_SECOND = 4_102_444_800  # 2100-01-01, as glue_jobs/columns.py has it
CREATED = "CREATION_TIMESTAMP"
# Characters of `properties`, by operation: botocore's models.
MAX_PROPERTIES = {"put_items": 32_000, "put_users": 24_000}
MEMBER = {"put_items": "itemId", "put_users": "userId"}
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


def member(image: Image, configured: Mapping[str, Any], *, operation: str, form: str) -> dict[str, str]:
    """A member of the request's list. `configured`: {key, fields}; `form` is that of the log's times. Raises Wrong."""
    fields = {field["name"]: _value(image, field, configured["key"], form) for field in configured["fields"]}
    key = fields.pop(configured["key"])
    given = {values.camel(name): value for name, value in fields.items() if value is not None}
    properties = values.json_text(given)
    if len(properties) > MAX_PROPERTIES[operation]:
        raise Wrong("properties_too_long")
    return {MEMBER[operation]: key, **({"properties": properties} if given else {})}


def _value(image: Image, field: Mapping[str, Any], key: str, form: str) -> Any:
    """The value of a field; None where it may be empty and is."""
    name, kind = field["name"].lower(), field.get("type", "string")
    value = _text(image, field, key) if kind == "string" else _typed(image, field, form)
    if value is None and not (field.get("nullable") and field["name"] != key):
        raise Wrong(f"missing_{name}")
    return value


def _text(image: Image, field: Mapping[str, Any], key: str) -> str | None:
    name = field["name"].lower()
    given = values.scalar(image, field["attribute"], reason=f"unparsable_{name}")
    value = None if given is None else values.one_line(given)
    if value is not None and _too_long(value, field, key):
        raise Wrong(f"{name}_too_long")
    return value if field["name"] == key else values.read_alike(value)


def _too_long(value: str, field: Mapping[str, Any], key: str) -> bool:
    """Personalize developer guide, "Quotas": each category counts by itself."""
    if field["name"] == key:
        return len(value) > MAX_ID_LENGTH
    if field.get("textual"):
        return len(value) > (MAX_UNSTRUCTURED_CJK if _CJK.search(value) else MAX_UNSTRUCTURED)
    parts = value.split("|") if field.get("categorical") else [value]
    return any(len(part) > values.MAX_CATEGORY for part in parts)


def _typed(image: Image, field: Mapping[str, Any], form: str) -> Any:
    name, kind = field["name"].lower(), field["type"]
    given = values.scalar(image, field["attribute"], reason=f"unparsable_{name}")
    if given is None:
        return None
    if field["name"] == CREATED:
        return _created(given, name, form)
    value = values.typed(given, name, kind)
    # Blank text is no number, and nobody reads a whole number back that is larger.
    if value is None or (kind == "long" and abs(float(value)) > values.LARGEST):
        raise Wrong(f"unparsable_{name}")
    return value


def _created(given: str, name: str, form: str) -> int:
    """Epoch seconds; the log holds times in one form, this one too."""
    try:
        second = values.second(given, form)
    except Wrong:
        raise Wrong(f"unparsable_{name}") from None
    if not 0 <= second <= LATEST_SECOND:
        raise Wrong(f"{name}_out_of_bounds")
    return second
