"""The Resource of a Task and what is handed to it, checked against the API's own model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.model import Shape, StructureShape

from osusume_endpoint.stepfunctions.errors import StateError
from osusume_endpoint.stepfunctions.flows import JSONATA
from osusume_endpoint.stepfunctions.integrations import optimized, resources, services, shapes
from osusume_endpoint.stepfunctions.integrations.resources import ACTIVITY, LAMBDA, OPTIMIZED, Resource
from osusume_endpoint.stepfunctions.validation.report import NOT_EMULATED, Report


def check(report: Report, state: Mapping[str, Any], path: str, language: str) -> None:
    if "Credentials" in state:
        report.add("Credentials (another role per task)", f"{path}/Credentials", code=NOT_EMULATED)
    if not isinstance(state.get("Resource"), str):
        report.add("Resource must be an ARN", f"{path}/Resource")
        return
    try:
        resource = resources.parse(state["Resource"])
    except resources.ResourceSyntaxError:
        _unrecognized(report, state["Resource"], path)
        return
    if resource.kind == ACTIVITY:
        report.add(f"The activity {resource.arn}", f"{path}/Resource", code=NOT_EMULATED)
    elif resource.kind != LAMBDA:
        _check_service(report, resource, state, path, language)


def _unrecognized(report: Report, arn: str, path: str, reason: str = "") -> None:
    message = (
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
        f"or the resource is not available in this region. {reason}"
    )
    report.add(message.strip(), f"{path}/Resource")


def _check_service(
    report: Report, resource: Resource, state: Mapping[str, Any], path: str, language: str
) -> None:
    try:
        service, action = _api(resource)
        shape = services.operation_model(service, action).input_shape
    except services.UnknownService as error:
        _unrecognized(report, resource.arn, path, str(error))
        return
    except StateError as error:
        report.add(str(error.cause), f"{path}/Resource", code=NOT_EMULATED)
        return
    if resource.sync and resource.kind != OPTIMIZED:
        _unrecognized(report, resource.arn, path, "AWS SDK integrations have no .sync")
    name = "Arguments" if language == JSONATA else "Parameters"
    _check_arguments(report, shape, state.get(name, {}), f"{path}/{name}", given=name in state)


def _api(resource: Resource) -> tuple[str, str]:
    """The call behind a resource. An optimized integration that is missing here is NOT_EMULATED."""
    if resource.kind == OPTIMIZED:
        return optimized.find(resource).sdk
    return resource.service, resource.action


def _check_arguments(report: Report, shape: Shape | None, value: Any, path: str, *, given: bool) -> None:
    """The state's input serves as arguments where none are given, and it isn't known yet."""
    if given and isinstance(value, dict) and isinstance(shape, StructureShape):
        _check_structure(report, shape, value, path)


def _check_structure(report: Report, shape: StructureShape, value: Mapping[str, Any], path: str) -> None:
    given = set()
    for key, item in value.items():
        member = shapes.member(shape, key.removesuffix(".$"))
        if member is None:
            report.add(_unsupported(key.removesuffix(".$"), shape), f"{path}/{key}")
            continue
        given.add(member)
        inner = shape.members[member]
        if isinstance(inner, StructureShape) and isinstance(item, dict):
            _check_structure(report, inner, item, f"{path}/{key}")
    for name in shape.required_members:
        message = f'The field "{shapes.pascal(name)}" is required but was missing'
        report.expect(name in given, message, path)


def _unsupported(name: str, shape: StructureShape) -> str:
    names = sorted(map(shapes.pascal, shape.members))
    near = next((known for known in names if known.lower() == name.lower()), None)
    hint = f"; did you mean {near}?" if near else f"; known: {', '.join(names)}"
    return f'The field "{name}" is not supported by Step Functions{hint}'
