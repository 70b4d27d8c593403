from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningCredentials

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.testing.running import allow, make_function, make_role, name, session_of
from tests.cloudformation.test_types import attribute, deploy, ref, resource

CODE = (
    "import json\n"
    "def handler(event, context):\n"
    "    if (event.get('queryStringParameters') or {}).get('break'): raise ValueError('secret detail')\n"
    "    if (event.get('queryStringParameters') or {}).get('malformed'): return {'ok': 1}\n"
    "    who = event['requestContext']['identity']['userArn']\n"
    "    return {'statusCode': 200, 'body': json.dumps({'who': who})}\n"
)


def template(cloud: Endpoint, function: str, *, permission: bool) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:{function}"
    integration = {
        "Type": "AWS_PROXY",
        "IntegrationHttpMethod": "POST",
        "Uri": f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
    }
    api, schema = ref("Api"), {"type": "object", "required": ["userId"]}
    common = {"RestApiId": api, "AuthorizationType": "AWS_IAM", "Integration": integration}
    resources = {
        "Api": resource("ApiGateway::RestApi", Name=name("api")),
        "Lists": resource(
            "ApiGateway::Resource",
            RestApiId=api,
            ParentId=attribute("Api", "RootResourceId"),
            PathPart="lists",
        ),
        "Shape": resource(
            "ApiGateway::Model", RestApiId=api, ContentType="application/json", Name="Shape", Schema=schema
        ),
        "Validator": resource(
            "ApiGateway::RequestValidator",
            RestApiId=api,
            Name="all",
            ValidateRequestBody=True,
            ValidateRequestParameters=True,
        ),
        "Get": resource(
            "ApiGateway::Method",
            **common,
            ResourceId=ref("Lists"),
            HttpMethod="GET",
            RequestParameters={"method.request.querystring.n": True},
            RequestValidatorId=ref("Validator"),
        ),
        "Post": resource(
            "ApiGateway::Method",
            **common,
            ResourceId=ref("Lists"),
            HttpMethod="POST",
            RequestModels={"application/json": ref("Shape")},
            RequestValidatorId=ref("Validator"),
        ),
        "Deployment": {
            **resource("ApiGateway::Deployment", RestApiId=api),
            "DependsOn": ["Get", "Post"],
        },
        "Stage": resource(
            "ApiGateway::Stage", RestApiId=api, DeploymentId=ref("Deployment"), StageName="live"
        ),
    }
    if permission:
        source = ["", [f"arn:aws:execute-api:{cloud.region}:{cloud.account}:", api, "/live/*/lists"]]
        resources["Permission"] = resource(
            "Lambda::Permission",
            FunctionName=arn,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn={"Fn::Join": source},
        )
    return resources


def make_api(cloud: Endpoint, *, permission: bool = True) -> str:
    function = make_function(cloud, CODE)
    made = deploy(
        cloud, name("api"), template(cloud, function, permission=permission), outputs={"Api": ref("Api")}
    )
    return f"{cloud.url}/_aws/execute-api/{made['Api']}/live"


@pytest.fixture(scope="module")
def api(cloud: Endpoint) -> str:
    return make_api(cloud)


def call(
    cloud: Endpoint,
    url: str,
    user: Credentials | None,
    *,
    method: str = "GET",
    body: Any = None,
    key: str | None = None,
) -> tuple[int, Any]:
    """key: of a usage plan."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"content-type": "application/json", **({"x-api-key": key} if key else {})}
    request = AWSRequest(method=method, url=url, data=data, headers=headers)
    if user:
        SigV4Auth(SigningCredentials(*user), "execute-api", cloud.region).add_auth(request)
    sent = urllib.request.Request(url, data=data, method=method, headers=dict(request.headers))
    try:
        with urllib.request.urlopen(sent) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_signed_call_reaches_the_function_with_the_callers_identity(
    cloud: Endpoint, api: str, user: Credentials
) -> None:
    status, body = call(cloud, f"{api}/lists?n=1", user)
    assert status == 200
    assert body["who"].startswith(f"arn:aws:sts::{cloud.account}:assumed-role/")


def test_an_unsigned_call_and_one_without_permission_are_refused(cloud: Endpoint, api: str) -> None:
    stranger = session_of(cloud, make_role(cloud, allow("s3:GetObject")))
    assert call(cloud, f"{api}/lists?n=1", None)[0] == 403
    assert call(cloud, f"{api}/lists?n=1", stranger)[0] == 403


def test_a_missing_required_parameter_is_400_by_name(cloud: Endpoint, api: str, user: Credentials) -> None:
    assert call(cloud, f"{api}/lists", user) == (
        400,
        {"message": "Missing required request parameters: [n]"},
    )


def test_a_body_that_breaks_the_model_is_400(cloud: Endpoint, api: str, user: Credentials) -> None:
    assert call(cloud, f"{api}/lists", user, method="POST", body={})[0] == 400
    assert call(cloud, f"{api}/lists", user, method="POST", body={"userId": "u"})[0] == 200


def test_without_the_functions_permission_the_api_answers_500(cloud: Endpoint, user: Credentials) -> None:
    closed = make_api(cloud, permission=False)
    assert call(cloud, f"{closed}/lists?n=1", user) == (500, {"message": "Internal server error"})


def test_a_failing_or_malformed_function_is_502_without_details(
    cloud: Endpoint, api: str, user: Credentials
) -> None:
    for broken in ("break", "malformed"):
        assert call(cloud, f"{api}/lists?n=1&{broken}=1", user) == (502, {"message": "Internal server error"})


ECHO = (
    "import json\n"
    "def handler(event, context):\n"
    "    seen = [event['resource'], event['path'], event['pathParameters']]\n"
    "    return {'statusCode': 200, 'body': json.dumps(seen)}\n"
)


@pytest.fixture(scope="module")
def echo(cloud: Endpoint) -> str:
    """An API whose one resource is /users/{id}/lists."""
    function, api = make_function(cloud, ECHO), ref("Api")
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:{function}"
    root, resources = (
        attribute("Api", "RootResourceId"),
        {"Api": resource("ApiGateway::RestApi", Name=name("api"))},
    )
    for made, parent, part in (
        ("Users", root, "users"),
        ("Id", ref("Users"), "{id}"),
        ("Lists", ref("Id"), "lists"),
    ):
        resources[made] = resource("ApiGateway::Resource", RestApiId=api, ParentId=parent, PathPart=part)
    integration = {
        "Type": "AWS_PROXY",
        "IntegrationHttpMethod": "POST",
        "Uri": f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
    }
    common = {"RestApiId": api, "AuthorizationType": "AWS_IAM", "Integration": integration}
    resources["Get"] = resource("ApiGateway::Method", **common, ResourceId=ref("Lists"), HttpMethod="GET")
    deployment = resource("ApiGateway::Deployment", RestApiId=api)
    resources["Deployment"] = {**deployment, "DependsOn": ["Get"]}
    resources["Stage"] = resource(
        "ApiGateway::Stage", RestApiId=api, DeploymentId=ref("Deployment"), StageName="live"
    )
    source = ["", [f"arn:aws:execute-api:{cloud.region}:{cloud.account}:", api, "/live/*"]]
    resources["Permission"] = resource(
        "Lambda::Permission",
        FunctionName=arn,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn={"Fn::Join": source},
    )
    made = deploy(cloud, name("echo"), resources, outputs={"Api": ref("Api")})
    return f"{cloud.url}/_aws/execute-api/{made['Api']}/live"


# As AWS answered (localstack's record of test_lambda_aws_proxy_integration, path-encoded-email; aws-sam-cli#3524).
@pytest.mark.parametrize(
    "sent",
    [
        "u1",
        "test%2Balias@gmail.com",
        "test+alias@gmail.com",
        "my-id%2F100",
        "%2Fa",
        "a%2F",
        "%2541",
        "%E6%97%A5",
    ],
)
def test_a_path_is_routed_and_handed_over_as_it_was_sent(
    cloud: Endpoint, echo: str, user: Credentials, sent: str
) -> None:
    status, seen = call(cloud, f"{echo}/users/{sent}/lists", user)
    assert (status, seen) == (200, ["/users/{id}/lists", f"/users/{sent}/lists", {"id": sent}])


def test_a_slash_that_is_not_escaped_separates_segments(
    cloud: Endpoint, echo: str, user: Credentials
) -> None:
    assert (
        call(cloud, f"{echo}/users/a/b/lists", user)[0] == 403
    )  # MISSING_AUTHENTICATION_TOKEN: no such resource
