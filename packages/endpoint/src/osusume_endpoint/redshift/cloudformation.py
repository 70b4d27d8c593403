"""AWS::RedshiftServerless::Namespace and ::Workgroup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint import service
from osusume_endpoint.cloudformation.casing import camel
from osusume_endpoint.errors import ApiError

Properties = dict[str, Any]
NAME = "redshift-serverless"

# Properties whose change replaces the resource (the types' createOnlyProperties).
_REPLACING = {"Namespace": ("NamespaceName",), "Workgroup": ("WorkgroupName", "NamespaceName")}
# Properties of the namespace's creation that UpdateNamespace does not take.
_CREATION_ONLY = {"Namespace": ("dbName", "tags"), "Workgroup": ("namespaceName", "tags")}
_NOT_EMULATED = (
    "SnapshotCopyConfigurations",
    "NamespaceResourcePolicy",
    "RedshiftIdcApplicationArn",
    "SnapshotName",
)


def parameters(properties: Properties) -> Properties:
    refused = [name for name in _NOT_EMULATED if properties.get(name)]
    if refused:
        raise ApiError("ValidationException", f"{', '.join(refused)} is not emulated by the local endpoint")
    ignored = ("FinalSnapshotName", "FinalSnapshotRetentionPeriod")
    result: Properties = camel({k: v for k, v in properties.items() if k not in ignored})
    for name in ("manageAdminPassword", "publiclyAccessible", "enhancedVpcRouting"):
        if isinstance(result.get(name), str):
            result[name] = result[name].lower() == "true"
    for name in ("baseCapacity", "maxCapacity", "port"):
        if isinstance(result.get(name), str):
            result[name] = int(result[name])
    return result


def _call(operation: str, given: Properties) -> dict[str, Any]:
    try:
        return service.call(NAME, operation, given)
    except ApiError as error:
        raise ValueError(f"{NAME}:{operation}: {error.message}") from error


def handler(kind: str, attributes: Callable[[Properties], Properties]) -> dict[str, Callable[..., Any]]:
    """create, update and delete of one type. `kind` is "Namespace" or "Workgroup"."""
    key, name = kind.lower(), f"{kind.lower()}Name"

    def create(logical_id: str, properties: Properties, stack_name: str, *_: Any, **__: Any) -> Any:
        if not properties.get(f"{kind}Name"):
            raise ValueError(f"{logical_id}: {kind}Name is required")
        resource = _call(f"Create{kind}", parameters(properties))[key]
        return resource[name], attributes(resource)

    def update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str = "", **_: Any
    ) -> Any:
        if any(old.get(p) != new.get(p) for p in _REPLACING[kind]):
            created = create(logical_id or physical_id, new, stack_name)
            delete(physical_id, old)
            return created
        given = {k: v for k, v in parameters(new).items() if k not in _CREATION_ONLY[kind]}
        resource = _call(f"Update{kind}", {**given, name: physical_id})[key]
        return physical_id, attributes(resource)

    def delete(physical_id: str, properties: Mapping[str, Any], *_: Any, **__: Any) -> None:
        try:
            service.call(NAME, f"Delete{kind}", {name: physical_id})
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise ValueError(f"{NAME}:Delete{kind}: {error.message}") from error

    def adopt(identifier: Mapping[str, str]) -> Any:
        physical_id = identifier[f"{kind}Name"]
        return physical_id, attributes(_call(f"Get{kind}", {name: physical_id})[key])

    return {"create": create, "update": update, "delete": delete, "import": adopt}


def namespace_attributes(namespace: Properties) -> Properties:
    names = ("NamespaceArn", "NamespaceId", "NamespaceName", "AdminUsername", "DbName", "Status")
    values = {f"Namespace.{name}": namespace[name[0].lower() + name[1:]] for name in names}
    secret = namespace.get("adminPasswordSecretArn")
    return {**values, **({"Namespace.AdminPasswordSecretArn": secret} if secret else {})}


def workgroup_attributes(workgroup: Properties) -> Properties:
    names = ("WorkgroupArn", "WorkgroupId", "WorkgroupName", "NamespaceName", "Status", "BaseCapacity")
    values = {f"Workgroup.{name}": workgroup[name[0].lower() + name[1:]] for name in names}
    endpoint = workgroup["endpoint"]
    return {
        **values,
        "Workgroup.Endpoint.Address": endpoint["address"],
        "Workgroup.Endpoint.Port": str(endpoint["port"]),
    }


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::RedshiftServerless::Namespace": {
        **handler("Namespace", namespace_attributes),
        "import_by": "NamespaceName",
    },
    "AWS::RedshiftServerless::Workgroup": {
        **handler("Workgroup", workgroup_attributes),
        "import_by": "WorkgroupName",
    },
}
