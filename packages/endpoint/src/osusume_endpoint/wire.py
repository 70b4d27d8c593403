"""Requests and responses of a service that ministack lacks, driven by botocore's own service models.

Parameters reach operations as boto3's caller wrote them (timestamps as datetime, blobs as bytes), and results
are given the same way.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel
from botocore.utils import parse_timestamp

from osusume_endpoint import depth
from osusume_endpoint.errors import ApiError, NotEmulated

Query = Mapping[str, list[str]]
Response = tuple[int, dict[str, str], bytes]


# ministack's names of services whose botocore name differs.
MINISTACK_NAMES = {"stepfunctions": "states", "cloudwatch": "monitoring"}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Query


@functools.cache
def session() -> botocore.session.Session:
    """The session of every model and client: one of its own loads a service's model again, ten megabytes each."""
    return botocore.session.Session()


@functools.cache
def service_model(name: str) -> ServiceModel:
    return session().get_service_model(name)


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    required_query: Mapping[str, str]
    operation: str
    literal_length: int


@functools.cache
def routes(service: str) -> tuple[Route, ...]:
    """REST routes of a service, the most specific first."""
    model = service_model(service)
    found = [_route(model.operation_model(name)) for name in model.operation_names]
    return tuple(sorted(found, key=lambda r: (-r.literal_length, -len(r.required_query))))


def _route(operation: OperationModel) -> Route:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", path.rstrip("/")))
    required = dict(part.partition("=")[::2] for part in query.split("&") if part)
    return Route(
        method=operation.http["method"],
        pattern=re.compile(f"{pattern}/?"),
        required_query=required,
        operation=operation.name,
        literal_length=len(re.sub(r"\{\w+\+?\}", "", path)),
    )


def find_route(service: str, *, method: str, path: str, query: Query) -> Route | None:
    for route in routes(service):
        if route.method != method or not route.pattern.fullmatch(path):
            continue
        if all(k in query and (not v or v in query[k]) for k, v in route.required_query.items()):
            return route
    return None


def is_rest(service: str) -> bool:
    return str(service_model(service).metadata["protocol"]).startswith("rest")


def operation_name(service: str, request: Request) -> str | None:
    if is_rest(service):
        route = find_route(service, method=request.method, path=request.path, query=request.query)
        return route.operation if route else None
    prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
    known = prefix == service_model(service).metadata.get("targetPrefix")
    return name if known and name in service_model(service).operation_names else None


def parse(service: str, operation: str, request: Request) -> dict[str, Any]:
    """The operation's parameters. Raises SerializationException on a body that is not JSON of the shape."""
    model = service_model(service).operation_model(operation)
    if model.input_shape is None:
        return {}
    if is_rest(service):
        return _parse_rest(service, model, request)
    return dict(_from_json(model.input_shape, _json_body(request.body)))


def _json_body(body: bytes) -> dict[str, Any]:
    try:
        value = depth.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", f"The request body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object")
    return value


def _parse_rest(service: str, model: OperationModel, request: Request) -> dict[str, Any]:
    route = find_route(service, method=request.method, path=request.path, query=request.query)
    matched = route.pattern.fullmatch(request.path) if route else None
    captured = matched.groupdict() if matched else {}
    shape: Any = model.input_shape
    payload = shape.serialization.get("payload")
    parameters: dict[str, Any] = {}
    for name, member in shape.members.items():
        value = _located(member, name, captured=captured, request=request)
        if value is not None:
            parameters[name] = value
    if payload and request.body:
        parameters[payload] = _payload(shape.members[payload], request.body)
    elif not payload and request.body:
        parameters |= _from_json(shape, _json_body(request.body))
    return parameters


def _located(member: Any, name: str, *, captured: Mapping[str, str], request: Request) -> Any:
    location, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
    if location == "uri" and wire_name in captured:
        return _scalar(member, unquote(captured[wire_name]))
    if location == "querystring" and wire_name in request.query:
        values = request.query[wire_name]
        return (
            [_scalar(member.member, v) for v in values]
            if member.type_name == "list"
            else _scalar(member, values[0])
        )
    if location == "header" and wire_name.lower() in request.headers:
        return _scalar(member, request.headers[wire_name.lower()])
    return None


def _payload(member: Any, body: bytes) -> Any:
    if member.type_name == "structure":
        return _from_json(member, _json_body(body))
    return body if member.type_name == "blob" else body.decode()


def _scalar(shape: Any, text: str) -> Any:
    if shape.type_name in ("integer", "long"):
        return int(text)
    if shape.type_name in ("float", "double"):
        return float(text)
    if shape.type_name == "boolean":
        return text.lower() == "true"
    return parse_timestamp(text) if shape.type_name == "timestamp" else text


def _from_json(shape: Any, value: Any) -> Any:
    if value is None:
        return None
    if shape.type_name == "structure":
        return _structure_from_json(shape, value)
    if shape.type_name == "list":
        return [_from_json(shape.member, item) for item in _expect(shape, value, list)]
    if shape.type_name == "map":
        return {k: _from_json(shape.value, item) for k, item in _expect(shape, value, dict).items()}
    if shape.type_name == "timestamp":
        return parse_timestamp(value)
    if shape.type_name == "blob":
        return base64.b64decode(value)
    return value


def _structure_from_json(shape: Any, value: Any) -> dict[str, Any]:
    value = _expect(shape, value, dict)
    if getattr(shape, "is_document_type", False):
        return value
    read = {n: value.get(m.serialization.get("name", n)) for n, m in shape.members.items()}
    return {n: _from_json(shape.members[n], v) for n, v in read.items() if v is not None}


def _expect(shape: Any, value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ApiError("SerializationException", f"{shape.name} expects a {shape.type_name}, got {value!r}")
    return value


def respond(service: str, operation: str, result: Mapping[str, Any]) -> Response:
    model = service_model(service).operation_model(operation)
    headers = {"Content-Type": _content_type(service)}
    shape: Any = model.output_shape
    if shape is None:
        return 200, headers, b"" if is_rest(service) else b"{}"
    if not is_rest(service):
        return 200, headers, json.dumps(_to_json(shape, result)).encode()
    return _respond_rest(model, result, headers)


def _respond_rest(model: OperationModel, result: Mapping[str, Any], headers: dict[str, str]) -> Response:
    shape: Any = model.output_shape
    status = int(model.http.get("responseCode", 200))
    body = {}
    for name, value in result.items():
        member = shape.members[name]
        location, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "statusCode":
            status = int(value)
        elif location == "header":
            headers[wire_name] = str(value)
        else:
            body[name] = value
    payload = shape.serialization.get("payload")
    if payload is None:
        return status, headers, json.dumps(_to_json(shape, body)).encode()
    content = body.get(payload, b"")
    if shape.members[payload].type_name == "structure":
        return status, headers, json.dumps(_to_json(shape.members[payload], content or {})).encode()
    return status, headers, content if isinstance(content, bytes) else str(content).encode()


def _to_json(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        members = shape.members
        return {
            members[n].serialization.get("name", n): _to_json(members[n], v)
            for n, v in value.items()
            if v is not None and n in members
        }
    if shape.type_name == "list":
        return [_to_json(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {str(k): _to_json(shape.value, item) for k, item in value.items()}
    if shape.type_name == "timestamp":
        return _timestamp(shape, value)
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return value


def _timestamp(shape: Any, value: Any) -> Any:
    moment = value if isinstance(value, datetime) else datetime.fromtimestamp(float(value), UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if shape.serialization.get("timestampFormat") == "iso8601":
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return round(moment.timestamp(), 3)


def _content_type(service: str) -> str:
    if is_rest(service):
        return "application/json"
    return f"application/x-amz-json-{service_model(service).metadata.get('jsonVersion') or '1.0'}"


def respond_error(service: str, error: ApiError) -> Response:
    headers = {"Content-Type": _content_type(service), "x-amzn-ErrorType": error.code}
    body = {"__type": error.code, "message": error.message, "Message": error.message}
    return error.status, headers, json.dumps(body).encode()


def unknown_operation(service: str, request: Request) -> ApiError:
    target = request.headers.get("x-amz-target", "")
    named = target.rpartition(".")[2] or f"{request.method} {request.path}"
    return NotEmulated(service=service, operation=named)
