"""The way from ministack's functions, which answer as over HTTP, to operations, which return members and raise."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.stepfunctions.api.store import moment

Response = tuple[int, dict[str, str], bytes]
Function = Callable[[dict[str, Any]], Response]


def answer(response: Response) -> dict[str, Any]:
    """ministack's response as an operation answers: its error raised, its timestamps as moments."""
    status, _, body = response
    found: dict[str, Any] = json.loads(body)
    if status >= 400:
        raise ApiError(found["__type"], found.get("message", found.get("Message", "")), status)
    return {key: _with_moments(key, value) for key, value in found.items()}


def _with_moments(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_with_moments(key, item) for item in value]
    if isinstance(value, dict):
        return {name: _with_moments(name, item) for name, item in value.items()}
    return moment(value) if key.endswith("Date") and isinstance(value, str) else value


def refusal(ministack: Any, error: ApiError) -> Response:
    """The response of a ministack function for an error of ours."""
    response: Response = ministack.error_response_json(error.code, error.message, error.status)
    return response
