"""AWS::CodeBuild::Project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint import service
from osusume_endpoint.cloudformation.casing import camel
from osusume_endpoint.errors import ApiError

NAME = "codebuild"
Properties = dict[str, Any]
# Where the type's spelling, its first letter made small, is not the API's.
_RENAMED = {"buildSpec": "buildspec"}
# How UpdateProject is told that a member is no more; what it isn't told, it keeps.
_TAKEN_BACK: Mapping[str, Any] = {
    "concurrentBuildLimit": -1,
    "description": "",
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}},
    "queuedTimeoutInMinutes": 480,
    "secondarySources": [],
    "tags": [],
    "timeoutInMinutes": 60,
    "vpcConfig": {},
}
_NUMBERS = frozenset(["timeoutInMinutes", "queuedTimeoutInMinutes", "concurrentBuildLimit"])
_FLAGS = frozenset(["privilegedMode", "encryptionDisabled", "insecureSsl", "badgeEnabled"])


def parameters(properties: Properties, *, logical_id: str) -> Properties:
    """CreateProject's; a member that it does not know is refused there by its name."""
    given: Properties = _api(camel(properties))
    if given.pop("visibility", "PRIVATE") != "PRIVATE":
        raise ValueError(f"{logical_id}: Visibility is not emulated by the local endpoint; it runs PRIVATE")
    if not given.get("name"):
        raise ValueError(f"{logical_id}: Name is required by the local endpoint")
    return given


def _api(value: Any) -> Any:
    if isinstance(value, dict):
        return {_RENAMED.get(key, key): _typed(key, _api(item)) for key, item in value.items()}
    return [_api(item) for item in value] if isinstance(value, list) else value


def _typed(key: str, value: Any) -> Any:
    """CloudFormation passes numbers and flags as texts, too."""
    if key in _NUMBERS and isinstance(value, str):
        return int(value)
    return value.lower() == "true" if key in _FLAGS and isinstance(value, str) else value


def _call(operation: str, given: Properties) -> dict[str, Any]:
    try:
        return service.call(NAME, operation, given)
    except ApiError as error:
        raise ValueError(f"{NAME}:{operation}: {error.message}") from error


def create(logical_id: str, properties: Properties, stack_name: str, *_: Any, **__: Any) -> Any:
    return _made(_call("CreateProject", parameters(properties, logical_id=logical_id))["project"])


def update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str = "", **_: Any
) -> Any:
    given = parameters(new, logical_id=logical_id or physical_id)
    return _made(_call("UpdateProject", {**_TAKEN_BACK, **given})["project"])


def delete(physical_id: str, properties: Mapping[str, Any], *_: Any, **__: Any) -> None:
    _call("DeleteProject", {"name": physical_id})


def adopt(identifier: Mapping[str, str]) -> Any:
    found = _call("BatchGetProjects", {"names": [identifier["Name"]]})["projects"]
    if not found:
        raise ValueError(f"there is no project {identifier['Name']}")
    return _made(found[0])


def _made(project: Mapping[str, Any]) -> tuple[str, Properties]:
    return project["name"], {"Arn": project["arn"]}


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::CodeBuild::Project": {
        "create": create,
        "update": update,
        "delete": delete,
        "replace_on": ("Name",),
        "import": adopt,
        "import_by": "Name",
    }
}
