"""The experiments' document in AppConfig's own store: what readers have, and a new version of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "application/json"
ENDED = ("COMPLETE", "ROLLED_BACK", "REVERTED")
SERVED = ("COMPLETE", "BAKING")
PATIENCE_SECONDS = 60


class NotDeployed(RuntimeError):
    """AppConfig took the document, and its deployment did not come through."""


@dataclass(frozen=True)
class Profile:
    """Ids of AppConfig's things of an environment."""

    application: str
    environment: str
    profile: str
    strategy: str

    @classmethod
    def of(cls, text: str) -> Profile:
        """The profile by its ids as the stack publishes them, joined by slashes."""
        return cls(*text.split("/"))


@dataclass(frozen=True)
class Live:
    """The document that readers have and its version; None where nothing was delivered yet."""

    document: Mapping[str, Any] | None
    version: int = 0


@dataclass(frozen=True)
class Hosted:
    """`client` is one of the service appconfig. What AWS refuses is raised as it is."""

    client: Any
    profile: Profile

    def live(self) -> Live:
        """What the last deployment that came through delivered."""
        for row in self._deployments():
            if row["State"] in SERVED:
                version = int(row["ConfigurationVersion"])
                answer = self.client.get_hosted_configuration_version(VersionNumber=version, **self._document)
                return Live(json.loads(answer["Content"].read()), version)
        return Live(None)

    def deliver(self, document: Mapping[str, Any]) -> int:
        """The new version's number. A version that is refused is taken away again. Raises NotDeployed too."""
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        made = self.client.create_hosted_configuration_version(
            Content=text, ContentType=CONTENT_TYPE, **self._document
        )
        number = int(made["VersionNumber"])
        try:
            self._deploy(number)
        except Exception:
            self.client.delete_hosted_configuration_version(VersionNumber=number, **self._document)
            raise
        return number

    @property
    def _document(self) -> dict[str, str]:
        return {
            "ApplicationId": self.profile.application,
            "ConfigurationProfileId": self.profile.profile,
        }

    @property
    def _environment(self) -> dict[str, str]:
        return {"ApplicationId": self.profile.application, "EnvironmentId": self.profile.environment}

    def _deployments(self) -> Iterator[Mapping[str, Any]]:
        """The newest first."""
        pages = self.client.get_paginator("list_deployments").paginate(**self._environment)
        rows = [row for page in pages for row in page["Items"]]
        yield from sorted(rows, key=lambda row: int(row["DeploymentNumber"]), reverse=True)

    def _deploy(self, number: int) -> None:
        started = self.client.start_deployment(
            DeploymentStrategyId=self.profile.strategy,
            ConfigurationProfileId=self.profile.profile,
            ConfigurationVersion=str(number),
            **self._environment,
        )
        ends, state = time.monotonic() + PATIENCE_SECONDS, started["State"]
        while state not in ENDED and time.monotonic() < ends:
            time.sleep(1)
            answer = self.client.get_deployment(
                DeploymentNumber=started["DeploymentNumber"], **self._environment
            )
            state = answer["State"]
        if state != "COMPLETE":
            raise NotDeployed(f"deployment {started['DeploymentNumber']} of version {number} is {state}")
