"""The issuer's public keys, read over https: bounded in time and size, and followed to no other place."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt

from lambdas.authorize_reader.refusals import KeysUnavailable

WITHIN_SECONDS = 3.0
MAX_BYTES = 256 * 1024
MIN_RSA_BITS = 2048  # RFC 7518, 3.3
DISCOVERY = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, 4

Named = tuple[str, str]  # kid and algorithm: a key is never tried with an algorithm that is not its own
Keys = dict[Named, jwt.PyJWK]
Get = Callable[[str], bytes]


def read(*, issuer: str, jwks_uri: str, get: Get | None = None) -> Keys:
    """Raises KeysUnavailable."""
    get = get or fetched
    found = keys(_json(get(jwks_uri or _discovered(issuer, get))))
    if not found:
        raise KeysUnavailable(f"{issuer} publishes no key for RS256 or ES256")
    return found


def _discovered(issuer: str, get: Get) -> str:
    about = _json(get(issuer.rstrip("/") + DISCOVERY))
    if about.get("issuer") != issuer:
        raise KeysUnavailable(f"the discovery document of {issuer} is of another issuer")
    return str(about.get("jwks_uri"))


def keys(document: Mapping[str, Any]) -> Keys:
    """The keys that sign with RS256 or ES256. Others are none of ours, and no reason to refuse these."""
    listed = document.get("keys")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    understood = [(row, _algorithm(row)) for row in rows]
    return {
        (row["kid"], algorithm): key
        for row, algorithm in understood
        if algorithm and (key := _key(row, algorithm))
    }


def _algorithm(row: Mapping[str, Any]) -> str | None:
    """RS256 or ES256, by the kind of key; None for one that is not for verifying signatures."""
    kind = (str(row.get("kty")), str(row.get("crv")))
    own = {("RSA", "None"): "RS256", ("EC", "P-256"): "ES256"}.get(kind)
    named = isinstance(row.get("kid"), str) and row["kid"]
    published_by_mistake = "d" in row  # the private half
    return own if named and not published_by_mistake and _verifies(row, own) else None


def _verifies(row: Mapping[str, Any], algorithm: str | None) -> bool:
    operations = row.get("key_ops", ["verify"])
    listed = isinstance(operations, list) and "verify" in operations
    return listed and row.get("use", "sig") == "sig" and row.get("alg", algorithm) == algorithm


def _key(row: dict[str, Any], algorithm: str) -> jwt.PyJWK | None:
    try:
        key = jwt.PyJWK(row, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if algorithm == "ES256" or key.key.key_size >= MIN_RSA_BITS else None


def _json(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise KeysUnavailable(f"the issuer answered what is no JSON: {type(error).__name__}") from error
    if not isinstance(content, dict):
        raise KeysUnavailable("the issuer answered JSON that is no object")
    return content


def fetched(url: str) -> bytes:
    """Raises KeysUnavailable: no https, no answer in time, another status than 200 (redirects too), too large."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise KeysUnavailable("the issuer's keys are not at an https address")
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=WITHIN_SECONDS)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        return _body(connection.getresponse(), until=time.monotonic() + WITHIN_SECONDS)
    except (OSError, http.client.HTTPException) as error:
        raise KeysUnavailable(f"{parts.hostname} did not answer: {type(error).__name__}") from error
    finally:
        connection.close()


def _body(answer: http.client.HTTPResponse, *, until: float) -> bytes:
    if answer.status != http.client.OK:
        raise KeysUnavailable(f"the issuer answered {answer.status}")
    text = b""
    while part := answer.read1(MAX_BYTES):
        text += part
        if len(text) > MAX_BYTES or time.monotonic() > until:
            raise KeysUnavailable("the issuer's answer is too large, or too slow")
    return text
