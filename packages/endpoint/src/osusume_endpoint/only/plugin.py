"""Refuses calls of services that OSUSUME_SERVICES (s3,iam,...) leaves out; without it nothing is refused."""

from __future__ import annotations

import os

from osusume_endpoint import calls, requests, wire
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import NotEmulated


def install(endpoint: Endpoint) -> None:
    services = frozenset(filter(None, os.environ.get("OSUSUME_SERVICES", "").split(",")))
    if services:
        calls.interceptors.insert(0, lambda call: refuse(call, services))


def refuse(call: calls.Call, services: frozenset[str]) -> wire.Response | None:
    if call.service in services:
        return None
    operation = call.action.partition(":")[2] or f"{call.request.method} {call.request.path}"
    error = NotEmulated(service=call.service, operation=operation)
    _, headers, body = _rendered(call, error)
    return error.status, headers, body


def _rendered(call: calls.Call, error: NotEmulated) -> wire.Response:
    """The error in the protocol of the call's service."""
    from ministack.core import iam_actions

    caller = requests.current()
    rendered: wire.Response = iam_actions.access_denied_response(
        call.service,
        call.action,
        caller.arn,
        caller.request_id,
        error_code=error.code,
        message=error.message,
        headers=dict(call.request.headers),
    )
    return rendered
