"""The API's routes and parameters, for the handler and for the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lambdas.shared.identifiers import identifier as identifier
from lambdas.shared.problems import BadRequest

RESULTS = "numResults"
DEFAULT_RESULTS, MIN_RESULTS, MAX_RESULTS = 25, 1, 100
METHOD = "GET"

_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)


@dataclass(frozen=True)
class Route:
    path: str
    operation: str
    summary: str
    parameter: str | None = None

    @property
    def rule(self) -> str:
        """The route as the handler's resolver writes it."""
        return re.sub(r"\{\w+\}", "<name>", self.path)

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.path)))


ROUTES = (
    Route(
        "/v1/users/{userId}/recommendations",
        "getRecommendations",
        "What a user may want next; popular items for a user without a list",
        "userId",
    ),
    Route(
        "/v1/items/{itemId}/related",
        "getRelatedItems",
        "Items that go with an item; popular items for an item without a list",
        "itemId",
    ),
    Route("/v1/popular", "getPopularItems", "What most people want now"),
)


def known(path: str) -> bool:
    return any(route.pattern.fullmatch(path) for route in ROUTES)


def results(query: Mapping[str, str] | None) -> int:
    """`numResults`, the one query parameter. Raises BadRequest, for a parameter of another name as well."""
    given = query or {}
    if unknown := sorted(set(given) - {RESULTS}):
        raise BadRequest(f"{unknown[0]!r} is not a parameter of this resource: it takes {RESULTS}")
    value = given.get(RESULTS)
    if value is None:
        return DEFAULT_RESULTS
    number = int(value) if _NUMBER.fullmatch(value) else 0
    if not MIN_RESULTS <= number <= MAX_RESULTS:
        raise BadRequest(f"{RESULTS} is {value!r}: give a whole number from {MIN_RESULTS} to {MAX_RESULTS}")
    return number
