"""The user whose token the authorizer verified (lambdas/authorize_reader), for functions behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.shared.problems import Forbidden


def reader(event: Mapping[str, Any]) -> str | None:
    """None where the request is signed: then it is the application that knows who is signed in."""
    found = (event.get("requestContext") or {}).get("authorizer") or {}
    return str(found["userId"]) if "userId" in found else None


def check_own(event: Mapping[str, Any], user: str | None) -> None:
    """Raises Forbidden: the authorizer refused before, so this is a second lock on the same door."""
    own = reader(event)
    if own is not None and user is not None and user != own:
        raise Forbidden("a token reads for its own user alone")
