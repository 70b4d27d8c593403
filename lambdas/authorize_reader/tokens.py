"""Whose token it is: RS256 or ES256 by a key of the issuer's, for this audience, now (RFC 7519, RFC 8725)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from lambdas.authorize_reader.refusals import TokenRefused
from lambdas.shared.identifiers import plain_identifier
from lambdas.shared.problems import BadRequest

ALGORITHMS = ("RS256", "ES256")
MAX_LENGTH = 8192
# What an access token or an ID token says it is, if anything; a logout token of the same issuer is another type.
TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Rules:
    issuer: str
    audience: str
    user_claim: str
    leeway_seconds: int


def bearer(event: Mapping[str, Any]) -> str:
    """The one token of the one Authorization header. Raises TokenRefused."""
    headers = event.get("multiValueHeaders") or {}
    given = [value for name, values in headers.items() if name.lower() == "authorization" for value in values]
    if len(given) != 1:
        raise TokenRefused(f"{len(given)} Authorization headers")
    found = _BEARER.fullmatch(given[0]) if len(given[0]) <= MAX_LENGTH else None
    if not found:
        raise TokenRefused("the Authorization header is no bearer token")
    return found[1]


def user(token: str, *, rules: Rules, key: Callable[..., jwt.PyJWK]) -> str:
    """The user id of the claim. `key` is KeyCache.key. Raises TokenRefused, and what `key` raises."""
    algorithm, kid = _header(token)
    claims = _verified(token, key(kid=kid, algorithm=algorithm), rules=rules, algorithm=algorithm)
    _check_audience(claims, rules.audience)
    try:
        return plain_identifier(rules.user_claim, _text(claims, rules.user_claim))
    except BadRequest:
        raise TokenRefused("the claim of the user holds no user id") from None


def _header(token: str) -> tuple[str, str]:
    """(algorithm, kid). Keys that the header itself brings or points at (jwk, jku, x5c, x5u) are never looked at."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("the token's header can't be read") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise TokenRefused(f"the algorithm is none of {', '.join(ALGORITHMS)}")
    if "crit" in header or str(header.get("typ", "JWT")).lower() not in TYPES:
        raise TokenRefused("the token is of another type, or asks for an extension")
    if not isinstance(kid, str):
        raise TokenRefused("the token names no key")
    return str(algorithm), kid


def _verified(token: str, key: jwt.PyJWK, *, rules: Rules, algorithm: str) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=rules.issuer,
            leeway=rules.leeway_seconds,
            options={"require": ["exp", "iss", rules.user_claim], "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TokenRefused(type(error).__name__) from None


def _check_audience(claims: Mapping[str, Any], audience: str) -> None:
    """`aud`, or where there is none `client_id`: an access token of Cognito's has that alone."""
    if claims.get("token_use", "access") != "access":
        raise TokenRefused("the token is none for access")
    meant = claims["aud"] if "aud" in claims else claims.get("client_id")
    if audience not in _texts(meant):
        raise TokenRefused("the token is for another audience")


def _texts(given: Any) -> Sequence[str]:
    listed = given if isinstance(given, list) else [given]
    return [one for one in listed if isinstance(one, str)]


def _text(claims: Mapping[str, Any], name: str) -> str:
    """A number is no id: what it looked like when the token was signed is not known any more."""
    value = claims.get(name)
    return value if isinstance(value, str) else ""
