"""Which operation of botocore's models a request calls, whatever its protocol."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from osusume_endpoint import wire
from osusume_endpoint.calls import Call
from osusume_endpoint.wire import MINISTACK_NAMES

BOTOCORE_NAMES = {theirs: ours for ours, theirs in MINISTACK_NAMES.items()} | {
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "tagging": "resourcegroupstaggingapi",
}
_CBOR = re.compile(r"/service/[^/]+/operation/(\w+)")


def service_of(call: Call) -> str:
    """botocore's name of the call's service."""
    return BOTOCORE_NAMES.get(call.service, call.service)


def operation_of(call: Call) -> str:
    """ "" when the request is of no known operation."""
    request = call.request
    target = request.headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    if found := _CBOR.fullmatch(request.path):
        return found.group(1)
    return _query_action(request) or _rest_operation(service_of(call), request)


def _query_action(request: wire.Request) -> str:
    if "Action" in request.query:
        return request.query["Action"][0]
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return parse_qs(request.body.decode(errors="replace")).get("Action", [""])[0] if form else ""


class _Needs(NamedTuple):
    query: frozenset[str]
    headers: frozenset[str]


def _rest_operation(service: str, request: wire.Request) -> str:
    """The one of the routes that match that needs most of what the request has (S3's share their paths)."""
    try:
        routes = wire.routes(service)
    except Exception:
        return ""  # a service of the emulator that botocore does not have
    found = [
        route
        for route in routes
        if route.method == request.method
        and route.pattern.fullmatch(request.path)
        and _fits(service, route, request)
    ]
    best = max(found, key=lambda r: (r.literal_length, _weight(service, r)), default=None)
    return best.operation if best else ""


def _fits(service: str, route: wire.Route, request: wire.Request) -> bool:
    wanted = route.required_query.items()
    needs = _needs(service, route.operation)
    return (
        all(key in request.query and (not value or value in request.query[key]) for key, value in wanted)
        and all(name in request.query for name in needs.query)
        and all(name in request.headers for name in needs.headers)
    )


def _weight(service: str, route: wire.Route) -> int:
    needs = _needs(service, route.operation)
    return len(route.required_query) + len(needs.query) + len(needs.headers)


@cache
def _needs(service: str, operation: str) -> _Needs:
    shape: Any = wire.service_model(service).operation_model(operation).input_shape
    members = [shape.members[name] for name in shape.required_members] if shape else []
    located: dict[str, set[str]] = {"querystring": set(), "header": set()}
    for member in members:
        where, name = member.serialization.get("location"), member.serialization.get("name", "")
        if where in located:
            located[where].add(name.lower() if where == "header" else name)
    return _Needs(frozenset(located["querystring"]), frozenset(located["header"]))
