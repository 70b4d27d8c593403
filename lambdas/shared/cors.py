"""Pages of other origins: what an answer tells their browsers (Fetch standard, "CORS protocol")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lambdas.shared.environment import EnvironmentInvalid

# What a page may send: a token or a signature, its parts, a key, a body's type, what it holds already.
ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Api-Key",
)
# What a page may read, beside what it always may (Cache-Control, Content-Type, …).
EXPOSED_HEADERS = ("Allow", "ETag", "Retry-After", "x-amzn-ErrorType", "x-amzn-RequestId")


def answered(answer: dict[str, Any], *, event: Mapping[str, Any], origins: str) -> dict[str, Any]:
    """The answer with its CORS headers. `origins`: those that are allowed, with spaces between; "": no CORS.

    `Vary` is on every answer, so that no cache gives one page the header of another.
    """
    if not origins:
        return answer
    headers = {"Vary": "Origin"}
    origin = _origin(event)
    if origin in origins.split():
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": ",".join(EXPOSED_HEADERS),
        }
    return {**answer, "headers": {**(answer.get("headers") or {}), **headers}}


def allowed(settings: Callable[[], Any]) -> str:
    """Origins that may read; none where the variables can't be read, which the answer is a 500 for."""
    try:
        return str(settings().cors_origins)
    except EnvironmentInvalid:
        return ""


def _origin(event: Mapping[str, Any]) -> str:
    """What the page's browser says that it is of; "" for a program, and for who says more than one thing."""
    given = event.get("multiValueHeaders") or {}
    told = [value for name, values in given.items() if name.lower() == "origin" for value in values or ()]
    return str(told[0]) if len(told) == 1 else ""
