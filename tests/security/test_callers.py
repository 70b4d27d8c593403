"""Callers beyond the application: keys of usage plans, and other accounts, by the serving stack's own template."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signing
from pytest import TempPathFactory

from lambdas.get_recommendations.routes import ROUTES
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.iam import decisions, statements
from osusume_endpoint.testing import running
from tests import example
from tests.security import api_stack
from tests.stacks.conftest import Assembly

PARTNER = "210987654321"
OK = "def handler(event, context):\n    return {'statusCode': 200, 'body': '{}'}\n"
LIMITS = {
    "partner": {"rate_per_second": 1, "burst": 50, "quota": 3, "per": "day"},
    "small": {"rate_per_second": 1, "burst": 2},
}
POPULAR, HEALTH, LIST = "/v1/popular", "/v1/health", "/v1/users/u1/recommendations"


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: TempPathFactory) -> Assembly:
    api = {"usage_plans": LIMITS, "key_routes": ["getPopularItems"], "caller_accounts": [PARTNER]}
    return Assembly("dev", tmp_path_factory.mktemp("callers"), example.settings(api=api))


def test_a_key_is_made_for_each_plan_and_its_value_is_in_no_template(assembly: Assembly) -> None:
    keys = [one for _, one in assembly.properties("AWS::ApiGateway::ApiKey")]
    assert [(one["Name"], one["Enabled"], one.get("Value")) for one in keys] == [
        ("osusume-dev-api-partner", True, None),
        ("osusume-dev-api-small", True, None),
    ]
    plans = {one["UsagePlanName"]: one for _, one in assembly.properties("AWS::ApiGateway::UsagePlan")}
    partner, small = plans["osusume-dev-api-partner"], plans["osusume-dev-api-small"]
    assert partner["Throttle"] == {"RateLimit": 1, "BurstLimit": 50}
    assert partner["Quota"] == {"Limit": 3, "Period": "DAY"} and "Quota" not in small
    outputs = assembly.templates["serving"]["Outputs"]
    assert {"ApiKeyIdPartner", "ApiKeyIdSmall"} <= set(outputs)
    assert all("Ref" in outputs[name]["Value"] for name in ("ApiKeyIdPartner", "ApiKeyIdSmall"))


def test_only_the_routes_that_are_named_ask_for_a_key(assembly: Assembly) -> None:
    asking = [one for _, one in assembly.properties("AWS::ApiGateway::Method") if one.get("ApiKeyRequired")]
    assert [(one["HttpMethod"], one["AuthorizationType"]) for one in asking] == [("GET", "AWS_IAM")]


def policy_of(assembly: Assembly) -> dict[str, Any]:
    [(_, api)] = assembly.properties("AWS::ApiGateway::RestApi")
    found: dict[str, Any] = api["Policy"]
    return found


def may(assembly: Assembly, arn: str, route: str, *, own: bool) -> bool:
    """As AWS decides on the template's policy and the caller's own, which allows the API or nothing."""
    from ministack.core import iam_evaluator as evaluator

    statements.install()
    account = assembly.settings.account
    api = f"arn:aws:execute-api:ap-northeast-1:{account}:abc/"
    text = json.dumps(policy_of(assembly)).replace("execute-api:/", api)
    context = evaluator.EvalContext(
        principal_arn=arn,
        principal_type="User",
        principal_account=arn.split(":")[4],
        action="execute-api:Invoke",
        resource_arn=f"{api}live/{route}",
        region="ap-northeast-1",
    )
    identity = {"Version": "2012-10-17", "Statement": [running.allow("execute-api:Invoke")] if own else []}
    text = text.replace('{"Ref": "AWS::Partition"}', '"aws"')
    found = decisions.decide(
        context, [evaluator.parse_policy_document(identity)], resource_policy=(resolved(text), account)
    )
    return bool(found.decision == "Allow")


def resolved(text: str) -> str:
    def joined(value: Any) -> Any:
        if isinstance(value, dict) and "Fn::Join" in value:
            return value["Fn::Join"][0].join(value["Fn::Join"][1])
        if isinstance(value, dict):
            return {key: joined(one) for key, one in value.items()}
        return [joined(one) for one in value] if isinstance(value, list) else value

    return json.dumps(joined(json.loads(text)))


READS = [f"{route.method}{route.path.replace('{userId}', 'u').replace('{itemId}', 'i')}" for route in ROUTES]
SHARED = [one for one, route in zip(READS, ROUTES, strict=True) if not route.services]
CLOSED = [
    *(one for one, route in zip(READS, ROUTES, strict=True) if route.services),
    "DELETE/v1/users/u",
    "GET/v1/deletions/d",
    "PUT/v1/users/u/recommendations",
    "GET/v1/popular/more",
]


@pytest.mark.parametrize("route", SHARED)
def test_another_account_may_what_the_application_may_if_its_own_policy_says_so_too(
    assembly: Assembly, route: str
) -> None:
    theirs, stranger = f"arn:aws:iam::{PARTNER}:user/x", "arn:aws:iam::333333333333:user/x"
    assert may(assembly, theirs, route, own=True)
    assert not may(assembly, theirs, route, own=False)
    assert not may(assembly, stranger, route, own=True)


@pytest.mark.parametrize("route", CLOSED)
def test_another_account_may_neither_read_segments_nor_forget_users(assembly: Assembly, route: str) -> None:
    assert not may(assembly, f"arn:aws:iam::{PARTNER}:user/x", route, own=True)


def test_the_policy_takes_nothing_from_the_own_account(assembly: Assembly) -> None:
    own = f"arn:aws:iam::{assembly.settings.account}:user/x"
    assert may(assembly, own, "DELETE/v1/users/u", own=True)
    assert not may(assembly, own, SHARED[0], own=False)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: TempPathFactory) -> Iterator[Endpoint]:
    with running.running(
        tmp_path_factory.mktemp("callers"), plugins="iam,cloudformation,lambda,apigateway"
    ) as endpoint:
        yield endpoint


Call = Callable[..., int]


@pytest.fixture(scope="module")
def call(cloud: Endpoint, assembly: Assembly) -> tuple[Call, dict[str, str]]:
    """(a signed call's status, value of each plan's key), of the deployed API."""
    function = running.make_function(cloud, OK)
    url, ids = api_stack.deployed(cloud, assembly, function=lambda _: function)
    caller = running.session_of(cloud, running.make_role(cloud, running.allow("execute-api:Invoke")))
    gateway = cloud.client("apigateway")
    keys = [
        gateway.get_api_key(apiKey=one, includeValue=True)
        for one in api_stack.of_type(ids, assembly, "ApiKey")
    ]

    def status(path: str, *, key: str | None = None) -> int:
        request = AWSRequest(method="GET", url=url + path, headers={"x-api-key": key} if key else {})
        SigV4Auth(Signing(*caller), "execute-api", cloud.region).add_auth(request)
        try:
            sent = urllib.request.Request(url + path, headers=dict(request.headers))
            with urllib.request.urlopen(sent, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return int(error.code)

    return status, {one["name"].rpartition("-")[2]: one["value"] for one in keys}


def test_a_route_that_asks_for_a_key_answers_those_who_have_one_as_often_as_their_plan_says(
    call: tuple[Call, dict[str, str]],
) -> None:
    status, keys = call
    assert status(POPULAR) == 403
    assert status(POPULAR, key="0123456789abcdefghij") == 403
    assert [status(POPULAR, key=keys["partner"]) for _ in range(5)] == [200, 200, 200, 429, 429], "the quota"
    assert [status(POPULAR, key=keys["small"]) for _ in range(4)][:3] == [200, 200, 429], "the burst"
    assert [status(path) for path in (HEALTH, LIST)] == [200, 200]
