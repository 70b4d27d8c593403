"""Who is let in by a token: an attack table, other users' paths, and an issuer that fails or lies."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from lambdas.authorize_reader import handler as edge
from lambdas.authorize_reader import issuer as issuers
from lambdas.authorize_reader.cache import (
    KEPT_IN_NEED_SECONDS,
    KEPT_SECONDS,
    PAUSE_SECONDS,
    KeyCache,
)
from lambdas.authorize_reader.environment import Environment
from lambdas.authorize_reader.handler import run
from lambdas.authorize_reader.refusals import KeysUnavailable, TokenRefused
from lambdas.get_recommendations.routes import ROUTES
from tests.tokens import AUDIENCE, ISSUER, Ec, Rsa, claims, encoded, keyed, part

RSA, EC, STRANGER = Rsa(), Ec(), Rsa()
OPENED = [f"{route.method} {route.path}" for route in ROUTES if route.readers]
OWN = "/v1/users/{userId}/recommendations"
GIVEN = Environment(
    issuer=ISSUER,
    audience=AUDIENCE,
    user_claim="sub",
    leeway_seconds=30,
    routes=OPENED,
    powertools_metrics_namespace="n",
)


def cache(*rows: dict[str, Any]) -> KeyCache:
    return KeyCache(read=lambda: issuers.keys({"keys": list(rows)}), clock=time.monotonic)


def event(
    *authorization: str, resource: str = OWN, path: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:ap-northeast-1:111111111111:api/live/GET/v1/x",
        "resource": resource,
        "httpMethod": "GET",
        "multiValueHeaders": {"authorization": list(authorization)},
        "pathParameters": {"userId": "1517"} if path is None else path,
        **more,
    }


def allowed(request: dict[str, Any], *rows: dict[str, Any], given: Environment = GIVEN) -> bool:
    answer = run(request, settings=given, keys=cache(*(rows or (RSA.jwk, EC.jwk))))
    [statement] = answer["policyDocument"]["Statement"]
    return bool(statement["Effect"] == "Allow")


def is_let_in(token: str, **more: Any) -> bool:
    try:
        return allowed(event(f"Bearer {token}", **more))
    except TokenRefused:
        return False


GOOD: dict[str, Callable[[], str]] = {
    "RS256": RSA.token,
    "ES256": EC.token,
    "several audiences": lambda: RSA.token(claims(aud=["other", AUDIENCE])),
    "Cognito's access token": lambda: RSA.token(claims(aud=None, client_id=AUDIENCE, token_use="access")),
    "an access token of RFC 9068": lambda: EC.token(typ="at+jwt"),
    "expired within the leeway": lambda: RSA.token(claims(exp=int(time.time()) - 10)),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_token_reads_its_own_users_list(name: str) -> None:
    assert is_let_in(GOOD[name]())


def swapped(token: str, **changes: Any) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{part(claims(**changes))}.{signature}"


def with_header(token: str, **header: Any) -> str:
    _, payload, signature = token.split(".")
    return f"{part(header)}.{payload}.{signature}"


ATTACKS: dict[str, Callable[[], str]] = {
    "alg none without signature": lambda: f"{part({'alg': 'none', 'kid': 'r'})}.{part(claims())}.",
    "alg none with one": lambda: with_header(RSA.token(), alg="none", kid="r"),
    "alg None, NONE and nOnE": lambda: with_header(RSA.token(), alg="nOnE", kid="r"),
    "no alg": lambda: RSA.token(alg=None),
    "alg as a list": lambda: RSA.token(alg=["RS256"]),
    "HS256 by the public key": lambda: keyed(RSA.pem, {"alg": "HS256", "kid": "r"}, claims()),
    "HS256 by the modulus": lambda: keyed(RSA.jwk["n"].encode(), {"alg": "HS256", "kid": "r"}, claims()),
    "HS256 by nothing": lambda: keyed(b"", {"alg": "HS256", "kid": "r"}, claims()),
    "RS256 said of an HMAC": lambda: keyed(RSA.pem, {"alg": "RS256", "kid": "r"}, claims()),
    "RS384": lambda: RSA.token(alg="RS384"),
    "PS256": lambda: RSA.token(alg="PS256"),
    "ES256 by the RSA key": lambda: RSA.token(alg="ES256"),
    "RS256 by the EC key's name": lambda: RSA.token(kid="e"),
    "ES256 with r and s zero": lambda: EC.token().rpartition(".")[0] + "." + encoded(bytes(64)),
    "another issuer": lambda: RSA.token(claims(iss="https://issuer.example/other")),
    "the issuer with a slash": lambda: RSA.token(claims(iss=ISSUER + "/")),
    "issuers as a list": lambda: RSA.token(claims(iss=[ISSUER])),
    "no issuer": lambda: RSA.token(claims(iss=None)),
    "another audience": lambda: RSA.token(claims(aud="other")),
    "an audience that begins so": lambda: RSA.token(claims(aud=AUDIENCE + "2")),
    "an audience in other letters": lambda: RSA.token(claims(aud=AUDIENCE.upper())),
    "another audience, and our client_id": lambda: RSA.token(claims(aud="other", client_id=AUDIENCE)),
    "audience null, and our client_id": lambda: RSA.token({**claims(client_id=AUDIENCE), "aud": None}),
    "audiences as an object": lambda: RSA.token(claims(aud={AUDIENCE: 1})),
    "no audience": lambda: RSA.token(claims(aud=None)),
    "Cognito's ID token": lambda: RSA.token(claims(token_use="id")),
    "a refresh token": lambda: RSA.token(claims(token_use="refresh")),
    "a logout token": lambda: RSA.token(typ="logout+jwt"),
    "expired": lambda: RSA.token(claims(exp=int(time.time()) - 31)),
    "no exp": lambda: RSA.token(claims(exp=None)),
    "exp as a word": lambda: RSA.token(claims(exp="never")),
    "exp as a list": lambda: RSA.token(claims(exp=[9999999999])),
    "exp infinite": lambda: RSA.token(claims(exp=float("inf"))),
    "exp no number": lambda: RSA.token(claims(exp=float("nan"))),
    "not yet valid": lambda: RSA.token(claims(nbf=int(time.time()) + 60)),
    "issued in the future": lambda: RSA.token(claims(iat=int(time.time()) + 600)),
    "kid unknown": lambda: RSA.token(kid="another"),
    "no kid": lambda: RSA.token(kid=None),
    "kid empty": lambda: RSA.token(kid=""),
    "kid a path": lambda: keyed(b"", {"alg": "HS256", "kid": "../../../../dev/null"}, claims()),
    "kid an address": lambda: STRANGER.token(kid="https://attacker.example/keys.json#r"),
    "kid SQL": lambda: STRANGER.token(kid="r' UNION SELECT 'k"),
    "kid an object": lambda: STRANGER.token(kid={"r": 1}),
    "kid a number": lambda: STRANGER.token(kid=0),
    "signed by a stranger": lambda: STRANGER.token(),
    "jku": lambda: STRANGER.token(jku="https://attacker.example/keys.json"),
    "x5u": lambda: STRANGER.token(x5u="https://attacker.example/cert.pem"),
    "x5c": lambda: STRANGER.token(x5c=["MIIB"]),
    "its own jwk": lambda: STRANGER.token(jwk=STRANGER.jwk),
    "its own jwk under no kid": lambda: STRANGER.token(kid=None, jwk=STRANGER.jwk),
    "crit": lambda: RSA.token(crit=["b64"], b64=False),
    "b64 false": lambda: RSA.token(b64=False),
    "signature stripped": lambda: RSA.token().rpartition(".")[0] + ".",
    "two parts": lambda: RSA.token().rpartition(".")[0],
    "four parts": lambda: RSA.token() + ".x",
    "five parts, as if encrypted": lambda: RSA.token() + ".x.x",
    "signature of another token": lambda: (
        RSA.token().rpartition(".")[0] + "." + RSA.token(claims("2")).rpartition(".")[2]
    ),
    "payload swapped": lambda: swapped(RSA.token(claims("2"))),
    "payload swapped, ES256": lambda: swapped(EC.token(claims("2"))),
    "header swapped": lambda: with_header(RSA.token(), alg="RS256", kid="r"),
    "padding": lambda: RSA.token() + "==",
    "plain base64": lambda: RSA.token().replace(".", "+."),
    "too long": lambda: RSA.token(claims(more="x" * 8192)),
    "payload no object": lambda: RSA.token([1]),  # type: ignore[arg-type]
    "no user": lambda: RSA.token(claims(sub=None)),
    "user empty": lambda: RSA.token(claims("")),
    "user a number": lambda: RSA.token(claims(sub=1517)),
    "user a list": lambda: RSA.token(claims(sub=["1517"])),
    "user with a control character": lambda: RSA.token(claims("1517\n")),
    "user of 257 characters": lambda: RSA.token(claims("1" * 257)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(name: str) -> None:
    assert not is_let_in(ATTACKS[name]())


def test_the_tables_strangers_would_be_let_in_if_their_key_were_the_issuers() -> None:
    """So that the table refuses for the key alone, and not for a mistake in how its tokens are made."""
    for header in ({}, {"jku": "https://a"}, {"x5u": "https://a"}, {"jwk": STRANGER.jwk}):
        assert allowed(event(f"Bearer {STRANGER.token(**header)}"), STRANGER.jwk)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Basic dTpw",),
        ("AWS4-HMAC-SHA256 Credential=a",),
        ("Bearer {0} {0}",),
        ("Bearer {0},Bearer {0}",),
        ("{0}",),
        ("Bearer  {0}",),
        ("Bearer {0}\n",),
        ("bearer={0}",),
        ("Bearer {0}", "Bearer {0}"),
        ("Basic dTpw", "Bearer {0}"),
    ],
)
def test_another_header_than_one_bearer_token_is_refused(headers: tuple[str, ...]) -> None:
    token = RSA.token()
    with pytest.raises(TokenRefused):
        allowed(event(*(header.format(token) for header in headers)))


def test_two_headers_in_different_letters_are_two() -> None:
    good = f"Bearer {RSA.token()}"
    request = event(good) | {"multiValueHeaders": {"Authorization": [good], "AUTHORIZATION": [good]}}
    with pytest.raises(TokenRefused):
        allowed(request)


@pytest.mark.parametrize(
    "given",
    [
        "1518", "15170", "151", "", "*", "?517", "..", "%2e%2e", "%2E%2E%2F1517", "1517/", "1517%2F", "1517%2f..%2f2",
        "%31%35%31%38", "1517%00", "1517%20", " 1517", "1517;a=b", "%EF%BC%91517", "%2531517", "%ff", "1517%0a",
    ],
)  # fmt: skip
def test_another_users_path_is_refused(given: str) -> None:
    assert not is_let_in(RSA.token(), path={"userId": given})


@pytest.mark.parametrize("given", ["1517", "%31517", "15%317"])
def test_ones_own_path_may_be_escaped_as_one_likes(given: str) -> None:
    assert is_let_in(RSA.token(), path={"userId": given})


@pytest.mark.parametrize("path", [{}, {"itemId": "1517"}, {"userid": "1517"}])
def test_a_users_resource_without_its_user_is_refused(path: dict[str, str]) -> None:
    assert not is_let_in(RSA.token(), path=path)


@pytest.mark.parametrize("user", ["*", "?", "%41", "a/b", "..", "ユーザー", "a@b+c", "${aws:userid}"])
def test_an_id_of_odd_characters_is_its_own_and_nobody_elses(user: str) -> None:
    token = RSA.token(claims(user))
    escaped = "".join(f"%{byte:02X}" for byte in user.encode())
    assert is_let_in(token, path={"userId": escaped})
    assert not is_let_in(token, path={"userId": "1517"})


@pytest.mark.parametrize("method", ["get", "GET ", "HEAD", "POST", "DELETE", "OPTIONS", "ANY", "", None])
def test_another_method_is_refused(method: str | None) -> None:
    assert not is_let_in(RSA.token(), httpMethod=method)


@pytest.mark.parametrize(
    "resource",
    [
        "/v1/segments/{segment}",
        "/v1/health",
        "/v1/users/{userId}",
        "/{proxy+}",
        "",
        "/v1/users//recommendations",
    ],
)
def test_what_is_not_opened_to_tokens_is_refused(resource: str) -> None:
    assert not is_let_in(RSA.token(), resource=resource)


def test_routes_without_a_user_are_open_to_every_user() -> None:
    for resource in ("/v1/popular", "/v1/trending", "/v1/items/{itemId}/related"):
        assert is_let_in(RSA.token(), resource=resource, path={})
    assert is_let_in(RSA.token(), resource="/v1/events", path={}, httpMethod="POST")


@pytest.mark.parametrize(("users", "expected"), [(["1517"], True), (["2"], False), (["1517", "2"], False)])
def test_a_user_in_the_query_is_ones_own(users: list[str], expected: bool) -> None:
    related, query = "/v1/items/{itemId}/related", {"userId": users}
    token = RSA.token()
    assert is_let_in(token, resource=related, path={}, multiValueQueryStringParameters=query) is expected


def test_another_claim_may_be_the_user() -> None:
    mine = Environment(**{**GIVEN.__dict__, "user_claim": "custom:user_id"})
    request = event(f"Bearer {RSA.token(claims('other', **{'custom:user_id': '1517'}))}")
    assert allowed(request, RSA.jwk, given=mine)
    with pytest.raises(TokenRefused):
        allowed(event(f"Bearer {RSA.token()}"), RSA.jwk, given=mine)


def test_the_answer_tells_the_function_the_user_and_the_log_nobody() -> None:
    answer = run(event(f"Bearer {RSA.token()}"), settings=GIVEN, keys=cache(RSA.jwk))
    assert answer["context"] == {"userId": "1517"}
    assert answer["principalId"] == "reader"
    assert answer["policyDocument"]["Statement"][0]["Resource"] == event()["methodArn"]


def test_thousands_of_damaged_tokens_are_refused_and_none_fails() -> None:
    chance, good = random.Random(16), [RSA.token(), EC.token()]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="
    keys = cache(RSA.jwk, EC.jwk)
    for _ in range(2000):
        token = list(chance.choice(good))
        # The last letter of a part has bits that stand for nothing.
        places = [
            n for n in range(len(token)) if token[n] != "." and n + 1 < len(token) and token[n + 1] != "."
        ]
        place = chance.choice(places)
        token[place] = chance.choice([one for one in letters if one != token[place]])
        with pytest.raises(TokenRefused):
            run(event("Bearer " + "".join(token)), settings=GIVEN, keys=keys)


@tries(max_examples=150)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_two_users_read_one_another(mine: str, other: str) -> None:
    try:
        opened = is_let_in(
            RSA.token(claims(mine)), path={"userId": "".join(f"%{b:02x}" for b in other.encode())}
        )
    except UnicodeEncodeError:
        return
    assert not opened or mine == other


@pytest.mark.parametrize(
    "row",
    [
        {"kty": "oct", "k": "AAAA", "kid": "r", "alg": "HS256"},
        {**RSA.jwk, "use": "enc"},
        {**RSA.jwk, "key_ops": ["encrypt"]},
        {**RSA.jwk, "key_ops": None},
        {**RSA.jwk, "alg": "PS256"},
        {**RSA.jwk, "d": "AQAB"},
        {**RSA.jwk, "kid": 7},
        {**RSA.jwk, "kid": ""},
        {**RSA.jwk, "n": "!"},
        {**RSA.jwk, "crv": ["P-256"]},
        {**EC.jwk, "crv": "P-384"},
        {**EC.jwk, "y": EC.jwk["x"]},
        Rsa(private=rsa.generate_private_key(65537, 1024)).jwk,
        {},
    ],
)
def test_a_key_that_does_not_sign_so_is_passed_over_and_the_others_stay(row: dict[str, Any]) -> None:
    assert set(issuers.keys({"keys": [row, "no key", EC.jwk]})) == {("e", "ES256")}


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"keys": {}}', b'{"keys": []}']
)
def test_keys_that_cannot_be_read_are_said_to_be_unavailable(text: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        issuers.read(issuer=ISSUER, jwks_uri="https://k.example/", get=lambda _: text)


def test_the_discovery_document_says_where_the_keys_are() -> None:
    pages = {
        f"{ISSUER}/.well-known/openid-configuration": {
            "issuer": ISSUER,
            "jwks_uri": "https://k.example/keys",
        },
        "https://k.example/keys": {"keys": [RSA.jwk]},
    }
    found = issuers.read(issuer=ISSUER, jwks_uri="", get=lambda url: json.dumps(pages[url]).encode())
    assert set(found) == {("r", "RS256")}


def test_the_discovery_document_of_another_issuer_is_not_believed() -> None:
    about = json.dumps({"issuer": "https://attacker.example", "jwks_uri": "https://attacker.example/keys"})
    with pytest.raises(KeysUnavailable, match="another issuer"):
        issuers.read(issuer=ISSUER, jwks_uri="", get=lambda _: about.encode())


@pytest.mark.parametrize(
    "url", ["http://issuer.example/keys", "file:///etc/passwd", "ftp://a/b", "https://", "None", "//a/keys"]
)
def test_keys_are_read_over_https_alone(url: str) -> None:
    with pytest.raises(KeysUnavailable, match="https"):
        issuers.fetched(url)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    def __init__(self) -> None:
        self.rows, self.asked, self.up = [RSA.jwk], 0, True

    def read(self) -> issuers.Keys:
        self.asked += 1
        if not self.up:
            raise KeysUnavailable("down")
        return issuers.keys({"keys": self.rows})


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_unknown_kids_ask_the_issuer_once_in_a_while(clock: Clock) -> None:
    issuer = Issuer()
    kept = KeyCache(read=issuer.read, clock=clock)
    for n in range(1000):
        with pytest.raises(TokenRefused):
            kept.key(kid=f"k{n}", algorithm="RS256")
    assert issuer.asked == 1
    clock.now += PAUSE_SECONDS
    issuer.rows.append(STRANGER.jwk | {"kid": "new"})
    assert kept.key(kid="new", algorithm="RS256")
    assert issuer.asked == 2


def test_a_key_is_kept_and_forgotten_after_its_time(clock: Clock) -> None:
    issuer = Issuer()
    kept = KeyCache(read=issuer.read, clock=clock)
    kept.key(kid="r", algorithm="RS256")
    clock.now += KEPT_SECONDS
    kept.key(kid="r", algorithm="RS256")
    assert issuer.asked == 1
    issuer.rows = [EC.jwk]
    clock.now += 1
    with pytest.raises(TokenRefused):
        kept.key(kid="r", algorithm="RS256")


def test_an_issuer_that_is_down_is_borne_for_a_while_and_then_nobody_is_let_in(clock: Clock) -> None:
    issuer = Issuer()
    kept = KeyCache(read=issuer.read, clock=clock)
    kept.key(kid="r", algorithm="RS256")
    issuer.up = False
    clock.now += KEPT_IN_NEED_SECONDS
    assert kept.key(kid="r", algorithm="RS256")
    clock.now += 1 + PAUSE_SECONDS
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            kept.key(kid="r", algorithm="RS256")
    assert issuer.asked == 3
    issuer.up = True
    clock.now += PAUSE_SECONDS
    assert kept.key(kid="r", algorithm="RS256")


def test_the_edge_says_unauthorized_in_the_word_that_the_gateway_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edge, "settings", lambda: GIVEN)
    monkeypatch.setattr(edge, "keys", lambda: cache(RSA.jwk))
    with pytest.raises(edge.Unauthorized) as raised:
        edge.handler(event(f"Bearer {STRANGER.token()}"), None)
    assert str(raised.value) == "Unauthorized"


def test_no_log_holds_a_token_or_a_user(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(edge, "settings", lambda: GIVEN)
    monkeypatch.setattr(edge, "keys", lambda: KeyCache(read=Issuer().read, clock=time.monotonic))
    for name, attack in ATTACKS.items():
        caplog.clear()
        token = attack()
        with pytest.raises(edge.Unauthorized):
            edge.handler(event(f"Bearer {token}"), None)
        [record] = caplog.records
        said = f"{record.getMessage()} {vars(record)['reason']}"
        assert said.startswith("refused ")
        assert "1517" not in said
        assert not [piece for piece in token.split(".") if len(piece) > 8 and piece in said], name


def test_an_issuer_that_is_down_is_counted_for_the_alarm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    issuer = Issuer()
    issuer.up = False
    monkeypatch.setattr(edge, "settings", lambda: GIVEN)
    monkeypatch.setattr(edge, "keys", lambda: KeyCache(read=issuer.read, clock=time.monotonic))
    with pytest.raises(KeysUnavailable):
        edge.handler(event(f"Bearer {RSA.token()}"), None)
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [(one["Service"], one["Failed"]) for one in counted] == [("authorize_reader", 1)]
