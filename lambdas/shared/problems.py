"""Errors as problem details (RFC 9457), each of a type that programs may rely on: docs/api.md lists them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

CONTENT_TYPE = "application/problem+json"
# A name and no place: the API has no address of its own that stays.
TYPE = "urn:problem-type:recommendations:"


class Kind(NamedTuple):
    status: int
    title: str


# By the end of the type. A name that is out stays as it is; a status has one that says no more than the status.
KINDS: Mapping[str, Kind] = {
    "invalid-request": Kind(400, "The request is wrong"),
    "invalid-parameter": Kind(400, "A parameter is wrong"),
    "invalid-cursor": Kind(400, "The cursor is of no answer"),
    "invalid-body": Kind(400, "The body is wrong"),
    "not-authenticated": Kind(401, "Nobody is signed in"),
    "not-allowed": Kind(403, "The caller may not do this"),
    "no-such-resource": Kind(404, "The API has no such resource"),
    "not-configured": Kind(404, "Nothing is configured that would answer"),
    "no-such-segment": Kind(404, "No such segment is published"),
    "no-such-deletion": Kind(404, "There is no such deletion"),
    "method-not-allowed": Kind(405, "The resource does not take this method"),
    "cursor-expired": Kind(410, "The run that the cursor is of is gone"),
    "too-large": Kind(413, "The request is too large"),
    "unsupported-media-type": Kind(415, "The body is of a kind that is not read"),
    "too-many-requests": Kind(429, "Too many requests"),
    "internal-error": Kind(500, "The request failed on our side"),
    "unavailable": Kind(503, "What is asked for can't be read now"),
    "timed-out": Kind(504, "No answer came in time"),
}


class BadRequest(ValueError):
    """A parameter is wrong; the message names it, its value and what is right. `kind` is one of KINDS."""

    kind = "invalid-parameter"


class BadBody(BadRequest):
    """The body as a whole or a field of it is wrong."""

    kind = "invalid-body"


class BadCursor(BadRequest):
    """A cursor that no answer gave."""

    kind = "invalid-cursor"


class Forbidden(PermissionError):
    """The caller may call the API, but not so; the message says what they may not."""


class Refusal(Exception):
    """A request that is right and can't be answered as it is; the message says why. `kind` is one of KINDS."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def known(kind: str) -> dict[str, Any]:
    """The fields that every problem of a kind has."""
    status, title = KINDS[kind]
    return {"type": TYPE + kind, "title": title, "status": status}


def body(kind: str, *, detail: str, instance: str) -> str:
    return json.dumps({**known(kind), "detail": detail, "instance": instance}, ensure_ascii=False)
