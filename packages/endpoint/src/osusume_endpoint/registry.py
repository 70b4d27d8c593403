"""The services that are ours, by botocore's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from osusume_endpoint import wire
from osusume_endpoint.endpoint import Endpoint

ResourceArn = Callable[[str, dict[str, Any]], "str | None"]


@dataclass(frozen=True)
class RegisteredService:
    name: str
    operations: Mapping[str, Callable[[Any, dict[str, Any]], dict[str, Any]]]
    endpoint: Endpoint
    iam_namespace: str
    resource_arn: ResourceArn | None = None  # None: ministack's own action and resource rules stay
    validation_code: str = "ValidationException"
    falls_through: bool = False  # operations not in the mapping are ministack's
    signing_name: str = field(default="")

    def claims(self, request: wire.Request, signing_name: str) -> bool:
        if signing_name and signing_name != self.signing_name:
            return False
        return wire.operation_name(self.name, request) is not None


registered: dict[str, RegisteredService] = {}
