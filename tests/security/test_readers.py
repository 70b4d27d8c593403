"""The deployed API asked with tokens: its own template, its own authorizer, an issuer behind https, real requests.

What the read functions do is tests/lambdas' matter: here a function stands for them that says whom it was told of.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running
from tests import example
from tests.security import api_stack
from tests.security.issuing import Issuer, issuing
from tests.stacks.conftest import ROOT, Assembly
from tests.tokens import Ec, Rsa, claims, keyed, part

KEY, STRANGER, CURVE = Rsa(), Rsa(), Ec()
ECHO = """
import json
def handler(event, context):
    told = event['requestContext'].get('authorizer')
    return {'statusCode': 200, 'body': json.dumps({'told': told, 'path': event['path']})}
"""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with issuing(tmp_path_factory.mktemp("issuer"), [KEY.jwk, CURVE.jwk]) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running.running(
        tmp_path_factory.mktemp("tokens"), plugins="iam,cloudformation,lambda,apigateway"
    ) as endpoint:
        yield endpoint


def _files() -> dict[str, str]:
    package = ROOT / "lambdas"
    paths = [
        package / "__init__.py",
        *(package / "authorize_reader").glob("*.py"),
        *(package / "shared").glob("*.py"),
    ]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


@pytest.fixture(scope="module")
def api(cloud: Endpoint, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> str:
    given = example.settings().api.model_dump() | {"jwt": {"issuer": issuer.url, "audience": "shop"}}
    assembly = Assembly("dev", tmp_path_factory.mktemp("api"), example.settings(api=given))
    template = assembly.templates["serving"]["Resources"]
    [told] = [
        one["Properties"]["Environment"]["Variables"]
        for name, one in template.items()
        if one["Type"] == "AWS::Lambda::Function" and name.startswith("AuthorizeReader")
    ]
    authorizer = running.make_function(
        cloud,
        _files(),
        Handler="lambdas.authorize_reader.handler.handler",
        Timeout=10,
        Environment={"Variables": {**told, "SSL_CERT_FILE": str(issuer.certificate)}},
    )
    other = running.make_function(cloud, ECHO)
    url, _ = api_stack.deployed(
        cloud, assembly, function=lambda name: authorizer if name.startswith("AuthorizeReader") else other
    )
    return url


@dataclass(frozen=True)
class Answer:
    status: int
    text: str


Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask(api: str) -> Ask:
    """(path as it is sent, headers, method)."""

    def asked(path: str, *authorization: str, method: str = "GET", body: str = "") -> Answer:
        at = urlsplit(api)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
        connection.putrequest(method, at.path + path, skip_accept_encoding=True)
        for value in authorization:
            connection.putheader("Authorization", value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        found = Answer(answer.status, answer.read().decode())
        connection.close()
        return found

    return asked


@pytest.fixture
def token(issuer: Issuer) -> str:
    return KEY.token(claims(iss=issuer.url))


OWN = "/v1/users/1517/recommendations"


def test_a_user_reads_their_own_and_what_is_everybodys(ask: Ask, token: str, issuer: Issuer) -> None:
    bearer = f"Bearer {token}"
    for path in (
        OWN,
        "/v1/users/%31517/actions",
        "/v1/popular",
        "/v1/trending",
        "/v1/items/9/related?userId=1517",
    ):
        answer = ask(path, bearer)
        assert answer.status == 200, (path, answer)
        assert json.loads(answer.text)["told"] == {"userId": "1517", "principalId": "reader"}
    assert ask("/v1/users/1517/rankings", bearer, method="POST", body="{}").status == 200
    assert ask("/v1/events", bearer, method="POST", body="{}").status == 200
    assert ask(OWN, f"Bearer {CURVE.token(claims(iss=issuer.url))}").status == 200
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]  # asked once for them all


def forgeries(url: str) -> dict[str, tuple[str, ...]]:
    mine = claims(iss=url)
    good, other = KEY.token(mine), KEY.token(claims("2", iss=url))
    swapped = ".".join([good.split(".")[0], part(mine), other.split(".")[2]])
    tokens = {
        "none": f"{part({'alg': 'none', 'kid': 'r'})}.{part(mine)}.",
        "the public key as a secret": keyed(KEY.pem, {"alg": "HS256", "kid": "r"}, mine),
        "a stranger": STRANGER.token(mine),
        "a stranger's jwk": STRANGER.token(mine, jwk=STRANGER.jwk),
        "a stranger's jku": STRANGER.token(mine, jku=f"{url}/keys"),
        "an unknown kid": KEY.token(mine, kid="x"),
        "a kid with a path": KEY.token(mine, kid="../r"),
        "expired": KEY.token(mine | {"exp": int(time.time()) - 60}),
        "not yet valid": KEY.token(mine | {"nbf": int(time.time()) + 600}),
        "no exp": KEY.token({name: value for name, value in mine.items() if name != "exp"}),
        "another issuer": KEY.token(claims()),
        "another audience": KEY.token(mine | {"aud": "other"}),
        "stripped": good.rpartition(".")[0] + ".",
        "swapped": swapped,
    }
    headers = {
        "no header": (),
        "empty": ("",),
        "basic": ("Basic dTpw",),
        "two tokens": (f"Bearer {good} {good}",),
    }
    return headers | {name: (f"Bearer {one}",) for name, one in tokens.items()}


def test_no_forgery_is_let_in(ask: Ask, issuer: Issuer) -> None:
    statuses = {name: ask(OWN, *headers).status for name, headers in forgeries(issuer.url).items()}
    assert set(statuses.values()) == {401}, statuses


def test_two_headers_are_no_token_whichever_comes_first(ask: Ask, token: str, issuer: Issuer) -> None:
    good, bad = f"Bearer {token}", f"Bearer {STRANGER.token(claims(iss=issuer.url))}"
    assert [ask(OWN, *two).status for two in ((good, bad), (bad, good), (good, good))] == [401, 401, 401]


def test_no_path_of_another_user_is_reached(ask: Ask, token: str) -> None:
    paths = """
    /v1/users/2/recommendations /v1/users/2/actions /v1/users//recommendations /v1/users/%2e%2e/recommendations
    /v1/users/1517/../2/recommendations /v1/users/1517%2F..%2F2/recommendations /v1/users/2/./recommendations
    /v1/users/1517/%2e%2e/2/recommendations //v1/users/2/recommendations /v1//users/2/recommendations
    /v1/users/*/recommendations /v1/users/%2A/recommendations /v1/users/%32/recommendations
    /V1/USERS/2/RECOMMENDATIONS /v1/users/2/recommendations/ /v1/users/1517%00/recommendations
    /v1/users/2;1517/recommendations /v1/users/2%3F/recommendations /v1/users/%2531517/recommendations
    /v1/items/9/related?userId=2 /v1/items/9/related?userId=1517&userId=2 /v1/items/9/related?userId=2&userId=1517
    /v1/segments/bakers /v1/health /v1/users/1517 /v1/users/2 /v1/deletions/0123456789abcdef /v1/nothing
    """.split()
    statuses = {path: ask(path, f"Bearer {token}").status for path in paths}
    assert {path: status for path, status in statuses.items() if status < 400} == {}


ODD = ["1517", "2", "15", "151", "*", "?", "..", ".", "%", "%41", "a/b", "a b", "a+b", "é", "É", "日本/鮨",
       "ユ" * 85, "😀", "${aws:userid}", "1517/../2", "users", "null", "0", "-1", "A", "a", "1517 ", " 1517",
       "x" * 256]  # fmt: skip


def spelled(user: str) -> set[str]:
    """Ways to write a user into a path: escaped once and twice, every byte of it, with more before and behind."""
    once, bytewise = quote(user, safe=""), "".join(f"%{byte:02x}" for byte in user.encode())
    return {
        once,
        bytewise,
        quote(once),
        f"{once}%00",
        f"{once}%20",
        f"./{once}",
        f"1517/../{once}",
        f"{once}/",
        f"{once};a=1",
    }


@pytest.mark.nightly
def test_in_thousands_of_callers_and_paths_nobody_reads_anybody_else(ask: Ask, issuer: Issuer) -> None:
    """The echo has the path as API Gateway hands it over, still escaped: what it unescapes to is whose list it is."""
    cases = read = 0
    for caller in ODD:
        token = KEY.token(claims(caller, iss=issuer.url))
        for path in sorted({path for user in ODD for path in spelled(user)}):
            cases += 1
            answer = ask(f"/v1/users/{path}/recommendations", f"Bearer {token}")
            if answer.status < 400:
                read += 1
                whose = unquote(json.loads(answer.text)["path"].split("/")[3])
                assert whose == caller, (caller, path)
    assert cases >= 3000 and read >= len(ODD), (cases, read)


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "PUT", "PATCH", "OPTIONS", "POST", "BREW"])
def test_no_other_method_is_let_in(ask: Ask, token: str, method: str) -> None:
    assert ask(OWN, f"Bearer {token}", method=method).status >= 400


@pytest.mark.parametrize("method", ["get", "Get", "POST", "gET"])
def test_no_spelling_of_a_method_reads_another_user(ask: Ask, token: str, method: str) -> None:
    assert ask("/v1/users/2/recommendations", f"Bearer {token}", method=method).status >= 400
