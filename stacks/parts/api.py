"""The REST API: routes are data, IAM on every method, API Gateway's own refusals are problem+json too."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Size
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from config.callers import UsagePlan
from config.names import without_dashes
from config.settings import Api
from lambdas.get_recommendations.routes import ROUTES, Route
from lambdas.request_forgetting import routes as forgetting_routes
from lambdas.shared import problems
from stacks.parts import pages
from stacks.parts.logs import LogGroup
from stacks.parts.stack import EnvironmentStack

STAGE = "live"
READER = "get_recommendations"  # the function that answers what no other does
_TYPE = apigateway.ResponseType
# API Gateway's own answers, and what kind of problem each is: each by name, since a template can't ask for the status
# (developer guide, "Gateway response types for API Gateway"); the defaults are left for types that it adds.
REFUSALS: dict[str, tuple[apigateway.ResponseType, str]] = {
    "BadRequestParameters": (_TYPE.BAD_REQUEST_PARAMETERS, "invalid-request"),
    "BadRequestBody": (_TYPE.BAD_REQUEST_BODY, "invalid-request"),
    "Unauthorized": (_TYPE.UNAUTHORIZED, "not-authenticated"),
    "MissingAuthenticationToken": (_TYPE.MISSING_AUTHENTICATION_TOKEN, "not-allowed"),
    "InvalidSignature": (_TYPE.INVALID_SIGNATURE, "not-allowed"),
    "InvalidApiKey": (_TYPE.INVALID_API_KEY, "not-allowed"),
    "ExpiredToken": (_TYPE.EXPIRED_TOKEN, "not-allowed"),
    "AccessDenied": (_TYPE.ACCESS_DENIED, "not-allowed"),
    "WafFiltered": (_TYPE.WAF_FILTERED, "not-allowed"),
    "ResourceNotFound": (_TYPE.RESOURCE_NOT_FOUND, "no-such-resource"),
    "RequestTooLarge": (_TYPE.REQUEST_TOO_LARGE, "too-large"),
    "UnsupportedMediaType": (_TYPE.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
    "Throttled": (_TYPE.THROTTLED, "too-many-requests"),
    "QuotaExceeded": (_TYPE.QUOTA_EXCEEDED, "too-many-requests"),
    "ApiConfigurationError": (_TYPE.API_CONFIGURATION_ERROR, "internal-error"),
    "AuthorizerConfigurationError": (_TYPE.AUTHORIZER_CONFIGURATION_ERROR, "internal-error"),
    "AuthorizerFailure": (_TYPE.AUTHORIZER_FAILURE, "internal-error"),
    "IntegrationFailure": (_TYPE.INTEGRATION_FAILURE, "timed-out"),
    "IntegrationTimeout": (_TYPE.INTEGRATION_TIMEOUT, "timed-out"),
    # What is left to it are signatures that can't be read: their own status is 403.
    "Default4xx": (_TYPE.DEFAULT_4_XX, "not-allowed"),
    "Default5xx": (_TYPE.DEFAULT_5_XX, "internal-error"),
}


class RecommendationsApi(Construct):
    """`handlers`: functions by the names that routes have. A route without its function is not there: 404.

    `authorizer` verifies the tokens of readers; without it every request is signed.
    """

    def __init__(
        self,
        scope: EnvironmentStack,
        construct_id: str,
        *,
        handlers: Mapping[str, lambda_.IFunction],
        forgetting: lambda_.IFunction,
        authorizer: lambda_.IFunction | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._api = apigateway.RestApi(
            self,
            "RestApi",
            rest_api_name=scope.names.api,
            description=f"Recommendations of {scope.names.prefix}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            # API Gateway writes logs with one role an account: kept when this stack goes, others may need it.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            deploy_options=self._stage(scope),
            min_compression_size=Size.kibibytes(1),
            policy=_of_accounts(scope.settings.api, _served(handlers)),
            default_method_options=apigateway.MethodOptions(
                authorization_type=apigateway.AuthorizationType.IAM
            ),
        )
        validator = apigateway.RequestValidator(
            self, "Parameters", rest_api=self._api, validate_request_parameters=True
        )
        self._add_routes(
            handlers,
            validator,
            self._of_readers(authorizer) if authorizer else {},
            keys=frozenset(scope.settings.api.key_routes),
        )
        self._add_forgetting(forgetting, validator)
        self._answer_pages(scope.settings.api, _served(handlers))
        for name, plan in scope.settings.api.usage_plans.items():
            self._plan(scope, name, plan)

    def _answer_pages(self, api: Api, routes: Sequence[Route]) -> None:
        """Browsers' questions before a page's request, and what they may show the page of a refusal."""
        if api.cors and api.cors.origins:
            for route in routes:
                resource = self._api.root.resource_for_path(route.path)
                pages.add_preflight(resource, api.cors, methods=[route.method])
        for name in REFUSALS:
            self._refuse(name, pages.refusal_headers(api.page_origins))

    def _plan(self, scope: EnvironmentStack, name: str, plan: UsagePlan) -> None:
        """The value of its key is AWS's to make: it is in no template, and the output names the key alone."""
        made = self._api.add_usage_plan(
            f"Plan{name}",
            name=f"{scope.names.api}-{name}",
            throttle=apigateway.ThrottleSettings(rate_limit=plan.rate_per_second, burst_limit=plan.burst),
            quota=_quota(plan),
            api_stages=[apigateway.UsagePlanPerApiStage(api=self._api, stage=self._api.deployment_stage)],
        )
        key = self._api.add_api_key(f"Key{name}", api_key_name=f"{scope.names.api}-{name}")
        made.add_api_key(key)
        CfnOutput(
            scope,
            f"ApiKeyId{without_dashes(name)}",
            value=key.key_id,
            description=f"Id of the key of usage plan {name}; `aws apigateway get-api-key --include-value` tells it",
        )

    @property
    def url(self) -> str:
        return self._api.url

    def route_arn(self, route: Route) -> str:
        """What a policy names to let somebody call the route, with whatever ids."""
        return self._api.arn_for_execute_api(route.method, _any_id(route), STAGE)

    def _stage(self, scope: EnvironmentStack) -> apigateway.StageOptions:
        limits = scope.settings.api
        group = LogGroup(self, scope, name=f"/aws/apigateway/{scope.names.api}", construct_id="AccessLogs")
        return apigateway.StageOptions(
            stage_name=STAGE,
            tracing_enabled=True,
            metrics_enabled=True,
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,  # it would log who asked for what
            throttling_rate_limit=limits.rate_per_second,
            throttling_burst_limit=limits.burst,
            access_log_destination=apigateway.LogGroupLogDestination(group),
            access_log_format=apigateway.AccessLogFormat.json_with_standard_fields(
                caller=True,
                http_method=True,
                ip=True,
                protocol=True,
                request_time=True,
                resource_path=True,
                response_length=True,
                status=True,
                user=True,
            ),
        )

    def _add_forgetting(self, handler: lambda_.IFunction, validator: apigateway.IRequestValidator) -> None:
        integration = apigateway.LambdaIntegration(handler, scope_permission_to_method=False)
        for route in forgetting_routes.ROUTES:
            resource = self._api.root.resource_for_path(route.path)
            resource.add_method(
                route.method,
                integration,
                request_validator=validator,
                request_parameters={f"method.request.path.{route.parameter}": True},
            )
            resource.add_method("ANY", integration)

    def _of_readers(self, authorizer: lambda_.IFunction) -> dict[str, Any]:
        """How routes of readers are authorized. Nothing is kept: each answer is for one request of one token."""
        asked = apigateway.RequestAuthorizer(
            self,
            "Readers",
            handler=authorizer,
            identity_sources=[apigateway.IdentitySource.header("Authorization")],
            results_cache_ttl=Duration.seconds(0),
        )
        return {"authorizer": asked, "authorization_type": apigateway.AuthorizationType.CUSTOM}

    def _add_routes(
        self,
        handlers: Mapping[str, lambda_.IFunction],
        validator: apigateway.IRequestValidator,
        of_readers: Mapping[str, Any],
        *,
        keys: Collection[str],
    ) -> None:
        # One permission for the API: one for each method, and each again for the console, say no less.
        integrations = {
            name: apigateway.LambdaIntegration(handler, scope_permission_to_method=False)
            for name, handler in handlers.items()
        }
        others = integrations[READER]
        for route in _served(handlers):
            resource = self._api.root.resource_for_path(route.path)
            resource.add_method(
                route.method,
                integrations[route.function],
                request_validator=validator,
                request_parameters=_parameters(route),
                api_key_required=route.operation in keys or None,
                **(of_readers if route.readers else {}),
            )
            # Other methods reach the function, which answers 405; API Gateway alone would say 403.
            resource.add_method("ANY", others)
        # Unknown paths likewise: 404.
        self._api.root.add_resource("{proxy+}").add_method("ANY", others)

    def _refuse(self, name: str, headers: Mapping[str, str]) -> None:
        answered, kind = REFUSALS[name]
        self._api.add_gateway_response(
            name,
            type=answered,
            status_code=str(problems.KINDS[kind].status),
            response_headers={"Content-Type": "'application/problem+json'", **headers},
            templates={"application/json": _problem(kind)},
        )


def _served(functions: Collection[str]) -> list[Route]:
    """Routes that are there: those whose function is."""
    return [route for route in ROUTES if route.function in functions]


def _of_accounts(api: Api, served: Sequence[Route]) -> iam.PolicyDocument | None:
    """What other accounts may call: as the application's own policy; segments and forgetting stay within.

    Roles of the own account need no word here (developer guide, "Policy evaluation outcome tables", A).
    """
    if not api.caller_accounts:
        return None
    routes = [route for route in ROUTES if not route.services]
    of_accounts = iam.PolicyStatement(
        principals=[iam.AccountPrincipal(account) for account in api.caller_accounts],
        actions=["execute-api:Invoke"],
        resources=[f"execute-api:/{STAGE}/{route.method}{_any_id(route)}" for route in routes],
    )
    preflights = pages.anybodys_preflights(map(_any_id, served), stage=STAGE)
    return iam.PolicyDocument(statements=[of_accounts, *([preflights] if api.page_origins else [])])


def _problem(kind: str) -> str:
    """The fields of the function's own problems. The path may hold what is no JSON, so the request's id names it."""
    known = {**problems.known(kind), "instance": "urn:uuid:$context.requestId"}
    # The variable is a JSON string with its quotes, so it stands bare.
    return json.dumps(known)[:-1] + ', "detail": $context.error.messageString}'


def _any_id(route: Route) -> str:
    return re.sub(r"\{\w+\}", "*", route.path)


def _quota(plan: UsagePlan) -> apigateway.QuotaSettings | None:
    if plan.quota is None or plan.per is None:
        return None
    return apigateway.QuotaSettings(limit=plan.quota, period=apigateway.Period[plan.per.upper()])


def _parameters(route: Route) -> dict[str, bool]:
    """Request parameters of a route -> whether API Gateway must find them."""
    named = {f"method.request.path.{route.parameter}": True} if route.parameter else {}
    return {**named, **{f"method.request.querystring.{one.name}": False for one in route.query}}
