"""AWS::SNS::Topic's encryption key, which ministack's CloudFormation drops, and its default policy.

AWS's default topic policy holds only for AWS:SourceOwner, which a caller's own request does not carry, so
that publishing needs an identity policy. ministack's default policy lets everybody publish.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

Properties = dict[str, Any]


def install() -> None:
    replacements.apply(__name__)


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::SNS::Topic][create]",
    takes="logical_id, props, stack_name",
)
def _creating(inner: Callable[..., Any]) -> Callable[..., Any]:
    return _keyed(inner, properties_at=1)


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::SNS::Topic][update]",
    takes="physical_id, old_props, new_props, stack_name, logical_id",
)
def _updating(inner: Callable[..., Any]) -> Callable[..., Any]:
    return _keyed(inner, properties_at=2)


def _keyed(inner: Callable[..., Any], *, properties_at: int) -> Callable[..., Any]:
    def put(*arguments: Any) -> Any:
        from ministack.services import sns

        arn, attributes = inner(*arguments)
        key = arguments[properties_at].get("KmsMasterKeyId")
        if arn in sns._topics:
            stored = sns._topics[arn]["attributes"]
            stored.pop("KmsMasterKeyId", None)
            stored.update({"KmsMasterKeyId": key} if key else {})
            stored["Policy"] = limit_to_owner(stored.get("Policy", ""))
        return arn, attributes

    return put


def limit_to_owner(policy: str) -> str:
    document = json.loads(policy or "{}")
    for statement in document.get("Statement", []):
        if statement.get("Sid") == "__default_statement_ID":
            account = statement["Resource"].split(":")[4]
            statement["Condition"] = {"StringEquals": {"AWS:SourceOwner": account}}
    return json.dumps(document)
