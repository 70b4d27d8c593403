"""Calls on their way through the endpoint: what may stop one, and what looks at each afterwards."""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from osusume_endpoint import requests, wire

Handler = Callable[..., Awaitable[wire.Response]]


@dataclasses.dataclass(frozen=True)
class Call:
    """A call that ministack authenticated and let through, before its handler runs."""

    service: str  # ministack's name
    action: str  # as in policies: "glue:CreateJob"; "" when unknown
    request: wire.Request

    def parameters(self) -> dict[str, Any]:
        """The JSON body; {} when there is none."""
        try:
            body = json.loads(self.request.body or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


# Each may answer in the handler's place (a denial), or return None.
Interceptor = Callable[[Call], "wire.Response | None"]
interceptors: list[Interceptor] = []

# Each may answer, delay or drop a call that no interceptor stopped; the second argument does the call.
Around = Callable[[Call, Callable[[], Awaitable[wire.Response]]], Awaitable[wire.Response]]
around: list[Around] = []


class Handlers(dict[str, Handler]):
    """ministack's table of service handlers, with the interceptors in front of each."""

    def get(self, service: str, default: Any = None) -> Any:
        handler = super().get(service)
        return _intercepting(service, handler) if handler else default


def _intercepting(service: str, handler: Handler) -> Handler:
    async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> wire.Response:
        request = wire.Request(method, path, headers, body, query)
        call = Call(service, action_of(service, request), request)
        for intercept in interceptors:
            response = intercept(call)
            if response is not None:
                return response
        proceed: Callable[[], Awaitable[wire.Response]] = functools.partial(
            handler, method, path, headers, body, query
        )
        for each in around:
            proceed = functools.partial(each, call, proceed)
        return await proceed()

    return handle


def action_of(service: str, request: wire.Request) -> str:
    from ministack import app
    from ministack.core import iam_actions

    headers = dict(request.headers)
    query = app._routing_params(request.method, request.path, headers, request.body, dict(request.query))
    return (
        iam_actions.extract_iam_action(service, request.method, request.path, headers, request.body, query)
        or ""
    )


def deny(call: Call, action: str, message: str) -> wire.Response:
    """A denial in the protocol of the call's service."""
    from ministack.core import iam_actions

    caller = requests.current()
    return iam_actions.access_denied_response(
        call.service,
        action,
        caller.arn,
        caller.request_id,
        headers=dict(call.request.headers),
        message=message,
    )


@dataclasses.dataclass
class Decision:
    """What ministack's dispatch worked out of a request, noted as it goes by."""

    service: str = ""
    action: str = ""
    resource: str = ""
    stub: bool = False


decision: contextvars.ContextVar[Decision] = contextvars.ContextVar("osusume_decision")


def note(**facts: Any) -> None:
    noted = decision.get(None)
    if noted is not None:
        for name, value in facts.items():
            setattr(noted, name, value)


# Each sees every finished call: who, what, and the response.
Observer = Callable[[requests.Caller, Decision, wire.Response], None]
observers: list[Observer] = []
