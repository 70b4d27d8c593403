"""Types accepted without effect. Each with the reason, which docs/fidelity.md repeats."""

from __future__ import annotations

import hashlib
from typing import Any

REASONS: dict[str, str] = {
    "AWS::CloudWatch::AnomalyDetector": "no bands are learned here; an alarm on one stays INSUFFICIENT_DATA",
    "AWS::Logs::QueryDefinition": "a saved query of the console, which the endpoint has not",
    "AWS::XRay::Group": "traces are not collected",
    "AWS::XRay::SamplingRule": "traces are not collected",
    "AWS::CE::AnomalyMonitor": "nothing here costs money",
    "AWS::CE::AnomalySubscription": "nothing here costs money",
    "AWS::ServiceCatalogAppRegistry::Application": "a label of the console",
    "AWS::ServiceCatalogAppRegistry::ResourceAssociation": "a label of the console",
    "AWS::ResourceGroups::Group": "a label of the console",
}


def _identity(resource_type: str, logical_id: str, stack: str) -> str:
    digest = hashlib.sha256(f"{resource_type}|{stack}|{logical_id}".encode()).hexdigest()[:12]
    return f"{stack}-{logical_id}-{digest}"


def _handler(resource_type: str) -> dict[str, Any]:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        physical_id = _identity(resource_type, logical_id, stack)
        return physical_id, {"Arn": f"arn:aws:local:::{physical_id}", "Id": physical_id}

    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        return physical_id, {"Arn": f"arn:aws:local:::{physical_id}", "Id": physical_id}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        return None

    return {"create": create, "update": update, "delete": delete}


HANDLERS: dict[str, dict[str, Any]] = {resource_type: _handler(resource_type) for resource_type in REASONS}
