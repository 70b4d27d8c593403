"""AppConfig: validators are asked before a deployment starts, and who reads a configuration needs the right to.

Sources: AppConfig user guide, "About validators" (a Lambda function gets the content in base64, and a document that it
raises for is not deployed; "AWS Lambda validators" need a statement for appconfig.amazonaws.com); service authorization
reference (the resource of StartConfigurationSession is the `configuration`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from osusume_endpoint import hooks, replacements
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import AccessDenied, ApiError, NotEmulated
from osusume_endpoint.lambda_ import invocation_rights
from osusume_endpoint.replacements import Table, replaces

PRINCIPAL = "appconfig.amazonaws.com"
_DEPLOYMENTS = re.compile(r"/applications/([^/]+)/environments/[^/]+/deployments")

MODELS = Table("ministack.core.iam_actions:_BOTOCORE_SERVICE_MAP")

Handle = Callable[..., Awaitable[tuple[int, Any, bytes]]]


def install(endpoint: Endpoint) -> None:
    replacements.apply(__name__, endpoint=endpoint)
    # Calls of both are signed for `appconfig`: ministack takes a reader's for unknown ones, which it lets pass.
    MODELS.put("appconfig", ["appconfig", "appconfigdata"])
    prefix = f"arn:aws:appconfig:{endpoint.region}:{endpoint.account}"
    hooks.resources["appconfig"] = lambda body, query: _configuration(body, query, prefix)


def _configuration(body: bytes, query: dict[str, Any], prefix: str) -> str | None:
    """What a reader of a configuration names: ids or names in a session's request, a session's token afterwards."""
    from ministack.services import appconfig

    token = query.get("configuration_token")
    if token:
        asked = appconfig._sessions.get(token[0] if isinstance(token, list) else token) or {}
    else:
        asked = _object(body)
    application = appconfig._resolve_application_id(asked.get("ApplicationIdentifier", ""))
    if not application:
        return None
    environment = appconfig._resolve_environment_id(application, asked.get("EnvironmentIdentifier", ""))
    profile = appconfig._resolve_configuration_profile_id(
        application, asked.get("ConfigurationProfileIdentifier", "")
    )
    return f"{prefix}:application/{application}/environment/{environment}/configuration/{profile}"


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


@replaces(
    "ministack.services.appconfig:handle_request",
    takes="async method, path, headers, body_bytes, query_params",
)
def _validating(inner: Handle, endpoint: Endpoint) -> Handle:
    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        from ministack.core.concurrency import run_reentrant
        from ministack.services import appconfig

        started = _DEPLOYMENTS.fullmatch(path) if method == "POST" else None
        if started:
            try:
                # A function may call back here.
                await run_reentrant(check, endpoint, started[1], json.loads(body or b"{}"))
            except ApiError as error:
                return appconfig._error(error.status, error.code, error.message)
        return await inner(method, path, headers, body, query)

    return handle_request


def check(endpoint: Endpoint, application: str, asked: dict[str, Any]) -> None:
    """Raises ApiError with AppConfig's code where a validator refuses the version that is to be deployed."""
    from ministack.services import appconfig

    profile_id, version = asked.get("ConfigurationProfileId", ""), asked.get("ConfigurationVersion", "")
    profile = appconfig._config_profiles.get(f"{application}/{profile_id}") or {}
    record = appconfig._hosted_versions.get(f"{application}/{profile_id}/{version}")
    if record is None:
        return  # ministack's own answer
    content = record["Content"]
    raw = content if isinstance(content, bytes) else content.encode()
    event = {
        "applicationId": application,
        "configurationProfileId": profile_id,
        "configurationVersion": str(version),
        "content": base64.b64encode(raw).decode(),
        "uri": "hosted",
    }
    for validator in profile.get("Validators") or []:
        if validator.get("Type") != "LAMBDA":
            raise NotEmulated(service="appconfig", operation=f"validator of type {validator.get('Type')}")
        _ask(endpoint, validator["Content"], event)


def _ask(endpoint: Endpoint, function_arn: str, event: dict[str, Any]) -> None:
    from ministack.services import lambda_svc

    try:
        invocation_rights.check(endpoint, function_arn=function_arn, principal=PRINCIPAL, source_arn=None)
    except AccessDenied as denied:
        raise ApiError(
            "BadRequestException", f"AppConfig may not invoke the validator: {denied.message}"
        ) from None
    name, qualifier = lambda_svc._resolve_name_and_qualifier(function_arn)
    function, _ = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    if function is None:
        raise ApiError("BadRequestException", f"The validator {function_arn} does not exist")
    result = lambda_svc._execute_function(function, event)
    if result.get("error"):
        told = result.get("body") or {}
        raise ApiError("BadRequestException", f"The validator refused the configuration: {_text(told)}")


def _text(told: Any) -> str:
    return str(told.get("errorMessage", told)) if isinstance(told, dict) else str(told)
