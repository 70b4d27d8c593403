"""AWS::Personalize::*: a template's properties are the API's parameters, checked by the API.

Nearly every property, tags included, can only be given at creation: a change replaces the resource, and with
a fixed name the replacement "already exists", as in AWS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint import service as services
from osusume_endpoint.errors import ApiError
from osusume_endpoint.personalize.kinds import KINDS, Kind
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.wire import service_model

Created = tuple[str, dict[str, Any]]
POLL_SECONDS = 0.02

_services: list[Personalize] = []


def install(service: Personalize) -> None:
    """The handlers serve the endpoint that was installed last."""
    _services[:] = [service]


def call(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return services.call("personalize", operation, parameters)


def parameters_of(operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    shape: Any = service_model("personalize").operation_model(operation).input_shape
    given = {key: value for key, value in properties.items() if key != "Tags"}
    parameters: dict[str, Any] = _converted(shape, given)
    if "tags" in shape.members and properties.get("Tags"):
        parameters["tags"] = _tags(properties)
    return parameters


def _tags(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"tagKey": tag["Key"], "tagValue": str(tag["Value"])} for tag in properties.get("Tags", [])]


def _converted(shape: Any, value: Any) -> Any:
    """Property names become the API's ("PerformHPO" and "HpoConfig" differ by case only)."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = {name.lower(): name for name in shape.members}
        unknown = sorted(key for key in value if key.lower() not in members)
        if unknown:
            raise ValueError(f"Model validation failed: {shape.name} has no property {', '.join(unknown)}")
        names = {key: members[key.lower()] for key in value}
        return {names[key]: _converted(shape.members[names[key]], item) for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_converted(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _converted(shape.value, item) for key, item in value.items()}
    return _scalar(shape, value)


def _scalar(shape: Any, value: Any) -> Any:
    if shape.type_name == "boolean":
        return str(value).lower() == "true"
    if shape.type_name in ("integer", "long"):
        return int(value)
    if shape.type_name in ("float", "double"):
        return float(value)
    return str(value) if shape.type_name == "string" else value


def wait_settled(arn: str) -> None:
    """CloudFormation is done with a resource when it is ACTIVE; a failure is the stack's."""
    store = _services[0].store
    while True:
        record = store.get(arn)
        if not record.private.get("job"):
            break
        time.sleep(POLL_SECONDS)
    shown = record.fields.get(f"latest{record.kind}Update", record.fields)
    if "FAILED" in str(shown.get("status", "")):
        raise ValueError(f"{record.kind} {arn}: {shown.get('failureReason', shown['status'])}")


def attributes(arn: str, kind: Kind) -> dict[str, Any]:
    fields = _services[0].store.get(arn).fields
    found = {f"{kind.name}Arn": arn, "Arn": arn, "Status": fields.get("status", "ACTIVE")}
    if "trackingId" in fields:
        found["TrackingId"] = fields["trackingId"]
    for name, member in (
        ("CreationDateTime", "creationDateTime"),
        ("LastUpdatedDateTime", "lastUpdatedDateTime"),
    ):
        found[name] = str(fields[member])
    return found


def _import_records(arn: str, properties: Mapping[str, Any]) -> None:
    job = properties.get("DatasetImportJob")
    if job:
        given = {key: value for key, value in job.items() if key not in ("DatasetArn", "DatasetImportJobArn")}
        parameters = parameters_of("CreateDatasetImportJob", {**given, "DatasetArn": arn})
        wait_settled(call("CreateDatasetImportJob", parameters)["datasetImportJobArn"])


def _creator(kind: Kind) -> Callable[..., Created]:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
        given = {key: value for key, value in properties.items() if key != "DatasetImportJob"}
        arn = call(f"Create{kind.name}", parameters_of(f"Create{kind.name}", given))[kind.arn_field]
        wait_settled(arn)
        if kind.name == "Schema" and properties.get("Tags"):
            call("TagResource", {"resourceArn": arn, "tags": _tags(properties)})
        _import_records(arn, properties)
        return arn, attributes(arn, kind)

    return create


def _updater(kind: Kind) -> Callable[..., Created]:
    def update(arn: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Created:
        if kind.name == "MetricAttribution":
            changed = _changed_metrics(old, new)
        else:
            shape: Any = service_model("personalize").operation_model(f"Update{kind.name}").input_shape
            changed = {key: value for key, value in new.items() if key[0].lower() + key[1:] in shape.members}
        call(f"Update{kind.name}", parameters_of(f"Update{kind.name}", {**changed, f"{kind.name}Arn": arn}))
        wait_settled(arn)
        return arn, attributes(arn, kind)

    return update


def _changed_metrics(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    before, after = old.get("Metrics", []), new.get("Metrics", [])
    return {
        "AddMetrics": [metric for metric in after if metric not in before],
        "RemoveMetrics": [metric["MetricName"] for metric in before if metric not in after],
        "MetricsOutputConfig": new["MetricsOutputConfig"],
    }


def _deleter(kind: Kind) -> Callable[..., None]:
    def delete(arn: str, properties: dict[str, Any]) -> None:
        try:
            call(f"Delete{kind.name}", {kind.arn_field: arn})
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise
        while _services[0].store.find(arn) is not None:
            time.sleep(POLL_SECONDS)

    return delete


_CREATE_ONLY: Mapping[str, tuple[str, ...]] = {
    "DatasetGroup": ("Name", "RoleArn", "KmsKeyArn", "Domain", "Tags"),
    "Schema": ("Name", "Schema", "Domain", "Tags"),
    "Dataset": ("Name", "DatasetType", "DatasetGroupArn", "SchemaArn", "DatasetImportJob", "Tags"),
    "Solution": (
        "Name",
        "DatasetGroupArn",
        "RecipeArn",
        "EventType",
        "PerformAutoML",
        "PerformHPO",
        "SolutionConfig",
        "Tags",
    ),
    "Campaign": ("Name", "Tags"),
    "EventTracker": ("Name", "DatasetGroupArn", "Tags"),
    "Filter": ("Name", "DatasetGroupArn", "FilterExpression", "Tags"),
    "MetricAttribution": ("Name", "DatasetGroupArn"),
}


def _handler(name: str) -> dict[str, Any]:
    kind = KINDS[name]
    handler: dict[str, Any] = {
        "create": _creator(kind),
        "delete": _deleter(kind),
        "replace_on": list(_CREATE_ONLY[name]),
    }
    return handler | ({"update": _updater(kind)} if name in ("Campaign", "MetricAttribution") else {})


HANDLERS: dict[str, dict[str, Any]] = {f"AWS::Personalize::{name}": _handler(name) for name in _CREATE_ONLY}
