"""The API's routes about forgetting, for the handler, the stack and the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    path: str
    method: str
    operation: str
    summary: str
    parameter: str
    status: int
    """Of the answer that is no problem."""


DELETION = "/v1/deletions/{deletionId}"
ROUTES = (
    Route(
        "/v1/users/{userId}",
        "DELETE",
        "forgetUser",
        "Forget a user: all that is kept about them is removed, and later runs leave them out",
        "userId",
        202,
    ),
    Route(DELETION, "GET", "getDeletion", "How far a deletion is", "deletionId", 200),
)
