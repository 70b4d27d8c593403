"""The API's routes and parameters, for the handlers, for API Gateway and for the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lambdas.shared.identifiers import identifier as identifier
from lambdas.shared.identifiers import plain_identifier as plain_identifier
from lambdas.shared.problems import BadRequest

RESULTS = "numResults"
DEFAULT_RESULTS, MIN_RESULTS, MAX_RESULTS = 25, 1, 100
MAX_EXCLUDED, MAX_CONTEXT, MAX_RANKED = 100, 10, 500
MAX_EVENTS = 100
MAX_MEMBERS = 250  # users of a published page of a segment
METHOD = "GET"
HEALTH = "getHealth"

_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)
PLACEMENT_NAME, RUN_NAME = "[a-z][a-z0-9_-]{0,39}", "[0-9]{8}T[0-9]{6}Z"
_PLACEMENT = re.compile(PLACEMENT_NAME, re.ASCII)
_RUN = re.compile(RUN_NAME, re.ASCII)
SOLUTION_NAME = "[a-z][a-z0-9-]{1,29}"
Kind = Literal["number", "name", "solution", "flag", "run", "cursor", "id", "ids", "fields"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query. `most`: how often it may be given."""

    name: str
    kind: Kind
    says: str
    most: int = 1


NUM_RESULTS = Parameter(RESULTS, "number", "How many items at most; else the placement's length")
PLACEMENT = Parameter("placement", "name", "The configured placement to fill; none: the route's own list")
CURSOR = Parameter("cursor", "cursor", "`nextCursor` of the answer before: the next items of the same run")
EXCLUDE = Parameter("exclude", "ids", "An item that is not wanted; may be repeated", most=MAX_EXCLUDED)
FIELDS = Parameter("fields", "fields", "An item field to answer under `metadata`; may be repeated", most=10)
RUN_ID = Parameter(
    "runId", "run", "`version` of an answer: read the same run, so that the lists of a page agree"
)
EXPLAIN = Parameter(
    "explain", "flag", "`true`: which rule moved or removed what; for callers who are allowed"
)
CONTEXT = Parameter(
    "context", "ids", "An item at hand, such as one in the cart; may be repeated", most=MAX_CONTEXT
)
USER = Parameter("userId", "id", "The user who looks, so that rules leave out what they must not see")
NUM_ACTIONS = Parameter(RESULTS, "number", "How many actions at most")
SOLUTION = Parameter(
    "solution",
    "solution",
    "The solution that made the segment; may be left out where one alone makes segments",
)
NEXT_PAGE = Parameter(
    "cursor", "cursor", "`nextCursor` of the answer before: the next members of the same run"
)
EVERYWHERE = (NUM_RESULTS, CURSOR, EXCLUDE, FIELDS, RUN_ID)
PLACED = (*EVERYWHERE, PLACEMENT, EXPLAIN)


@dataclass(frozen=True)
class Route:
    """`services`: for callers that act for no user; no part of the application's policy."""

    path: str
    operation: str
    summary: str
    parameter: str | None = None
    query: tuple[Parameter, ...] = ()
    method: str = METHOD
    function: str = "get_recommendations"
    services: bool = False

    @property
    def readers(self) -> bool:
        """Whether a user's token opens it, where `api.jwt` is set; the health of the store is its operators'."""
        return not self.services and self.operation != HEALTH

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
        (*PLACED, CONTEXT),
    ),
    Route(
        "/v1/items/{itemId}/related",
        "getRelatedItems",
        "Items that go with an item; popular items for an item without a list",
        "itemId",
        (*PLACED, USER),
    ),
    Route(
        "/v1/users/{userId}/rankings",
        "rankItems",
        "Items that the caller names, in the order of the user's list; those that are not in it come last",
        "userId",
        (RUN_ID,),
        method="POST",
    ),
    Route(
        "/v1/users/{userId}/actions",
        "getActions",
        "What to propose to a user next, asked of the solution's campaign at once",
        "userId",
        (NUM_ACTIONS,),
    ),
    Route(
        "/v1/segments/{segment}",
        "getSegment",
        "Users of a segment, best first, page by page; for callers that act for no user",
        "segment",
        (SOLUTION, NEXT_PAGE),
        services=True,
    ),
    Route("/v1/popular", "getPopularItems", "What most people want now", query=EVERYWHERE),
    Route(
        "/v1/trending",
        "getTrendingItems",
        "What gains most now; popular items where no solution makes such a list",
        query=EVERYWHERE,
    ),
    Route(
        "/v1/events",
        "recordEvents",
        "What users did and saw; each event is accepted or rejected by itself",
        method="POST",
        function="record_events",
    ),
    Route("/v1/health", HEALTH, "Whether lists can be read, and of which run each is"),
)


def route_of(path: str) -> Route | None:
    return next((route for route in ROUTES if route.pattern.fullmatch(path)), None)


def known(path: str) -> bool:
    return route_of(path) is not None


def query(route: Route, given: Mapping[str, Sequence[str]] | None) -> dict[str, Any]:
    """The parameters of a request, each of its kind; those that are not given are left out. Raises BadRequest."""
    known_ones = {parameter.name: parameter for parameter in route.query}
    found: dict[str, Any] = {}
    for name, values in sorted((given or {}).items()):
        if name not in known_ones:
            takes = ", ".join(known_ones) or "none"
            raise BadRequest(f"{name!r} is not a parameter of this resource: it takes {takes}")
        found[name] = _value(known_ones[name], list(values))
    return found


def _value(parameter: Parameter, values: Sequence[str]) -> Any:
    name = parameter.name
    if len(values) > parameter.most:
        often = "once" if parameter.most == 1 else f"{parameter.most} times at most"
        raise BadRequest(f"{name} is given {len(values)} times: give it {often}")
    if parameter.kind == "ids":
        return tuple(dict.fromkeys(plain_identifier(name, value) for value in values))
    if parameter.kind == "fields":
        return tuple(dict.fromkeys(values))
    return _SINGLE[parameter.kind](name, values[0])


def results(name: str, value: str) -> int:
    number = int(value) if _NUMBER.fullmatch(value) else 0
    if not MIN_RESULTS <= number <= MAX_RESULTS:
        raise BadRequest(f"{name} is {value!r}: give a whole number from {MIN_RESULTS} to {MAX_RESULTS}")
    return number


def _flag(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise BadRequest(f"{name} is {value!r}: give true or false")
    return value == "true"


def _run(name: str, value: str) -> str:
    if not _RUN.fullmatch(value):
        raise BadRequest(f"{name} is {value!r}: give the version of an answer, such as 20261124T030000Z")
    return value


def _placement(name: str, value: str) -> str:
    if not _PLACEMENT.fullmatch(value):
        raise BadRequest(f"{name} is {value!r}: give the name of a configured placement")
    return value


def _text(name: str, value: str) -> str:
    return value


_SINGLE = {
    "number": results,
    "flag": _flag,
    "run": _run,
    "name": _placement,
    "cursor": _text,
    "solution": _text,
    "id": plain_identifier,
}
