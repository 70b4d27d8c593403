"""What a service asks of IAM beyond the check of the call itself: roles to assume, roles passed on, further actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.iam import decisions, pass_role, trust


def role_session(
    endpoint: Endpoint,
    role_arn: str,
    *,
    session_name: str,
    service: str,
    source_account: str | None = None,
    source_arn: str | None = None,
) -> Credentials:
    """Credentials of the role as `service` (a principal, "glue.amazonaws.com") assumes it.

    aws:SourceAccount is the endpoint's account unless given; aws:SourceArn is absent unless given. Raises
    AssumeRoleRefused when the role does not exist or its trust policy refuses the principal.
    """
    return trust.role_session(
        role_arn,
        session_name=session_name,
        service=service,
        source_account=source_account or endpoint.account,
        source_arn=source_arn,
    )


def check_pass_role(
    caller: str | Credentials | None,
    role_arn: str,
    service: str,
    *,
    associated_resource: str | None = None,
) -> None:
    """Raises AccessDenied unless the caller may pass the role to the service (iam:PassRole).

    `caller`: an ARN, Credentials, or None for the caller of the request being served.
    """
    pass_role.check(
        caller=caller, role_arn=role_arn, service=service, associated_resource=associated_resource
    )


def authorize(
    caller: str | Credentials | None,
    *,
    action: str,
    resource: str,
    conditions: Mapping[str, Any] | None = None,
) -> None:
    """Raises AccessDenied unless identity and resource policies allow the action.

    For permissions an API call implies beyond its own (KMS, dependent actions)."""
    decisions.authorize(caller=caller, action=action, resource=resource, conditions=conditions or {})


def check_service_access(
    endpoint: Endpoint,
    principal: str,
    action: str,
    resource_arn: str,
    source_account: str | None = None,
    source_arn: str | None = None,
) -> None:
    """Raises AccessDenied unless the resource's own policy lets the service principal act on it."""
    decisions.check_service_access(
        principal=principal,
        action=action,
        resource_arn=resource_arn,
        source_account=source_account or endpoint.account,
        source_arn=source_arn,
    )
