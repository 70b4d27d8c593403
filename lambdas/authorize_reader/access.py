"""What a user may ask: their own path, nobody else's id in the query, and the routes that name no user."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lambdas.shared.identifiers import identifier
from lambdas.shared.problems import BadRequest

USER = "userId"


def may(event: Mapping[str, Any], *, user: str, routes: Collection[str]) -> bool:
    """Whether the user may ask this, by the resource that API Gateway found and never by the path's text.

    What `routes` doesn't have is refused.
    """
    if f"{event.get('httpMethod')} {event.get('resource')}" not in routes:
        return False
    return all(one == user for one in (*_in_path(event), *_in_query(event)))


def _in_path(event: Mapping[str, Any]) -> list[str | None]:
    if f"{{{USER}}}" not in str(event["resource"]):
        return []
    try:
        return [identifier(USER, (event.get("pathParameters") or {}).get(USER))]
    except BadRequest:
        return [None]


def _in_query(event: Mapping[str, Any]) -> list[str]:
    return list((event.get("multiValueQueryStringParameters") or {}).get(USER) or [])


def answer(event: Mapping[str, Any], *, user: str, allowed: bool) -> dict[str, Any]:
    """The answer to this one request: API Gateway keeps none (ADR 54). Its principal, which logs show, names nobody."""
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if allowed else "Deny",
        "Resource": event["methodArn"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "reader", "policyDocument": policy, "context": {USER: user} if allowed else {}}
