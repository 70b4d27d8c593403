"""The running endpoint, as plug-ins and the demo see it. Importable without ministack."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osusume_endpoint import administrator
from osusume_endpoint.clients import SERVICE_ATTEMPTS, make_client
from osusume_endpoint.credentials import Credentials
from osusume_endpoint.errors import AccessDenied, ApiError, AssumeRoleRefused

__all__ = ["AccessDenied", "ApiError", "AssumeRoleRefused", "Credentials", "Endpoint"]


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
        return make_client(
            service,
            url=self.url,
            region=self.region,
            credentials=credentials or self.administrator,
        )

    def service_client(self, service: str, credentials: Credentials | None) -> Any:
        """A client for what a service of AWS does by itself with a role: it tries more often than a caller would."""
        return make_client(
            service,
            url=self.url,
            region=self.region,
            credentials=credentials or self.administrator,
            attempts=SERVICE_ATTEMPTS,
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
