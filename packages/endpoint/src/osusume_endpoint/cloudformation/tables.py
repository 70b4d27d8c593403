"""Table properties that ministack's CloudFormation drops: encryption key, recovery, time to live, protection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

Properties = dict[str, Any]


def install() -> None:
    replacements.apply(__name__)


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::DynamoDB::Table][create]",
    takes="logical_id, props, stack_name",
)
@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::DynamoDB::GlobalTable][create]",
    takes="logical_id, props, stack_name",
)
def _creating(inner: Callable[..., Any]) -> Callable[..., Any]:
    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        name, attributes = inner(logical_id, properties, stack)
        apply(name, properties)
        return name, attributes

    return create


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::DynamoDB::Table][update]",
    takes="physical_id, old_props, new_props, stack_name, logical_id",
)
@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::DynamoDB::GlobalTable][update]",
    takes="physical_id, old_props, new_props, stack_name",
)
def _updating(inner: Callable[..., Any]) -> Callable[..., Any]:
    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, *more: Any
    ) -> tuple[str, Properties]:
        name, attributes = inner(physical_id, old, new, stack, *more)
        apply(name, new)
        return name, attributes

    return update


def apply(name: str, properties: Properties) -> None:
    from ministack.services import dynamodb

    here = own_replica(properties)
    table = dynamodb._tables[name]
    table["SSEDescription"] = dynamodb._sse_description_from_spec(encryption(properties, here))
    recovery = properties.get("PointInTimeRecoverySpecification") or here.get(
        "PointInTimeRecoverySpecification"
    )
    enabled = _is_true((recovery or {}).get("PointInTimeRecoveryEnabled"))
    dynamodb._update_continuous_backups(
        {"TableName": name, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}}
    )
    expire(name, properties)
    protected = properties.get("DeletionProtectionEnabled", here.get("DeletionProtectionEnabled"))
    table["DeletionProtectionEnabled"] = _is_true(protected)


def expire(name: str, properties: Properties) -> None:
    """Sets what expires: nothing (any more) without a specification, or with one that is off."""
    from ministack.services import dynamodb

    specification = properties.get("TimeToLiveSpecification") or {}
    if not specification:
        dynamodb._ttl_settings.pop(name, None)
        return
    wanted = {**specification, "Enabled": _is_true(specification.get("Enabled"))}
    status, _, body = dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": wanted})
    if status != 200:
        raise ValueError(f"TimeToLiveSpecification of table {name}: {body.decode()}")


def own_replica(properties: Properties) -> Properties:
    """A global table's settings for this region."""
    from ministack.core.responses import get_region

    replicas = properties.get("Replicas") or []
    return next((r for r in replicas if r.get("Region") == get_region()), {})


def encryption(properties: Properties, replica: Properties) -> Properties | None:
    """The API's SSESpecification: a global table names its key per replica."""
    specification = dict(properties.get("SSESpecification") or {})
    if not specification:
        return None
    specification["Enabled"] = _is_true(specification.pop("SSEEnabled", False))
    key = (replica.get("SSESpecification") or {}).get("KMSMasterKeyId")
    return {**specification, "KMSMasterKeyId": key} if key else specification


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
