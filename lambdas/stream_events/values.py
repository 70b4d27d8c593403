"""Attributes of an item as DynamoDB writes them ({"S": "..."}), read as the preparation's Spark job reads them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Image = Mapping[str, Mapping[str, Any]]

LARGEST = 1e18
# Copies of glue_jobs/transforms/text.py's and times.py's expressions, which a test compares.
BREAKS = re.compile("[\r\n\u000b\u000c\u0085\u2028\u2029\u0000]+")
WIDE = str.maketrans({'"': "\uff02", "\\": "\uff3c"})
_NOT_BLANK = re.compile(r"\S", re.ASCII)  # as Java has it: a wide blank is a character
_MILLISECONDS = re.compile(r"[0-9]{12,15}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,11}", re.ASCII)
_EPOCH = re.compile(r"[0-9]{1,11}(\.[0-9]+)?", re.ASCII)
# As Java reads them: Python's own would take 1_000 and digits of other scripts.
_NUMBER = re.compile(r"([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)[fFdD]?", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_BOOLEANS = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_BOOLEANS |= {"false": False, "f": False, "no": False, "n": False, "0": False}
_BITS = {"int": 31, "long": 63}


class Wrong(ValueError):
    """Why a record can't be sent, in the words of the preparation's quarantine."""


def text(image: Image, name: str | None) -> str | None:
    """A string or a number as text on one line; None for anything else, and for blank text."""
    value = image.get(name or "", {})
    found = value.get("S", value.get("N"))
    return None if found is None else one_line(str(found))


def one_line(given: str) -> str | None:
    flat = BREAKS.sub(" ", given)
    return flat if _NOT_BLANK.search(flat) else None


def raw(image: Image, name: str | None) -> str | None:
    """What stands where a figure should; what is no scalar is shown as text, which is no figure."""
    value = image.get(name or "")
    if not value:
        return None
    kind, found = next(iter(value.items()))
    if kind == "NULL":
        return None
    return str(found).lower() if kind == "BOOL" else str(found)


def scalar(image: Image, name: str, *, reason: str) -> str | None:
    """A string, number or boolean as text; None for none. Raises Wrong for a list, a map, a set or bytes."""
    kind = next(iter(image.get(name) or {"NULL": True}))
    if kind not in ("S", "N", "BOOL", "NULL"):
        raise Wrong(reason)
    return raw(image, name)


def number(given: str | None, reason: str) -> float | None:
    """None for none. Raises Wrong for text that is no finite number, or one that nobody reads back."""
    if given is None or one_line(given) is None:
        return None
    found = _NUMBER.fullmatch(given.strip())
    if found is None:
        raise Wrong(reason)
    value = float(found[1])
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise Wrong(reason)
    return value


def second(given: str | None, form: str) -> int:
    """Epoch seconds of a time in the log's format: milliseconds, seconds or iso. Raises Wrong."""
    if given is None:
        raise Wrong("unparsable_timestamp")
    if form == "milliseconds":
        return _of_milliseconds(given)
    if form == "seconds":
        if not _EPOCH.fullmatch(given):
            raise Wrong("unparsable_timestamp")
        return int(Decimal(given))
    return _of_iso(given)


def _of_milliseconds(given: str) -> int:
    if _SECONDS.fullmatch(given):
        raise Wrong("timestamp_in_seconds")
    if not _MILLISECONDS.fullmatch(given):
        raise Wrong("unparsable_timestamp")
    return int(given) // 1000


def _of_iso(given: str) -> int:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise Wrong("unparsable_timestamp") from None
    return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def items(image: Image, name: str | None) -> list[str]:
    """A list of strings or numbers, or a set of either."""
    value = image.get(name or "", {})
    listed = [one.get("S", one.get("N")) for one in value.get("L", ())]
    found = listed or value.get("SS") or value.get("NS") or []
    return [str(one) for one in found if one is not None]


def field(image: Image, configured: Mapping[str, Any]) -> Any:
    """The value of a contextual field; None where it may be empty and is. Raises Wrong."""
    name, kind = str(configured["name"]).lower(), configured.get("type", "string")
    given = raw(image, configured.get("attribute"))
    value = _text_field(given, name, configured) if kind == "string" else typed(given, name, kind)
    if value is None and not configured.get("nullable"):
        raise Wrong(f"missing_{name}")
    return value


MAX_CATEGORY = 1000  # characters of a category: Personalize's "Quotas"


def _text_field(given: str | None, name: str, configured: Mapping[str, Any]) -> str | None:
    value = None if given is None else one_line(given)
    parts = (value or "").split("|") if configured.get("categorical") else [value or ""]
    if any(len(part) > MAX_CATEGORY for part in parts):
        raise Wrong(f"{name}_too_long")
    return read_alike(value)


def read_alike(given: str | None) -> str | None:
    """A text that is no id as an import's file has it: a category is one, whichever way it came."""
    return None if given is None else given.translate(WIDE)


def typed(given: str | None, name: str, kind: str) -> Any:
    """A number or boolean of the type; None for none. Raises Wrong."""
    reason = f"unparsable_{name}"
    if given is None:
        return None
    if kind == "boolean":
        if given.strip().lower() not in _BOOLEANS:
            raise Wrong(reason)
        return _BOOLEANS[given.strip().lower()]
    return number(given, reason) if kind in ("float", "double") else _whole(given, reason, _BITS[kind])


def _whole(given: str, reason: str, bits: int) -> int:
    if not _WHOLE.fullmatch(given.strip()):
        raise Wrong(reason)
    value = int(given)
    if not -(2**bits) <= value < 2**bits:
        raise Wrong(reason)
    return value


def camel(name: str) -> str:
    """The key of properties for a field of the schema: NUM_RATINGS is numRatings."""
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def json_text(given: Mapping[str, Any]) -> str:
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"))
