"""The running endpoint, as plug-ins and the demo see it. Importable without ministack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from osusume_endpoint import administrator
from osusume_endpoint.errors import AccessDenied, ApiError, AssumeRoleRefused

__all__ = ["AccessDenied", "ApiError", "AssumeRoleRefused", "Credentials", "Endpoint"]


class Credentials(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None = None

    def boto3(self) -> dict[str, str | None]:
        """Keyword arguments of boto3.client and boto3.Session."""
        return {
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "aws_session_token": self.token,
        }

    def environment(self) -> dict[str, str]:
        values = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return {**values, "AWS_SESSION_TOKEN": self.token} if self.token else values


@dataclass(frozen=True)
class Endpoint:
    url: str
    port: int
    region: str
    account: str
    home: Path
    wait_scale: float = 1.0  # every wait of the emulated services is multiplied by it
    log: Path = field(default=Path())

    @property
    def administrator(self) -> Credentials:
        """The account's root, by the key of this start. Raises NoAdministrator without a started endpoint."""
        return Credentials(*administrator.read(self.home))

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        """A boto3 client of this endpoint; without credentials, the endpoint's own administrator's."""
        from osusume_endpoint.clients import make_client

        return make_client(
            service,
            url=self.url,
            region=self.region,
            credentials=credentials or self.administrator,
        )

    def service_client(self, service: str, credentials: Credentials | None) -> Any:
        """For what a service of AWS does by itself with a role: it tries more often than a caller would."""
        from osusume_endpoint.clients import SERVICE_ATTEMPTS, make_client

        return make_client(
            service,
            url=self.url,
            region=self.region,
            credentials=credentials or self.administrator,
            attempts=SERVICE_ATTEMPTS,
        )

    def role_session(
        self,
        role_arn: str,
        *,
        session_name: str,
        service: str,
        source_account: str | None = None,
        source_arn: str | None = None,
    ) -> Credentials:
        """Credentials of the role as `service` (a principal, "glue.amazonaws.com") assumes it.

        aws:SourceAccount is this account unless given; aws:SourceArn is absent unless given. Raises
        AssumeRoleRefused when the role does not exist or its trust policy refuses the principal.
        """
        from osusume_endpoint.iam import trust

        return trust.role_session(
            role_arn,
            session_name=session_name,
            service=service,
            source_account=source_account or self.account,
            source_arn=source_arn,
        )

    def check_pass_role(
        self,
        caller: str | Credentials | None,
        role_arn: str,
        service: str,
        *,
        associated_resource: str | None = None,
    ) -> None:
        """Raises AccessDenied unless the caller may pass the role to the service (iam:PassRole).

        `caller`: an ARN, Credentials, or None for the caller of the request being served.
        """
        from osusume_endpoint.iam import pass_role

        pass_role.check(
            caller=caller, role_arn=role_arn, service=service, associated_resource=associated_resource
        )

    def authorize(
        self,
        caller: str | Credentials | None,
        *,
        action: str,
        resource: str,
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        """Raises AccessDenied unless identity and resource policies allow the action.

        For permissions an API call implies beyond its own (KMS, dependent actions)."""
        from osusume_endpoint.iam import decisions

        decisions.authorize(caller=caller, action=action, resource=resource, conditions=conditions or {})

    def check_service_access(
        self,
        principal: str,
        action: str,
        resource_arn: str,
        source_account: str | None = None,
        source_arn: str | None = None,
    ) -> None:
        """Raises AccessDenied unless the resource's own policy lets the service principal act on it."""
        from osusume_endpoint.iam import decisions

        decisions.check_service_access(
            principal=principal,
            action=action,
            resource_arn=resource_arn,
            source_account=source_account or self.account,
            source_arn=source_arn,
        )


_current: list[Endpoint] = []


def activate(endpoint: Endpoint) -> None:
    """Makes it the endpoint of this process (there is one per process)."""
    _current[:] = [endpoint]


def current() -> Endpoint:
    if not _current:
        raise RuntimeError(
            "No endpoint in this process: call osusume_endpoint.endpoint.activate(endpoint) first"
        )
    return _current[0]
