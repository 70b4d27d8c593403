"""API Gateway: validators, the function's permission, paths as they were sent, 502 for what is no proxy response.

Mapping templates of mock integrations are mocks.py's matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from osusume_endpoint import patterns, permissions, replacements, requests
from osusume_endpoint.apigateway import mocks
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import AccessDenied
from osusume_endpoint.lambda_ import invocation_rights
from osusume_endpoint.replacements import replaces

PRINCIPAL = "apigateway.amazonaws.com"
INVOCATION = (
    "async integration, api_id, stage_name, stage, resource, request_path, method, headers, body, query_params, "
    "path_params, *, owner_account_id, owner_region, binary_media_types, authorizer_context, caller_identity"
)
PROXY_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})


def install(endpoint: Endpoint) -> None:
    replacements.apply(__name__, endpoint=endpoint)
    replacements.apply(mocks.__name__)


@replaces("ministack.services.apigateway_v1:_regex_search", takes="pattern, text")
def _searching() -> Callable[[str, str], bool | None]:
    return _occurs


@replaces(
    "ministack.services.apigateway_v1:handle_execute",
    takes="async api_id, stage_name, method, path, headers, body, query_params",
)
def _as_sent(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A REST API routes by the path as it was sent, and hands its parameters over still escaped.

    AWS's own answer, recorded by localstack (test_lambda_aws_proxy_integration, path-encoded-email): `test%2Balias` and
    `test+alias` reach the function as they are. ministack has decoded the path, so that `a%2Fb` would be two segments.
    """

    async def handle_execute(api_id: str, stage: str, method: str, path: str, *args: Any) -> Any:
        headers, _, query = args
        mocks.note(headers, query)
        return await inner(api_id, stage, method, undecoded(requests.raw_path(), path), *args)

    return handle_execute


def undecoded(raw: str, path: str) -> str:
    """The end of the raw path that decodes to `path`; `path` itself where it has none."""
    ends = (raw[place:] for place, character in enumerate(raw) if character == "/")
    return next((end for end in ends if unquote(end) == path), path)


def _occurs(pattern: str, text: str) -> bool | None:
    """A `pattern` of a model's JSON schema; None, as in ministack, when Python can't read it."""
    try:
        return patterns.occurs(pattern, text)
    except patterns.PatternInvalid:
        return None


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::ApiGateway::Method][create]",
    takes="logical_id, props, stack_name",
)
@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::ApiGateway::Method][update]",
    takes="physical_id, old_props, new_props, stack_name",
)
def _naming_validator(inner: Callable[..., Any]) -> Callable[..., Any]:
    """ministack's handler of AWS::ApiGateway::Method drops RequestValidatorId, and so validates nothing."""

    def put(*args: Any) -> Any:
        from ministack.services import apigateway_v1

        properties = args[2] if isinstance(args[2], dict) else args[1]
        mocks.check(properties)
        created = inner(*args)
        methods = apigateway_v1._resources[properties["RestApiId"]][properties["ResourceId"]][
            "resourceMethods"
        ]
        methods[properties["HttpMethod"]]["requestValidatorId"] = properties.get("RequestValidatorId")
        return created

    return put


@replaces("ministack.services.apigateway_v1:_invoke_lambda_proxy_v1", takes=INVOCATION)
@replaces("ministack.services.apigateway_v1:_invoke_lambda_custom_v1", takes=INVOCATION)
def _checking_permission(inner: Callable[..., Any], endpoint: Endpoint) -> Callable[..., Any]:
    async def invoke(
        integration: dict[str, Any],
        api_id: str,
        stage_name: str,
        stage: Any,
        resource: dict[str, Any],
        path: str,
        method: str,
        *args: Any,
        **options: Any,
    ) -> Any:
        from ministack.services import apigateway_v1

        function = apigateway_v1._extract_lambda_ref_from_integration_uri(integration.get("uri", ""))
        source = source_arn(endpoint, api_id=api_id, stage=stage_name, method=method, path=resource["path"])
        try:
            _check(endpoint, integration, function=function, source=source)
        except AccessDenied:
            return apigateway_v1._gw_error("API_CONFIGURATION_ERROR", "Internal server error")
        return await inner(integration, api_id, stage_name, stage, resource, path, method, *args, **options)

    return invoke


def _check(endpoint: Endpoint, integration: dict[str, Any], *, function: str, source: str) -> None:
    """The integration's own role, or the function's policy, must allow the invocation."""
    if integration.get("credentials"):
        permissions.authorize(integration["credentials"], action="lambda:InvokeFunction", resource=function)
        return
    invocation_rights.check(endpoint, function_arn=function, principal=PRINCIPAL, source_arn=source)


@replaces(
    "ministack.services.apigateway_v1:_invoke_authorizer_lambda",
    takes="async authorizer, event, account_id, region",
)
def _checking_authorizer(inner: Callable[..., Any], endpoint: Endpoint) -> Callable[..., Any]:
    """An authorizer's own role, or its function's policy, must allow the invocation; None is AWS's 500 for it."""

    async def invoke_authorizer_lambda(
        authorizer: dict[str, Any], event: dict[str, Any], account: str, region: str
    ) -> Any:
        from ministack.services import apigateway_v1

        function = apigateway_v1._extract_lambda_ref_from_integration_uri(authorizer.get("authorizerUri", ""))
        api = event["methodArn"].partition("/")[0]
        called = {"uri": function, "credentials": authorizer.get("authorizerCredentials")}
        try:
            _check(endpoint, called, function=function, source=f"{api}/authorizers/{authorizer['id']}")
        except AccessDenied:
            return None
        return await inner(authorizer, event, account, region)

    return invoke_authorizer_lambda


def source_arn(endpoint: Endpoint, *, api_id: str, stage: str, method: str, path: str) -> str:
    """Path parameters appear as `*` in the ARN that API Gateway presents."""
    parts = ["*" if part.startswith("{") else part for part in path.strip("/").split("/")]
    api = f"arn:aws:execute-api:{endpoint.region}:{endpoint.account}:{api_id}"
    return f"{api}/{stage}/{method}/{'/'.join(parts)}"


@replaces("ministack.services.apigateway_v1:_lambda_proxy_response", takes="result")
def _strict(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A function that fails, or answers no proxy response, gives 502 without details."""

    def lambda_proxy_response(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        if result.get("throttle"):
            return inner(result)
        if result.get("error") or not is_proxy_response(result.get("body")):
            return None, "Internal server error"
        return inner(result)

    return lambda_proxy_response


def is_proxy_response(body: Any) -> bool:
    if not isinstance(body, dict) or not set(body) <= PROXY_MEMBERS:
        return False
    return body.get("body") is None or isinstance(body["body"], str)
