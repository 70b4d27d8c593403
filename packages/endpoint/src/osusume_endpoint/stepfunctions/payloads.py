"""JSON as Step Functions writes it: compact, with ISO timestamps, and never above 256 KiB."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from osusume_endpoint.stepfunctions.errors import DATA_LIMIT_EXCEEDED, StateError

LIMIT_BYTES = 256 * 1024


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


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def iso(moment: dt.datetime) -> str:
    text = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text[:-3] + "Z"


def epoch_millis(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def parse_timestamp(text: str) -> dt.datetime:
    """RFC 3339 as the specification profiles it: capital T and, without an offset, capital Z."""
    if "T" not in text:
        raise ValueError(f"{text!r} is not an RFC 3339 timestamp")
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment
