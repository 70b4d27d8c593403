"""Errors as problem details (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


class BadRequest(ValueError):
    """A parameter is wrong; the message names it, its value and what is right."""


class Forbidden(PermissionError):
    """The caller may call the API, but not so; the message says what they may not."""


class Refusal(Exception):
    """A request that is right and can't be answered as it is; the message says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def problem(status: int, *, detail: str, instance: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
    }


def body(status: int, *, detail: str, instance: str) -> str:
    return json.dumps(problem(status, detail=detail, instance=instance), ensure_ascii=False)
