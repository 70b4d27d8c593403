"""Fn::GetAtt values that ministack's handlers leave out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Attributes = dict[str, Any]


def _vpc(physical_id: str, properties: dict[str, Any]) -> Attributes:
    return {"VpcId": physical_id, "CidrBlock": properties.get("CidrBlock", ""), "Ipv6CidrBlocks": []}


EXTRA: dict[str, Callable[[str, dict[str, Any]], Attributes]] = {"AWS::EC2::VPC": _vpc}


def install() -> None:
    from ministack.services.cloudformation import provisioners

    for resource_type, extra in EXTRA.items():
        handler = dict(provisioners._RESOURCE_HANDLERS[resource_type])
        handler["create"] = _creating(handler["create"], extra)
        if "update" in handler and not handler.get("update_with_logical_id"):
            handler["update"] = _updating(handler["update"], extra)
        provisioners._RESOURCE_HANDLERS[resource_type] = handler


def _creating(inner: Callable[..., Any], extra: Callable[..., Attributes]) -> Callable[..., Any]:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, Attributes]:
        physical_id, attributes = inner(logical_id, properties, stack)
        return physical_id, {**extra(physical_id, properties), **attributes}

    return create


def _updating(inner: Callable[..., Any], extra: Callable[..., Attributes]) -> Callable[..., Any]:
    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str
    ) -> tuple[str, Attributes]:
        physical_id, attributes = inner(physical_id, old, new, stack)
        return physical_id, {**extra(physical_id, new), **attributes}

    return update
