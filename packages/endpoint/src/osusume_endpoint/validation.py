"""Checks of parameters and results against botocore's shapes, worded as AWS words them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from osusume_endpoint import patterns
from osusume_endpoint.errors import ApiError

_SIZED = {"string", "list", "map", "blob"}
_NUMBERS = {"integer", "long", "float", "double"}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "list": (list, tuple),
    "map": (dict,),
    "structure": (dict,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "blob": (bytes, bytearray),
    "timestamp": (datetime, int, float),
}


class ResponseInvalid(AssertionError):
    """A result that boto3 could not have received from AWS."""


def check_parameters(shape: Any, parameters: Mapping[str, Any], *, code: str = "ValidationException") -> None:
    """Raises ApiError listing every constraint that the parameters break."""
    faults = list(_faults(shape, parameters, "")) if shape else []
    if faults:
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
        raise ApiError(code, count + "; ".join(faults))


def _faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not _is_of_type(shape, value) or (shape.type_name in _NUMBERS and isinstance(value, bool)):
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
        return
    for constraint in _broken_constraints(shape, value):
        yield f"Value '{_shown(shape, value)}' at '{path}' failed to satisfy constraint: {constraint}"
    for child_shape, child, child_path in _children(shape, value, path):
        if child is None:
            yield f"Value null at '{child_path}' failed to satisfy constraint: Member must not be null"
        else:
            yield from _faults(child_shape, child, child_path)


def _shown(shape: Any, value: Any) -> str:
    """A value as AWS shows it: `[Name(member=value, other=value)]` (localstack's test_sfn_api_aliasing.py)."""
    if shape.type_name == "list" and isinstance(value, list | tuple):
        return f"[{', '.join(_shown(shape.member, item) for item in value)}]"
    if shape.type_name == "structure" and isinstance(value, dict):
        members = [
            f"{name}={_shown(shape.members[name], item)}"
            for name, item in value.items()
            if name in shape.members
        ]
        return f"{shape.name}({', '.join(members)})"
    if shape.type_name == "map" and isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(shape.value, item)}" for key, item in value.items()) + "}"
    return str(value)


def _is_of_type(shape: Any, value: Any) -> bool:
    return isinstance(value, _TYPES[shape.type_name])


def _broken_constraints(shape: Any, value: Any) -> Iterator[str]:
    limits = shape.metadata
    if shape.type_name in _SIZED:
        size = len(value)
        if "min" in limits and size < limits["min"]:
            yield f"Member must have length greater than or equal to {limits['min']}"
        if "max" in limits and size > limits["max"]:
            yield f"Member must have length less than or equal to {limits['max']}"
            return  # its pattern may take a power of the length
    if shape.type_name in _NUMBERS:
        if "min" in limits and value < limits["min"]:
            yield f"Member must have value greater than or equal to {limits['min']}"
        if "max" in limits and value > limits["max"]:
            yield f"Member must have value less than or equal to {limits['max']}"
    if limits.get("enum") and value not in limits["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
    if shape.type_name == "string" and "pattern" in limits and not _matches(limits["pattern"], value):
        yield f"Member must satisfy regular expression pattern: {limits['pattern']}"


def _matches(pattern: str, value: str) -> bool:
    """Some of the models' patterns can take for ever (`[ -~]*[!-~]+[ -~]*`): such a value does not match."""
    try:
        return patterns.fits(pattern, value)
    except patterns.PatternInvalid:
        return True  # a few models use Java-only syntax; such a constraint is not checked


def _children(shape: Any, value: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    prefix = f"{path}." if path else ""
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        for name, member in shape.members.items():
            if name in shape.required_members or value.get(name) is not None:
                yield member, value.get(name), prefix + name
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield shape.member, item, f"{path}.{index + 1}.member"
    elif shape.type_name == "map":
        for key, item in value.items():
            yield shape.value, item, prefix + str(key)


def check_result(shape: Any, result: Mapping[str, Any], *, operation: str) -> None:
    """Raises ResponseInvalid when the result has a member, type or enum value that the shape has not."""
    if shape is None:
        if result:
            raise ResponseInvalid(f"{operation} answers nothing in AWS, got {dict(result)!r}")
        return
    faults = list(_result_faults(shape, result, operation))
    if faults:
        raise ResponseInvalid("; ".join(faults))


def _result_faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not _is_of_type(shape, value):
        yield f"{path}: {value!r} is not a {shape.type_name}"
        return
    if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        yield f"{path}: {value!r} is not one of {shape.metadata['enum']}"
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        for name in value.keys() - shape.members.keys():
            yield f"{path}: {shape.name} has no member {name!r}"
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"{path}: required member {name!r} is missing"
        for name in value.keys() & shape.members.keys():
            if value[name] is not None:
                yield from _result_faults(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _result_faults(shape.member, item, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _result_faults(shape.value, item, f"{path}[{key}]")
