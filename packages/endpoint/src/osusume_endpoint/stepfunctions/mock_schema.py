"""Whether a mocked result could have come from the API behind the Task: `fieldValidationMode` of TestState.

STRICT also wants the fields that the API always answers, PRESENT checks those that are there, NONE nothing; members
that the API doesn't know are let through. Recorded in localstack's test_state/test_field_validation_mode*.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.stepfunctions.integrations import resources, services

STRICT, NONE = "STRICT", "NONE"
NUMBERS = ("integer", "long", "float", "double")
KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a string"),
    "blob": ((str,), "a string"),
    "timestamp": ((str,), "a string"),
    "boolean": ((bool,), "a boolean"),
    "list": ((list,), "an array"),
    "map": ((dict,), "an object"),
    "structure": ((dict,), "an object"),
    **dict.fromkeys(NUMBERS, ((int, float), "a number")),
}
# Optimized integrations whose results are not those of the API: a function's payload is anything.
FREE = {("lambda", "Payload"), ("sfn", "Output"), ("states", "Output")}
SERVICES = {"states": "sfn", "events": "eventbridge"}


def check_result(state: Mapping[str, Any], result: Any, *, mode: str) -> None:
    """Raises ValidationException. Jobs that are waited for, and functions called by ARN, have no such API."""
    resource = resources.parse(state["Resource"])
    if (
        mode == NONE
        or resource.pattern is not None
        or resource.kind not in (resources.SDK, resources.OPTIMIZED)
    ):
        return
    service = SERVICES.get(resource.service, resource.service)
    try:
        shape = services.operation_model(service, resource.action).output_shape
    except services.UnknownService:
        return
    for fault in _faults(shape, result, "", service, is_strict=mode == STRICT):
        raise ApiError("ValidationException", f"Mock result schema validation error: {fault}")


def _faults(shape: Any, value: Any, name: str, service: str, *, is_strict: bool) -> Iterator[str]:
    if shape is None or value is None or (service, name) in FREE:
        return
    types, words = KINDS[shape.type_name]
    is_right = isinstance(value, types) and not (shape.type_name in NUMBERS and isinstance(value, bool))
    if not is_right:
        yield f"Field '{name}' must be {words}" if name else f"Mocked result must be {words}"
        return
    yield from _out_of_bounds(shape, value, name)
    yield from _inner_faults(shape, value, name, service, is_strict=is_strict)


def _inner_faults(shape: Any, value: Any, name: str, service: str, *, is_strict: bool) -> Iterator[str]:
    if shape.type_name == "structure":
        members = {_cased(key): (key, member) for key, member in shape.members.items()}
        for key in shape.required_members if is_strict else ():
            if _cased(key) not in value:
                yield f"Required field '{_cased(key)}' is missing"
        for key, item in value.items():
            if key in members:
                yield from _faults(members[key][1], item, key, service, is_strict=is_strict)
    elif shape.type_name == "list":
        for item in value:
            yield from _faults(shape.member, item, name, service, is_strict=is_strict)
    elif shape.type_name == "map":
        for item in value.values():
            yield from _faults(shape.value, item, name, service, is_strict=is_strict)


def _out_of_bounds(shape: Any, value: Any, name: str) -> Iterator[str]:
    limits = shape.metadata
    if limits.get("enum") and value not in limits["enum"]:
        yield f"Field '{name}' is not an expected value"
    if shape.type_name in NUMBERS:
        if value < limits.get("min", value):
            yield f"Field '{name}' is less than the minimum value"
        if value > limits.get("max", value):
            yield f"Field '{name}' exceeds the maximum value"
    elif shape.type_name in ("string", "blob"):
        if len(value) < limits.get("min", 0):
            yield f"Field '{name}' is smaller than the minimum length"
        if len(value) > limits.get("max", len(value)):
            yield f"Field '{name}' exceeds the maximum length"


def _cased(name: str) -> str:
    """Results are in the casing of the SDK for Java: executionArn is ExecutionArn."""
    return name[:1].upper() + name[1:]
