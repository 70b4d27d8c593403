"""Fn::GetAtt values that ministack's handlers leave out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

Attributes = dict[str, Any]


def _vpc(physical_id: str, properties: dict[str, Any]) -> Attributes:
    return {"VpcId": physical_id, "CidrBlock": properties.get("CidrBlock", ""), "Ipv6CidrBlocks": []}


def install() -> None:
    replacements.apply(__name__)


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::EC2::VPC][create]",
    takes="logical_id, props, stack_name",
)
def _creating_vpc(inner: Callable[..., Any]) -> Callable[..., Any]:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, Attributes]:
        physical_id, attributes = inner(logical_id, properties, stack)
        return physical_id, {**_vpc(physical_id, properties), **attributes}

    return create
