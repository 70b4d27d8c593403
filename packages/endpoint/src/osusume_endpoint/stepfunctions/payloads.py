"""JSON as Step Functions writes it: compact, with ISO timestamps, and never above 256 KiB."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from osusume_endpoint.stepfunctions.errors import DATA_LIMIT_EXCEEDED, StateError

# fromisoformat alone takes every form of ISO 8601, such as dates without times.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
LIMIT_BYTES = 256 * 1024
# A template may name the same document in each of its fields; its values are counted before they are written.
TEMPLATE_BYTES = 16 * 2**20


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_as_json)


def _as_json(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return iso(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def limited(value: Any, *, subject: str) -> str:
    """The JSON text of `value`; `States.DataLimitExceeded` above the quota of a task, state or execution."""
    text = dumps(value)
    if len(text) > LIMIT_BYTES // 4 and len(text.encode()) > LIMIT_BYTES:
        message = (
            f"{subject} returned a result with a size exceeding the maximum number of bytes service limit."
        )
        raise StateError(DATA_LIMIT_EXCEEDED, message)
    return text


class Allowance:
    """What the expressions of one template may give together, far above what a state can hand on."""

    def __init__(self, size: int = TEMPLATE_BYTES) -> None:
        self._left = size
        self._kept: list[Any] = []  # an id is a value's own only while the value lives
        self._sizes: dict[int, int] = {}

    def used(self, value: Any, *, field: str) -> Any:
        """The value itself; `States.DataLimitExceeded` once the values are too much."""
        self._left -= self._size(value)
        if self._left < 0:
            message = (
                f"The values up to the field '{field}' exceed the maximum number of bytes service limit."
            )
            raise StateError(DATA_LIMIT_EXCEEDED, message)
        return value

    def _size(self, value: Any) -> int:
        if id(value) not in self._sizes:
            self._kept.append(value)
            self._sizes[id(value)] = len(dumps(value))
        return self._sizes[id(value)]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def iso(moment: dt.datetime) -> str:
    text = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text[:-3] + "Z"


def epoch_millis(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def parse_timestamp(text: str) -> dt.datetime:
    """RFC 3339 as the specification profiles it: capital T and, without an offset, capital Z."""
    if not TIMESTAMP.fullmatch(text):
        raise ValueError(f"{text!r} is not an RFC 3339 timestamp")
    return dt.datetime.fromisoformat(text)
