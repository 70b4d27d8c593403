"""JSON with Step Functions' casing ↔ the parameters and responses of boto3."""

from __future__ import annotations

import datetime as dt
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from osusume_endpoint.stepfunctions.errors import RUNTIME, StateError
from osusume_endpoint.stepfunctions.payloads import dumps, epoch_millis, iso


def pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def member(shape: StructureShape, name: str) -> str | None:
    """The API's name of a field; None when there is none.

    The SDK for Java spells some acronyms otherwise (`SsekmsKeyId`), but every field begins with a capital.
    """
    if name[:1] != name[:1].upper():
        return None
    names = {pascal(known): known for known in shape.members}
    folded = {known.lower(): known for known in shape.members}
    return names.get(name, folded.get(name.lower()))


def request(shape: Shape | None, value: Any) -> Any:
    """Parameters for boto3. An unknown field is States.Runtime, as it is refused by the service."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return _structure(shape, value)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [request(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: request(shape.value, item) for key, item in value.items()}
    return _parameter(shape.type_name, value) if shape is not None else value


def _parameter(kind: str, value: Any) -> Any:
    if kind == "blob" and value is not None:
        return dumps(
            value
        ).encode()  # a text with its quotes, as AWS wrote it (recorded in localstack's tests)
    if kind == "string" and isinstance(value, dict | list):
        return dumps(value)
    if kind in ("integer", "long") and isinstance(value, float) and value.is_integer():
        return int(value)  # JSON knows one kind of number
    return value


def _structure(shape: StructureShape, value: dict[str, Any]) -> dict[str, Any]:
    parameters = {}
    for key, item in value.items():
        name = member(shape, key)
        if name is None:
            raise StateError(RUNTIME, f"The field '{key}' is not supported by Step Functions")
        if item is not None:
            parameters[name] = request(shape.members[name], item)
    return parameters


def response(shape: Shape | None, value: Any, *, millis: bool = False) -> Any:
    """PascalCase; timestamps are ISO texts, or epoch milliseconds in the optimized integrations."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            pascal(key): response(shape.members.get(key), item, millis=millis) for key, item in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [response(shape.member, item, millis=millis) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: response(shape.value, item, millis=millis) for key, item in value.items()}
    return _scalar(value, millis=millis)


def _scalar(value: Any, *, millis: bool) -> Any:
    if isinstance(value, dt.datetime):
        return epoch_millis(value) if millis else iso(value)
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, dict):
        return {key: _scalar(item, millis=millis) for key, item in value.items()}
    if isinstance(value, list):
        return [_scalar(item, millis=millis) for item in value]
    return value
