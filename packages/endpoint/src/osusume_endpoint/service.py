"""Adds services, and replaces operations of services, in the embedded endpoint.

A plug-in maps botocore operation names to functions; parsing, serialization, IAM action and resource,
constraint checks and wire errors come from here. An operation of the model that no function serves answers
NotEmulated (501).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from osusume_endpoint import depth, hooks, permissions, requests, validation, wire
from osusume_endpoint import endpoint as endpoint_module
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.errors import AccessDenied, ApiError, AssumeRoleRefused, NotEmulated
from osusume_endpoint.registry import RegisteredService, ResourceArn, registered

__all__ = [
    "AccessDenied",
    "ApiError",
    "AssumeRoleRefused",
    "NotEmulated",
    "Operation",
    "RequestContext",
    "Service",
    "add_service",
    "call",
    "override_operations",
]

log = logging.getLogger("osusume.service")

Operation = Callable[["RequestContext", dict[str, Any]], dict[str, Any]]


class Service(Protocol):
    """Serves one boto3 service: `operations` by botocore operation name."""

    name: str
    operations: Mapping[str, Operation]

    def resource_arn(self, operation: str, parameters: dict[str, Any]) -> str | None: ...


@dataclass(frozen=True)
class RequestContext:
    """Who calls which operation. `credentials` are the caller's own (None outside a request)."""

    service: str
    operation: str
    account: str
    region: str
    caller_arn: str
    endpoint: Endpoint
    credentials: Credentials | None = None
    request_id: str = ""

    def client(self, service: str) -> Any:
        """A client that acts as the caller."""
        return self.endpoint.client(service, self.credentials)

    def check_pass_role(self, role_arn: str, service: str, *, associated_resource: str | None = None) -> None:
        """Raises AccessDenied unless the caller may pass the role to the service principal."""
        permissions.check_pass_role(
            self.credentials, role_arn, service, associated_resource=associated_resource
        )

    def authorize(self, *, action: str, resource: str, conditions: Mapping[str, Any] | None = None) -> None:
        """Raises AccessDenied unless the caller may do `action`, beyond the operation's own action."""
        permissions.authorize(self.credentials, action=action, resource=resource, conditions=conditions)


def add_service(
    *,
    name: str,
    operations: Mapping[str, Operation],
    resource_arn: ResourceArn,
    endpoint: Endpoint | None = None,
    iam_namespace: str | None = None,
    validation_code: str = "ValidationException",
) -> None:
    """Serves the whole boto3 service `name` (a botocore service name) with these operations.

    `resource_arn(operation, parameters)` is what policies are matched against; None or "" means "*".
    `validation_code` is the wire code of broken constraints.
    """
    _register(
        name,
        operations,
        endpoint=endpoint,
        resource_arn=resource_arn,
        iam_namespace=iam_namespace,
        validation_code=validation_code,
    )


def override_operations(
    *,
    name: str,
    operations: Mapping[str, Operation],
    endpoint: Endpoint | None = None,
    resource_arn: ResourceArn | None = None,
    validation_code: str = "ValidationException",
) -> None:
    """Replaces single operations of a service that ministack has; its other operations stay ministack's.

    For the json and rest-json protocols. May be called several times for one service. The action that
    policies are matched against stays ministack's; so does the resource where `resource_arn` gives None.
    """
    known = registered.get(name)
    if known and not known.falls_through:
        raise ValueError(f"{name} is served whole by add_service: add the operations there")
    merged = {**(known.operations if known else {}), **operations}
    _register(
        name,
        merged,
        endpoint=endpoint,
        resource_arn=resource_arn or (known.resource_arn if known else None),
        falls_through=True,
        validation_code=validation_code,
    )


def _register(
    name: str, operations: Mapping[str, Operation], *, endpoint: Endpoint | None, **options: Any
) -> None:
    model = wire.service_model(name)
    unknown = sorted(set(operations) - set(model.operation_names))
    if unknown:
        raise ValueError(f"botocore's {name} has no operation {', '.join(unknown)}: check the spelling")
    if not str(model.metadata["protocol"]).endswith("json"):
        raise ValueError(
            f"{name} speaks {model.metadata['protocol']}; only json and rest-json are served here"
        )
    signing_name = model.metadata.get("signingName") or model.metadata["endpointPrefix"]
    namespace = options.pop("iam_namespace", None) or signing_name
    registered[name] = RegisteredService(
        name=name,
        operations=dict(operations),
        endpoint=endpoint or endpoint_module.current(),
        iam_namespace=namespace,
        signing_name=signing_name,
        **options,
    )
    hooks.serve(registered[name], handle)


def handle(service: RegisteredService, operation: str, request: wire.Request) -> wire.Response:
    """Answers one request that IAM already let through."""
    try:
        parameters = wire.parse(service.name, operation, request)
        model = wire.service_model(service.name).operation_model(operation)
        function = service.operations.get(operation)
        if function is None:
            raise NotEmulated(service=service.name, operation=operation)
        validation.check_parameters(model.input_shape, parameters, code=service.validation_code)
        result = function(_context(service, operation), parameters) or {}
        if os.environ.get("OSUSUME_VALIDATE_RESPONSES") == "1":
            validation.check_result(model.output_shape, result, operation=f"{service.name}:{operation}")
        return wire.respond(service.name, operation, result)
    except ApiError as error:
        return wire.respond_error(service.name, error)
    except RecursionError:
        log.exception("%s:%s nests too deep", service.name, operation)
        return wire.respond_error(service.name, ApiError(service.validation_code, depth.MESSAGE))
    except Exception as error:
        log.exception("%s:%s failed", service.name, operation)
        failure = ApiError("InternalServerException", f"{type(error).__name__}: {error}", 500)
        return wire.respond_error(service.name, failure)


def _context(service: RegisteredService, operation: str) -> RequestContext:
    caller = requests.current()
    return RequestContext(
        service=service.name,
        operation=operation,
        account=caller.account or service.endpoint.account,
        region=caller.region or service.endpoint.region,
        caller_arn=caller.arn or f"arn:aws:iam::{service.endpoint.account}:root",
        credentials=caller.credentials,
        endpoint=service.endpoint,
        request_id=caller.request_id,
    )


def call(name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Runs an operation in this process as the administrator (CloudFormation handlers); raises ApiError."""
    service = registered[name]
    function = service.operations.get(operation)
    if function is None:
        raise NotEmulated(service=name, operation=operation)
    shape = wire.service_model(name).operation_model(operation).input_shape
    validation.check_parameters(shape, parameters, code=service.validation_code)
    return function(_context(service, operation), parameters) or {}
