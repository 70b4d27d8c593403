"""Versions: numbered copies of a state machine's configuration, one for a revision.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-state-machine-version.html; recorded in localstack's
test_sfn_api_versioning.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.service import Operation
from osusume_endpoint.stepfunctions.api import configuration, pages
from osusume_endpoint.stepfunctions.api.store import Store, moment, number, revision


def operations(store: Store) -> dict[str, Operation]:
    return {
        "PublishStateMachineVersion": lambda context, p: _publish(p, store),
        "ListStateMachineVersions": lambda context, p: _list(p, store),
        "DeleteStateMachineVersion": lambda context, p: _delete(p, store),
    }


def check_description(parameters: Mapping[str, Any]) -> None:
    """Raises ValidationException for the description of a version that isn't published."""
    if "versionDescription" in parameters and not parameters.get("publish"):
        raise ApiError("ValidationException", "Version description can only be set when publish is true")


def published(store: Store, machine: dict[str, Any], *, description: str | None) -> dict[str, Any]:
    """The version of the machine's current revision, made unless there is one. Numbers are never used again."""
    current = revision(machine)
    for known in store.versions_of(machine["stateMachineArn"]):
        if known["stateMachineRevisionId"] == current:
            return known
    machine["lastVersionNumber"] = machine.get("lastVersionNumber", 0) + 1
    arn = f"{machine['stateMachineArn']}:{machine['lastVersionNumber']}"
    version = {
        "stateMachineVersionArn": arn,
        "stateMachineArn": machine["stateMachineArn"],
        "stateMachineRevisionId": current,
        "description": description or "",
        "creationDate": store.ministack.now_iso(),
        "type": machine["type"],
        **configuration.parts(machine),
    }
    store.versions[arn] = version
    return version


def _publish(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    machine = store.machine(parameters["stateMachineArn"])
    asked, current = parameters.get("revisionId"), revision(machine)
    if asked not in (None, current):
        message = f"Failed to publish the State Machine version for revision {asked}. "
        raise ApiError("ConflictException", f"{message}The current State Machine revision is {current}.")
    version = published(store, machine, description=parameters.get("description"))
    return {
        "stateMachineVersionArn": version["stateMachineVersionArn"],
        "creationDate": moment(version["creationDate"]),
    }


def _list(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """A state machine that doesn't exist has none: the API's model declares no error for it here."""
    found, rest = pages.page(
        store.versions_of(parameters["stateMachineArn"]),
        parameters,
        of="versions",
        order=lambda version: (number(version),),
        newest_first=True,
    )
    listed = [
        {
            "stateMachineVersionArn": version["stateMachineVersionArn"],
            "creationDate": moment(version["creationDate"]),
        }
        for version in found
    ]
    return {"stateMachineVersions": listed, **rest}


def _delete(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """One that doesn't exist is deleted already."""
    arn = parameters["stateMachineVersionArn"]
    names = [
        alias["name"]
        for alias in store.aliases.values()
        if any(route["stateMachineVersionArn"] == arn for route in alias["routingConfiguration"])
    ]
    if names:
        message = "Version to be deleted must not be referenced by an alias. "
        listed = f"Current list of aliases referencing this version: [{', '.join(names)}]"
        raise ApiError("ConflictException", message + listed)
    store.versions.pop(arn, None)
    return {}
