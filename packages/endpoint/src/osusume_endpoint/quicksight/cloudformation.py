"""AWS::QuickSight::*: a template's properties are the API's parameters, checked by the API."""

from __future__ import annotations

from typing import Any

from osusume_endpoint import endpoint as endpoints
from osusume_endpoint import service, wire
from osusume_endpoint.quicksight.kinds import KINDS, Kind

Created = tuple[str, dict[str, Any]]

# Properties that only CloudFormation has, and the operation that takes one of them by itself.
_TEMPLATE_ONLY = {"IngestionWaitPolicy"}
_APART = {"DataSetRefreshProperties": "PutDataSetRefreshProperties"}
# Members that templates spell otherwise than the API.
_SPELT = {"TimeZone": "Timezone"}


def _parameters(operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The operation's parameters; a property the API does not know is refused, as CloudFormation does."""
    shape: Any = wire.service_model("quicksight").operation_model(operation).input_shape
    given = {"AwsAccountId": endpoints.current().account, **properties}
    for name, apart in _APART.items():
        if name in given:
            known: Any = wire.service_model("quicksight").operation_model(apart).input_shape
            _typed(known.members[name], given[name])
    return _typed(shape, {k: v for k, v in given.items() if k not in {*_TEMPLATE_ONLY, *_APART}})


def _typed(shape: Any, value: Any) -> Any:
    """Strings that templates may write for numbers and booleans become those."""
    if shape.type_name == "structure" and isinstance(value, dict):
        value = {_SPELT[k] if _SPELT.get(k) in shape.members else k: v for k, v in value.items()}
        unknown = sorted(set(value) - set(shape.members))
        if unknown:
            raise ValueError(f"Model validation failed: {shape.name} has no property {', '.join(unknown)}")
        return {k: _typed(shape.members[k], v) for k, v in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_typed(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {k: _typed(shape.value, item) for k, item in value.items()}
    if isinstance(value, str) and shape.type_name in ("integer", "long", "float", "double"):
        return float(value) if "." in value else int(value)
    if isinstance(value, str) and shape.type_name == "boolean":
        return value.lower() == "true"
    return value


def _handler(kind: Kind) -> dict[str, Any]:
    def identified(properties: dict[str, Any]) -> Created:
        endpoint, identity = endpoints.current(), kind.identity(properties)
        return identity, {"Arn": kind.arn(endpoint.region, endpoint.account, identity)}

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
        service.call("quicksight", f"Create{kind.name}", _parameters(f"Create{kind.name}", properties))
        return identified(properties)

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Created:
        operation = f"Update{kind.name}"
        shape: Any = wire.service_model("quicksight").operation_model(operation).input_shape
        wanted = {k: v for k, v in new.items() if k in shape.members}
        service.call("quicksight", operation, _parameters(operation, wanted))
        return identified(new)

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        keys = {"AwsAccountId": endpoints.current().account, kind.id_member: physical_id}
        if kind.name == "RefreshSchedule":
            data_set, _, schedule = physical_id.partition("/refresh-schedule/")
            keys |= {"DataSetId": data_set, "ScheduleId": schedule}
        try:
            service.call("quicksight", f"Delete{kind.name}", keys)
        except service.ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise

    return {
        "create": create,
        "update": update,
        "delete": delete,
        "replace_on": [kind.id_member, "AwsAccountId"],
    }


HANDLERS: dict[str, dict[str, Any]] = {f"AWS::QuickSight::{name}": _handler(k) for name, k in KINDS.items()}
