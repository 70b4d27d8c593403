"""Pages of other origins, in a real browser, against the deployed API: the serving stack's own template, the functions
that read and that take events, tokens of an issuer, a key of a plan. Chromium is who decides what a page may read.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from config import serving
from config.experiments import delivered
from config.settings import Settings
from lambdas.get_recommendations.routes import ROUTES
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running
from osusume_endpoint.testing.raw import send
from tests import example
from tests.security import api_stack
from tests.security.issuing import Issuer, issuing
from tests.stacks.conftest import ROOT, Assembly
from tests.storefront.browser import Tab, tab
from tests.tokens import Rsa, claims

KEY = Rsa()
RUN = "20261124T030000Z"
APP = "https://app.example"
FUNCTIONS = {
    "AuthorizeReader": "authorize_reader",
    "GetRecommendations": "get_recommendations",
    "RecordEvents": "record_events",
}


def settings(site: str, *, issuer: str = "https://issuer.example") -> Settings:
    """The example, with pages, tokens, a key for one route and an account of a partner."""
    plans = {"page": {"rate_per_second": 10, "burst": 20}}
    return example.settings(
        api={
            "cors": {"origins": [APP, site], "max_age_seconds": 60},
            "jwt": {"issuer": issuer, "audience": "shop"},
            "usage_plans": plans,
            "key_routes": ["getTrendingItems"],
            "caller_accounts": ["210987654321"],
        }
    )


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return Assembly("dev", tmp_path_factory.mktemp("pages"), settings("http://localhost:3000"))


def preflights(assembly: Assembly) -> list[dict[str, Any]]:
    methods = [one for _, one in assembly.properties("AWS::ApiGateway::Method")]
    return [one for one in methods if one["HttpMethod"] == "OPTIONS"]


def test_a_preflight_starts_no_function_and_asks_for_nothing_else_does(assembly: Assembly) -> None:
    methods = [one for _, one in assembly.properties("AWS::ApiGateway::Method")]
    asked = preflights(assembly)
    assert len(asked) == len(ROUTES)
    assert {
        (one["AuthorizationType"], one["Integration"]["Type"], one["ApiKeyRequired"]) for one in asked
    } == {("NONE", "MOCK", False)}
    assert "NONE" not in {one["AuthorizationType"] for one in methods if one not in asked}


def test_every_refusal_of_the_gateway_is_for_pages_too(assembly: Assembly) -> None:
    refusals = [
        one["ResponseParameters"] for _, one in assembly.properties("AWS::ApiGateway::GatewayResponse")
    ]
    told = {one["gatewayresponse.header.Access-Control-Allow-Origin"] for one in refusals}
    assert told == {"'*'"}, "with two origins their mapping can't choose"
    assert {one["gatewayresponse.header.Vary"] for one in refusals} == {"'Origin'"}
    assert not any("Allow-Credentials" in name for one in refusals for name in one)


def test_where_accounts_are_named_anybody_may_send_a_preflight_and_nothing_else(assembly: Assembly) -> None:
    [rest] = [one for _, one in assembly.properties("AWS::ApiGateway::RestApi")]
    anybodys = [one for one in rest["Policy"]["Statement"] if one["Principal"] == {"AWS": "*"}]
    assert [(one["Effect"], one["Action"]) for one in anybodys] == [("Allow", "execute-api:Invoke")]
    paths = [re.sub(r"\{\w+\}", "*", route.path) for route in ROUTES]
    assert anybodys[0]["Resource"] == sorted(f"execute-api:/live/OPTIONS{path}" for path in paths)


@dataclass(frozen=True)
class World:
    url: str  # of the stage
    site: str  # of pages that may call
    elsewhere: str  # of the same pages by another name
    key: str  # of the plan
    issuer: Issuer

    def token(self, **changes: Any) -> str:
        return KEY.token(claims(iss=self.issuer.url, **changes))


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>shop</title><body data-ready='true'>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """Its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    plugins = "iam,cloudformation,lambda,apigateway,dynamodb"
    with running.running(tmp_path_factory.mktemp("pages"), plugins=plugins) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with issuing(tmp_path_factory.mktemp("issuer"), [KEY.jwk]) as issuer:
        yield issuer


def _files(name: str, told: Settings) -> dict[str, str]:
    package = ROOT / "lambdas"
    paths = [
        package / "__init__.py",
        *(package / name).glob("*.py"),
        *(package / "shared").glob("*.py"),
        # What record_events takes of its neighbours.
        *((package / "get_recommendations").glob("*.py") if name == "record_events" else ()),
    ]
    files = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    beside = f"lambdas/{name}"
    return {
        **files,
        f"{beside}/serving.json": serving.text(told),
        f"{beside}/default_items.json": json.dumps(told.api.default_items),
        f"{beside}/experiments.json": json.dumps(delivered(told.experiments)),
    }


def _functions(cloud: Endpoint, assembly: Assembly, issuer: Issuer) -> dict[str, str]:
    """Logical id of the template -> the function that stands for it here."""
    role = running.make_role(cloud, running.allow("dynamodb:*"), service="lambda.amazonaws.com")
    made = {}
    for logical_id, one in assembly.templates["serving"]["Resources"].items():
        name = next((FUNCTIONS[each] for each in FUNCTIONS if logical_id.startswith(f"{each}Function")), None)
        if one["Type"] != "AWS::Lambda::Function" or name is None:
            continue
        given = one["Properties"]["Environment"]["Variables"]
        variables = {key: value for key, value in given.items() if isinstance(value, str)}
        made[logical_id] = running.make_function(
            cloud,
            _files(name, assembly.settings),
            role=role,
            Handler=f"lambdas.{name}.handler.handler",
            Timeout=10,
            Environment={"Variables": {**variables, "SSL_CERT_FILE": str(issuer.certificate)}},
        )
    return made


def _published(cloud: Endpoint, told: Settings) -> None:
    """A list that everybody may read."""
    table, client = told.names.recommendations_table, cloud.client("dynamodb")
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    items = [
        *(
            {"pk": f"pointer#{one.name}", "sk": "pointer", "current": RUN}
            for one in told.solutions
            if one.listed
        ),
        {"pk": "popular#everyone", "sk": RUN, "items": '[["t1",12.0],["t2",9.0]]'},
    ]
    for item in items:
        client.put_item(TableName=table, Item={name: {"S": value} for name, value in item.items()})


@pytest.fixture(scope="module")
def world(cloud: Endpoint, issuer: Issuer, site: int, tmp_path_factory: pytest.TempPathFactory) -> World:
    allowed, elsewhere = f"http://127.0.0.1:{site}", f"http://localhost:{site}"
    told = settings(allowed, issuer=issuer.url)
    assembly = Assembly("dev", tmp_path_factory.mktemp("deployed"), told)
    _published(cloud, told)
    functions = _functions(cloud, assembly, issuer)
    other = running.make_function(cloud, "def handler(event, context): return {'statusCode': 200}")
    url, ids = api_stack.deployed(cloud, assembly, function=lambda name: functions.get(name, other))
    [key] = api_stack.of_type(ids, assembly, "ApiKey")
    value = cloud.client("apigateway").get_api_key(apiKey=key, includeValue=True)["value"]
    return World(url=url, site=allowed, elsewhere=elsewhere, key=value, issuer=issuer)


def preflight(origin: str, method: str = "GET") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,x-api-key",
    }


@pytest.mark.nightly
def test_a_preflight_carries_no_credentials_and_is_answered_for_each_origin_by_name(
    cloud: Endpoint, world: World
) -> None:
    stage = world.url.removeprefix(cloud.url)
    for path in ("/v1/popular", "/v1/users/1517/recommendations", "/v1/events", "/v1/trending", "/v1/health"):
        for origin in (APP, world.site):
            answer = send(cloud, "OPTIONS", stage + path, headers=preflight(origin))
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, origin), path
            assert answer.headers["vary"] == "Origin"
        assert send(cloud, "OPTIONS", stage + path, headers=preflight(world.elsewhere)).status == 403
    assert send(cloud, "OPTIONS", f"{stage}/v1/users/1517", headers=preflight(APP)).status == 403, (
        "forgetting"
    )


class Page:
    """A page in the browser, and what its `fetch` gives: an answer, or the error that the browser throws."""

    def __init__(self, browser: Tab, origin: str, stage: str) -> None:
        self._browser, self._stage = browser, stage
        browser.look(f"{origin}/")

    def fetch(
        self, path: str, *, method: str = "GET", body: str | None = None, **headers: str
    ) -> dict[str, Any]:
        options = {
            "method": method,
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        }
        options |= {"body": body} if body is not None else {}
        script = f"""
            fetch({json.dumps(self._stage + path)}, {json.dumps(options)}).then(async answer => ({{
                status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text(),
            }})).catch(error => ({{error: error.name}}))
        """
        found: dict[str, Any] = self._browser.value(script)
        return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with tab(tmp_path_factory.mktemp("browser") / "profile") as opened:
        yield opened


@pytest.mark.nightly
def test_a_page_of_the_shop_reads_with_a_token_and_is_told_why_where_it_may_not(
    browser: Tab, world: World
) -> None:
    page, bearer = Page(browser, world.site, world.url), f"Bearer {world.token()}"
    answer = page.fetch("/v1/popular", authorization=bearer)
    assert answer["status"] == 200 and "t1" in answer["text"], answer
    tag = answer["headers"]["etag"]
    again = page.fetch("/v1/popular", authorization=bearer, if_none_match=tag)
    assert (again["status"], again["headers"]["etag"]) == (304, tag)
    assert page.fetch("/v1/users/1517/recommendations", authorization=bearer)["status"] == 200
    sent = page.fetch(
        "/v1/events", method="POST", body="{}", authorization=bearer, content_type="application/json"
    )
    assert sent["status"] == 400 and "events" in sent["text"], (
        "what the function says of a batch that is none"
    )
    for wrong in (f"Bearer {world.token(exp=1)}", "Bearer x"):
        assert page.fetch("/v1/popular", authorization=wrong)["status"] == 401
    other = page.fetch("/v1/users/2/recommendations", authorization=bearer)
    assert (other["status"], json.loads(other["text"])["type"]) == (
        403,
        "urn:problem-type:recommendations:not-allowed",
    )
    assert page.fetch("/v1/popular?nothing=1", authorization=bearer)["status"] == 400


@pytest.mark.nightly
def test_a_key_travels_as_a_header_of_a_page(browser: Tab, world: World) -> None:
    page, bearer = Page(browser, world.site, world.url), f"Bearer {world.token()}"
    assert page.fetch("/v1/trending", authorization=bearer)["status"] == 403
    assert page.fetch("/v1/trending", authorization=bearer, x_api_key=world.key)["status"] == 200


@pytest.mark.nightly
def test_what_the_api_has_no_word_for_is_kept_from_pages_too(browser: Tab, world: World) -> None:
    page, bearer = Page(browser, world.site, world.url), f"Bearer {world.token()}"
    for method in ("DELETE", "PUT", "PATCH"):
        assert page.fetch("/v1/popular", method=method, authorization=bearer) == {"error": "TypeError"}, (
            method
        )
    assert page.fetch("/v1/users/1517", method="DELETE", authorization=bearer) == {"error": "TypeError"}
    assert page.fetch("/v1/popular", authorization=bearer, x_more="1") == {"error": "TypeError"}


@pytest.mark.nightly
def test_a_page_of_another_origin_reads_nothing(browser: Tab, world: World) -> None:
    page, bearer = Page(browser, world.elsewhere, world.url), f"Bearer {world.token()}"
    refused = {"error": "TypeError"}
    assert page.fetch("/v1/popular", authorization=bearer) == refused
    assert page.fetch("/v1/trending", authorization=bearer, x_api_key=world.key) == refused
    assert page.fetch("/v1/popular") == refused, "without a preflight"
    assert page.fetch("/v1/events", method="POST", body="{}") == refused
