"""Callers with a token: whose tokens open the API, and which of their claims is the user's id."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from config.section import Section

MAX_LEEWAY_SECONDS = 300
_CLAIM = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,127}", re.ASCII)
# Of RFC 7519, RFC 9068 and Cognito: these say of the token, not of its user, what they say.
_OF_NOBODY = frozenset(
    "iss aud exp nbf iat jti azp client_id scope token_use auth_time nonce acr amr sid origin_jti version".split()
)


class Jwt(Section):
    """Readers' tokens of one OpenID Connect issuer, such as Cognito; without this section every request is signed."""

    issuer: str = Field(max_length=255)
    """Claim `iss` of its tokens, to the letter: an https URL, such as that of a Cognito user pool."""
    audience: str = Field(min_length=1, max_length=255)
    """Your application at the issuer: in the claim `aud`, or `client_id` in Cognito's access tokens."""
    user_claim: str = "sub"
    """Claim that holds the user id, as the datasets have it; a text."""
    jwks_uri: str | None = Field(default=None, max_length=255)
    """Where the issuer's public keys are; none: where its discovery document says."""
    leeway_seconds: int = Field(default=30, ge=0, le=MAX_LEEWAY_SECONDS)
    """How far the issuer's clock may be off."""

    @field_validator("issuer")
    @classmethod
    def _is_an_issuer(cls, issuer: str) -> str:
        return _https("issuer", issuer, query=False)

    @field_validator("jwks_uri")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        return None if address is None else _https("jwks_uri", address, query=True)

    @field_validator("audience")
    @classmethod
    def _is_a_word(cls, audience: str) -> str:
        if audience != audience.strip() or not audience.isprintable() or audience == "*":
            raise ValueError(
                f"audience is {audience!r}: write your application's id at the issuer, nothing else"
            )
        return audience

    @field_validator("user_claim")
    @classmethod
    def _is_of_a_user(cls, claim: str) -> str:
        if not _CLAIM.fullmatch(claim):
            raise ValueError(
                f"user_claim is {claim!r}: write the name of a claim, such as sub or custom:user_id"
            )
        if claim in _OF_NOBODY:
            raise ValueError(f"user_claim is {claim!r}, which is of the token and not of its user: write sub")
        return claim


def _https(name: str, address: str, *, query: bool) -> str:
    """Raises ValueError for what is no plain https URL (OpenID Connect Core 1.0, 2: an issuer has no query)."""
    try:
        parts = urlsplit(address)
        plain = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        plain = False
    printable = address.isascii() and address.isprintable() and not set(address) & set(' "<>\\^`{|}')
    if not (plain and printable and address.startswith("https://")):
        raise ValueError(f"{name} is {address!r}: write an address that begins with https:// and a host")
    if "#" in address or ("?" in address and not query):
        raise ValueError(f"{name} is {address!r}: leave out what follows {'#' if '#' in address else '?'}")
    return address
