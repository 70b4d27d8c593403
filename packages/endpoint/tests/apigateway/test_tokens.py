"""HTTP APIs whose authorizer reads JSON Web Tokens: answered by the embedded emulator, keys fetched from the issuer."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import make_function, name


@dataclass(frozen=True)
class Signer:
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def token(self, **claims: Any) -> str:
        head = encoded(json.dumps({"alg": "RS256", "kid": "k", "typ": "JWT"}).encode())
        text = f"{head}.{encoded(json.dumps(claims).encode())}"
        return f"{text}.{encoded(self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    @property
    def key(self) -> dict[str, str]:
        modulus = self.private.public_key().public_numbers().n
        number = encoded(modulus.to_bytes(256, "big"))
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k", "n": number, "e": "AQAB"}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def issuer(signer: Signer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            about = {"issuer": url, "jwks_uri": f"{url}/keys"}
            body = json.dumps({"keys": [signer.key]} if self.path == "/keys" else about).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield url
    server.shutdown()


@pytest.fixture(scope="module")
def api(cloud: Endpoint, issuer: str) -> str:
    """The URL of an API for tokens of the audience `app`: GET /lists, and GET /orders for the scope `orders`."""
    gateway = cloud.client("apigatewayv2")
    function = make_function(
        cloud, "def handler(event, context): return {'statusCode': 200, 'body': 'lists'}\n"
    )
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:{function}"
    made = gateway.create_api(Name=name("api"), ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=made, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    authorizer = gateway.create_authorizer(
        ApiId=made,
        Name="tokens",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": ["app"]},
    )["AuthorizerId"]
    for route, scopes in (("GET /lists", []), ("GET /orders", ["orders"])):
        gateway.create_route(
            ApiId=made,
            RouteKey=route,
            Target=f"integrations/{integration}",
            AuthorizationType="JWT",
            AuthorizerId=authorizer,
            AuthorizationScopes=scopes,
        )
    gateway.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    return f"{cloud.url}/_aws/execute-api/{made}/$default"


def status_of(url: str, token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_token_of_the_issuer_for_the_audience_is_let_in(api: str, issuer: str, signer: Signer) -> None:
    assert status_of(f"{api}/lists", signer.token(iss=issuer, aud="app", exp=time.time() + 60)) == 200


@pytest.mark.parametrize(
    "claims",
    [{"aud": "another"}, {"iss": "http://another"}, {"exp": 1}],
    ids=["another audience", "another issuer", "expired"],
)
def test_any_other_token_is_refused(api: str, issuer: str, signer: Signer, claims: dict[str, Any]) -> None:
    wrong = {"iss": issuer, "aud": "app", "exp": time.time() + 60, **claims}
    assert status_of(f"{api}/lists", signer.token(**wrong)) == 401


def test_a_token_that_somebody_else_signed_is_refused(api: str, issuer: str) -> None:
    forged = Signer().token(iss=issuer, aud="app", exp=time.time() + 60)
    assert status_of(f"{api}/lists", forged) == 401


def test_a_call_without_a_token_is_refused(api: str) -> None:
    assert status_of(f"{api}/lists", None) == 401


def test_a_route_asks_for_its_scope(api: str, issuer: str, signer: Signer) -> None:
    claims = {"iss": issuer, "aud": "app", "exp": time.time() + 60}
    assert status_of(f"{api}/orders", signer.token(**claims)) == 403
    assert status_of(f"{api}/orders", signer.token(**claims, scope="lists orders")) == 200
