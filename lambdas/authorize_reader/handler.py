"""The API's authorizer of readers: a token of the issuer opens its own user's routes. No log holds a token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from lambdas.authorize_reader import access, issuer, tokens
from lambdas.authorize_reader.cache import KeyCache
from lambdas.authorize_reader.environment import Environment
from lambdas.authorize_reader.refusals import TokenRefused
from lambdas.shared import environment
from lambdas.shared.telemetry import count, logger


class Unauthorized(Exception):
    """API Gateway makes 401 of an error whose message is this word, and 500 of every other."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@cache
def settings() -> Environment:
    return environment.read(Environment)


@cache
def keys() -> KeyCache:
    given = settings()
    return KeyCache(
        read=lambda: issuer.read(issuer=given.issuer, jwks_uri=given.jwks_uri), clock=time.monotonic
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    try:
        return run(event, settings=settings(), keys=keys())
    except TokenRefused as reason:
        logger().info("refused", extra={"reason": str(reason)})
        raise Unauthorized from None
    except Exception as error:
        logger().error("failed", extra={"fault": type(error).__name__})
        namespace = settings().powertools_metrics_namespace
        count({"Failed": 1}, namespace=namespace, dimensions={"Service": "authorize_reader"})
        raise


def run(event: Mapping[str, Any], *, settings: Environment, keys: KeyCache) -> dict[str, Any]:
    """The policy for this request. Raises TokenRefused and KeysUnavailable."""
    rules = tokens.Rules(
        issuer=settings.issuer,
        audience=settings.audience,
        user_claim=settings.user_claim,
        leeway_seconds=settings.leeway_seconds,
    )
    user = tokens.user(tokens.bearer(event), rules=rules, key=keys.key)
    allowed = access.may(event, user=user, routes=settings.routes)
    return access.answer(event, user=user, allowed=allowed)
