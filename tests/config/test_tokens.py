"""api.jwt: what could let in nobody, or everybody as one user, is refused where it is written."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config.tokens import Jwt

GOOD = {
    "issuer": "https://cognito-idp.ap-northeast-1.amazonaws.com/ap-northeast-1_Abc123",
    "audience": "4k2example",
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"issuer": "https://shop.eu.auth0.com/"},
        {"issuer": "https://login.example:8443/realms/shop"},
        {"audience": "https://api.shop.example/"},
        {"user_claim": "custom:user_id"},
        {"user_claim": "https://shop.example/user_id"},
        {"jwks_uri": "https://login.example/keys?version=2"},
        {"leeway_seconds": 0},
    ],
)
def test_issuers_as_they_are_in_use_are_taken(changes: dict[str, Any]) -> None:
    given = GOOD | changes
    assert Jwt.model_validate(given).model_dump(include=set(given)) == given


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[
            ("issuer", value)
            for value in (
                "",
                "http://issuer.example",
                "HTTPS://issuer.example",
                "issuer.example",
                "https://",
                "https:///pool",
                "https://user:word@issuer.example",
                "https://issuer.example/a b",
                "https://issuer.example/?pool=1",
                "https://issuer.example/#pool",
                "https://issuer.example:0/",
                "https://issuer.example:99999/",
                "https://[::1",
                "https://issuer.example/\n",
                "https://発行者.example",
                " https://issuer.example",
                "https://issuer.example/{region}",
                "file:///etc/passwd",
            )
        ],
        *[("audience", value) for value in ("", " ", "a ", "a\n", "*", [], ["a", "b"], "a" * 256)],
        *[("user_claim", value) for value in ("", " ", "sub ", "$.sub", "sub\n", "a'b", "a" * 129, "ａ", "*", "_x")],
        *[("user_claim", value) for value in ("iss", "aud", "exp", "client_id", "scope", "token_use", "jti")],
        *[("jwks_uri", value) for value in ("", "http://issuer.example/keys", "keys.json", "https://a/keys#1")],
        *[("leeway_seconds", value) for value in (-1, 301, "soon")],
        ("secret", "word"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_its_name(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        Jwt.model_validate(GOOD | {key: value})
    [problem] = raised.value.errors()
    assert problem["loc"] == (key,)


@pytest.mark.parametrize("key", ["issuer", "audience"])
def test_issuer_and_audience_are_both_needed(key: str) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        Jwt.model_validate({name: value for name, value in GOOD.items() if name != key})
