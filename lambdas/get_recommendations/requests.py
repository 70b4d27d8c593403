"""What a request asks for beyond single parameters: a placement that fits, fields that may be asked for, a body."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.get_recommendations import routes
from lambdas.get_recommendations.placements import Placement, Serving
from lambdas.get_recommendations.ranking import Entry
from lambdas.shared import bodies
from lambdas.shared.problems import BadBody, BadRequest, Forbidden

Query = Mapping[str, Any]


def placement(query: Query, serving: Serving) -> Placement | None:
    """The one that is named, None where none is. Raises BadRequest."""
    name = query.get("placement")
    if name is None:
        return None
    if name not in serving.placements:
        cure = _one_of(serving.placements) if serving.placements else "leave it out: there are none"
        raise BadRequest(f"placement is {name!r}: {cure}")
    return serving.placements[name]


def check_fields(query: Query, serving: Serving) -> None:
    for name in query.get("fields", ()):
        if name not in serving.fields:
            cure = _one_of(serving.fields) if serving.fields else "leave it out: none are published"
            raise BadRequest(f"fields has {name[:80]!r}: {cure}")


def _one_of(names: Mapping[str, object] | frozenset[str]) -> str:
    return f"give one of {', '.join(sorted(names))}"


def check_context(found: Placement, items: Sequence[str]) -> None:
    """A user's request that is filled by items' lists says of which items, and no other does."""
    if found.wants_context and not items:
        raise BadRequest(f"placement {found.name!r} lists what goes with items: name them in context")
    if items and not found.wants_context:
        what = f"placement {found.name!r}" if found.name else "the user's own list"
        raise BadRequest(
            f"context is given, but {what} doesn't look at it: leave it out, or name a placement"
        )


def check_user(found: Placement, query: Query) -> None:
    """An item's request that is filled by a user's list says whose."""
    needs = any(one.audience == "user" for one in found.lists)
    if needs and "userId" not in query:
        raise BadRequest(f"placement {found.name!r} is filled by a user's list: name the user in userId")


def check_may_explain(event: Mapping[str, Any], serving: Serving) -> None:
    """Raises Forbidden for a caller whom the configuration doesn't name."""
    if not _is_one_of(event, serving.may_explain):
        raise Forbidden(
            "explain=true is for the roles and users of api.may_explain: ask as one of them, or without"
        )


def check_service(event: Mapping[str, Any], serving: Serving) -> None:
    """Raises Forbidden for a caller that the configuration doesn't name as a service."""
    if not _is_one_of(event, serving.service_callers):
        raise Forbidden("segments are for the roles and users of api.service_callers: ask as one of them")


def _is_one_of(event: Mapping[str, Any], names: frozenset[str]) -> bool:
    who = caller(event)
    return "*" in names or (who is not None and who in names)


def caller(event: Mapping[str, Any]) -> str | None:
    """Name of the role or user of this account who signed the request; None for the account itself and for others.

    A name is its account's own: elsewhere anybody may make a role that is called so.
    """
    context = event.get("requestContext") or {}
    arn = str((context.get("identity") or {}).get("userArn") or "").split(":", 5)
    if len(arn) < 6 or arn[4] != context.get("accountId"):
        return None
    resource = arn[5].split("/")
    if resource[0] == "assumed-role" and len(resource) > 1:
        return resource[1]
    return resource[-1] if resource[0] == "user" else None


def ranked_items(event: Mapping[str, Any]) -> tuple[str, ...]:
    """`itemIds` of the body. Raises BadBody."""
    given = bodies.content(event)
    if not isinstance(given, dict) or set(given) != {"itemIds"}:
        raise BadBody('the body must be {"itemIds": ["...", ...]} and nothing else')
    items = given["itemIds"]
    if not isinstance(items, list) or not 1 <= len(items) <= routes.MAX_RANKED:
        raise BadBody(f"itemIds must be a list of 1 to {routes.MAX_RANKED} ids")
    for item in items:
        if not isinstance(item, str):
            raise BadBody(f"itemIds has {json.dumps(item)[:80]}: each is a text")
        try:
            routes.plain_identifier("itemIds", item)
        except BadRequest as error:
            raise BadBody(str(error)) from None
    if len(set(items)) < len(items):
        raise BadBody("itemIds has an item twice: give each once")
    return tuple(items)


def in_order_of(entries: Sequence[Entry], items: Sequence[str]) -> tuple[Entry, ...]:
    """The items that the list has in its order, then the others in theirs, without a score."""
    wanted = set(items)
    known = [entry for entry in entries if entry.item in wanted]
    names = {entry.item for entry in known}
    return (*known, *(Entry(item, None, "unranked") for item in items if item not in names))
