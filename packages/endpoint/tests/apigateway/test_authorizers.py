"""REST APIs that ask a function who may call: its answer is a policy, its word Unauthorized is 401."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import make_function, name
from tests.cloudformation.test_types import attribute, deploy, ref, resource

AUTHORIZER = """
def handler(event, context):
    said = event['multiValueHeaders']['authorization']
    if said == ['nobody']: raise Exception('Unauthorized')
    if said == ['broken']: raise Exception('no keys')
    effect = 'Allow' if said == [event['pathParameters']['userId']] else 'Deny'
    statement = {'Action': 'execute-api:Invoke', 'Effect': effect, 'Resource': event['methodArn']}
    policy = {'Version': '2012-10-17', 'Statement': [statement]}
    return {'principalId': 'reader', 'policyDocument': policy, 'context': {'userId': said[0]}}
"""
LISTS = """
def handler(event, context):
    return {'statusCode': 200, 'body': event['requestContext']['authorizer']['userId']}
"""


def make_api(cloud: Endpoint, *, permission: str) -> str:
    """`permission`: what may invoke the authorizer's function, below the API's ARN."""
    asked, lists = (
        f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:{make_function(cloud, code)}"
        for code in (AUTHORIZER, LISTS)
    )
    uri = "arn:aws:apigateway:{}:lambda:path/2015-03-31/functions/{}/invocations"
    api = ref("Api")
    resources = {
        "Api": resource("ApiGateway::RestApi", Name=name("api")),
        "User": resource(
            "ApiGateway::Resource",
            RestApiId=api,
            ParentId=attribute("Api", "RootResourceId"),
            PathPart="{userId}",
        ),
        "Readers": resource(
            "ApiGateway::Authorizer",
            RestApiId=api,
            Name="readers",
            Type="REQUEST",
            IdentitySource="method.request.header.Authorization",
            AuthorizerResultTtlInSeconds=0,
            AuthorizerUri=uri.format(cloud.region, asked),
        ),
        "Get": resource(
            "ApiGateway::Method",
            RestApiId=api,
            ResourceId=ref("User"),
            HttpMethod="GET",
            AuthorizationType="CUSTOM",
            AuthorizerId=ref("Readers"),
            Integration={
                "Type": "AWS_PROXY",
                "IntegrationHttpMethod": "POST",
                "Uri": uri.format(cloud.region, lists),
            },
        ),
        "Deployment": {**resource("ApiGateway::Deployment", RestApiId=api), "DependsOn": ["Get"]},
        "Stage": resource(
            "ApiGateway::Stage", RestApiId=api, DeploymentId=ref("Deployment"), StageName="live"
        ),
    }
    for key, (function, source) in {"A": (asked, permission), "L": (lists, "/live/GET/*")}.items():
        resources[f"Permission{key}"] = resource(
            "Lambda::Permission",
            FunctionName=function,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn={
                "Fn::Join": ["", [f"arn:aws:execute-api:{cloud.region}:{cloud.account}:", api, source]]
            },
        )
    made = deploy(cloud, name("api"), resources, outputs={"Api": api})
    return f"{cloud.url}/_aws/execute-api/{made['Api']}/live"


def call(url: str, said: str | None) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": said} if said else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.fixture(scope="module")
def api(cloud: Endpoint) -> str:
    return make_api(cloud, permission="/authorizers/*")


def test_whom_the_authorizer_lets_in_is_told_to_the_function(api: str) -> None:
    assert call(f"{api}/1517", "1517") == (200, "1517")


@pytest.mark.parametrize(("said", "status"), [("2", 403), ("nobody", 401), ("broken", 500)])
def test_whom_it_does_not_is_refused_with_its_reasons_status(api: str, said: str, status: int) -> None:
    assert call(f"{api}/1517", said)[0] == status


def test_no_answer_is_kept_where_its_time_to_live_is_zero(api: str) -> None:
    assert [call(f"{api}/{user}", "1517")[0] for user in ("1517", "2", "1517")] == [200, 403, 200]


def test_an_authorizer_that_the_api_may_not_invoke_lets_nobody_in(cloud: Endpoint) -> None:
    api: Any = make_api(cloud, permission="/live/GET/*")
    assert call(f"{api}/1517", "1517")[0] == 500
