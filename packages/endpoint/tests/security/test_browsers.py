"""What pages of other origins get: nothing, unless a deployed API's own CORS configuration names them."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.gate import hosts
from osusume_endpoint.testing.raw import Answer, send, sign
from osusume_endpoint.testing.running import make_function, name
from osusume_endpoint.testing.security import SECRET, SECRET_BUCKET

EVIL, SHOP = "https://evil.example", "https://shop.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
CODE = "def handler(event, context): return {'statusCode': 200, 'body': 'ran'}"
SERVED = ["127.0.0.1", "127.0.0.1:1", "localhost", "LOCALHOST:4566", "[::1]", "[::1]:4566", "a.localhost"]
SERVED += [
    "bucket.s3.eu-central-1.localhost:4566",
    "0123abcd.execute-api.localhost:4566",
    "my_bucket.localhost",
]
FOREIGN = [
    "evil.example",
    "evil.example:4566",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evillocalhost",
]
FOREIGN += [
    "",
    "0.0.0.0",
    "127.0.0.2",
    "127.1",
    "2130706433",
    "[::]",
    "::1",
    "localhost.",
    "localhost.localstack.cloud",
]
FOREIGN += [
    "bucket.s3.amazonaws.com",
    "s3.eu-central-1.amazonaws.com",
    "a..localhost",
    ".localhost",
    "-a.localhost",
]
FOREIGN += ["localhost:x", "localhost:123456", "user@localhost", "localhost/evil", "localhost, evil.example"]


@pytest.mark.parametrize("host", SERVED)
def test_a_name_of_this_machine_is_served(host: str) -> None:
    assert hosts.served(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_another_name_is_not_served_whoever_signed(cloud: Endpoint, host: str) -> None:
    target = f"/{SECRET_BUCKET}/secret"
    signed = dict(sign(cloud, "s3", "GET", target, headers={"Host": host}).headers)
    for headers in ({"Host": host}, {**signed, "Host": host}):
        answer = send(cloud, "GET", target, headers=headers)
        assert answer.status in (400, 421) and SECRET not in answer.body
    assert send(cloud, "GET", "/_ministack/health", headers={"Host": host}).status in (400, 421)


PAGES: list[Mapping[str, str]] = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1:8000"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "Cross-Site"},
    {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"},
]


def stranger(answer: Answer) -> bool:
    unreadable = not any(name.startswith("access-control-") for name in answer.headers)
    return answer.status == 403 and unreadable and SECRET not in answer.body


@pytest.mark.parametrize("page", PAGES, ids=json.dumps)
def test_a_page_gets_nothing_even_with_a_signature_that_holds(
    cloud: Endpoint, page: Mapping[str, str]
) -> None:
    target = f"/{SECRET_BUCKET}/secret"
    signed = dict(sign(cloud, "s3", "GET", target).headers)
    assert send(cloud, "GET", target, headers=signed).body == SECRET
    for path in (target, "/", "/_ministack/health", "/_ministack/reset", "/_osusume/faults", "/login"):
        for method in ("GET", "POST", "OPTIONS"):
            assert stranger(send(cloud, method, path, headers={**signed, **page})), (method, path)
    answer = send(cloud, "GET", target, headers={**signed, **page})
    assert "may not call this endpoint" in json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    "path", ["/", f"/{SECRET_BUCKET}/secret", "/_ministack/reset", "/2015-03-31/functions"]
)
def test_a_preflight_allows_nothing(cloud: Endpoint, path: str) -> None:
    for origin in (EVIL, "null", ""):
        answer = send(cloud, "OPTIONS", path, headers={**PREFLIGHT, "Origin": origin})
        assert stranger(answer), answer
    nameless = send(cloud, "OPTIONS", path, headers=PREFLIGHT)
    assert nameless.status in (400, 403)  # S3 wants an Origin
    assert "access-control-allow-origin" not in nameless.headers


def test_a_buckets_cors_rules_let_no_page_in(cloud: Endpoint) -> None:
    rules = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}]
    cloud.client("s3").put_bucket_cors(Bucket=SECRET_BUCKET, CORSConfiguration={"CORSRules": rules})
    answer = send(cloud, "OPTIONS", f"/{SECRET_BUCKET}/secret", headers={**PREFLIGHT, "Origin": EVIL})
    cloud.client("s3").delete_bucket_cors(Bucket=SECRET_BUCKET)
    assert stranger(answer)


def test_answers_to_signed_calls_name_no_origin(cloud: Endpoint) -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = send(
        cloud,
        "POST",
        "/",
        headers=dict(sign(cloud, "sts", "POST", "/", headers=form, body=body).headers),
        body=body,
    )
    assert answer.status == 200
    assert [header for header in answer.headers if header.startswith("access-control-")] == []


def http_api(cloud: Endpoint, **options: object) -> str:
    function = make_function(cloud, CODE)
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:{function}"
    cloud.client("lambda").add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    gateway = cloud.client("apigatewayv2")
    api = gateway.create_api(Name=name("api"), ProtocolType="HTTP", **options)["ApiId"]
    integration = gateway.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    for route, kind in (("GET /", "NONE"), ("GET /signed", "AWS_IAM")):
        target = f"integrations/{integration}"
        gateway.create_route(ApiId=api, RouteKey=route, Target=target, AuthorizationType=kind)
    gateway.create_stage(ApiId=api, StageName="live", AutoDeploy=True)
    return f"/_aws/execute-api/{api}/live/"


def test_an_http_apis_cors_configuration_lets_its_own_pages_in(cloud: Endpoint) -> None:
    target = http_api(cloud, CorsConfiguration={"AllowOrigins": [SHOP], "AllowMethods": ["GET"]})
    preflight = send(cloud, "OPTIONS", target, headers={**PREFLIGHT, "Origin": SHOP})
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, SHOP)
    served = send(cloud, "GET", target, headers={"Origin": SHOP, "Sec-Fetch-Site": "cross-site"})
    assert (served.body, served.headers["access-control-allow-origin"]) == (b"ran", SHOP)
    for page in PAGES:
        assert stranger(send(cloud, "GET", target, headers=page)), page
    assert stranger(send(cloud, "OPTIONS", target, headers={**PREFLIGHT, "Origin": EVIL}))


def test_an_http_api_without_cors_is_for_programs_only(cloud: Endpoint) -> None:
    target = http_api(cloud)
    assert send(cloud, "GET", target).body == b"ran"
    assert stranger(send(cloud, "GET", target, headers={"Origin": SHOP}))


@pytest.mark.parametrize(
    "authorization", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=222222222222/x", "AWS a:b"]
)
def test_an_http_apis_route_of_iam_wants_a_signature(cloud: Endpoint, authorization: str) -> None:
    target = f"{http_api(cloud)}signed"
    headers = {"Authorization": authorization} if authorization else {}
    answer = send(cloud, "GET", target, headers=headers)
    assert (answer.status, json.loads(answer.body)) == (403, {"message": "Forbidden"})
    signed = sign(cloud, "execute-api", "GET", target)
    assert send(cloud, "GET", target, headers=dict(signed.headers)).body == b"ran"


def rest_api(cloud: Endpoint, origin: str) -> str:
    """With the OPTIONS method that CDK's default_cors_preflight_options makes."""
    gateway = cloud.client("apigateway")
    api = gateway.create_rest_api(name=name("api"))["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    at = {"restApiId": api, "resourceId": root}
    gateway.put_method(**at, httpMethod="OPTIONS", authorizationType="NONE")
    gateway.put_integration(
        **at, httpMethod="OPTIONS", type="MOCK", requestTemplates={"application/json": '{"statusCode": 204}'}
    )
    header = "method.response.header.Access-Control-Allow-Origin"
    gateway.put_method_response(
        **at, httpMethod="OPTIONS", statusCode="204", responseParameters={header: True}
    )
    gateway.put_integration_response(
        **at, httpMethod="OPTIONS", statusCode="204", responseParameters={header: f"'{origin}'"}
    )
    gateway.put_method(**at, httpMethod="GET", authorizationType="AWS_IAM")
    gateway.put_integration(
        **at, httpMethod="GET", type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    gateway.put_method_response(**at, httpMethod="GET", statusCode="200")
    gateway.put_integration_response(**at, httpMethod="GET", statusCode="200")
    gateway.create_deployment(restApiId=api, stageName="live")
    return f"/_aws/execute-api/{api}/live/"


def test_a_rest_apis_own_options_method_lets_its_pages_in_and_they_still_sign(cloud: Endpoint) -> None:
    target = rest_api(cloud, SHOP)
    preflight = send(cloud, "OPTIONS", target, headers={**PREFLIGHT, "Origin": SHOP})
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, SHOP)
    assert stranger(send(cloud, "OPTIONS", target, headers={**PREFLIGHT, "Origin": EVIL}))
    signed = dict(sign(cloud, "execute-api", "GET", target).headers)
    assert send(cloud, "GET", target, headers={**signed, "Origin": SHOP}).status == 200
    assert stranger(send(cloud, "GET", target, headers={**signed, "Origin": EVIL}))
    unsigned = send(cloud, "GET", target, headers={"Origin": SHOP})
    assert (unsigned.status, json.loads(unsigned.body)) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.parametrize(
    ("signing", "message"),
    [
        ({"region": "us-east-1"}, "Credential should be scoped to a valid region, not 'us-east-1'. "),
        ({"service": "lambda"}, "Credential should be scoped to correct service: 'execute-api'. "),
    ],
)
def test_a_rest_api_answers_a_wrong_scope_with_its_own_403(
    cloud: Endpoint, signing: dict[str, str], message: str
) -> None:
    target = rest_api(cloud, SHOP)
    signed = sign(
        cloud, signing.get("service", "execute-api"), "GET", target, region=signing.get("region", "")
    )
    answer = send(cloud, "GET", target, headers=dict(signed.headers))
    assert (answer.status, json.loads(answer.body)) == (403, {"message": message})
