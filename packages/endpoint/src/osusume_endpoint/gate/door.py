"""The ASGI application that stands in front of ministack's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from osusume_endpoint import replacements, wire
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.gate import (
    browsers,
    destinations,
    hosts,
    identities,
    incoming,
    refusals,
    scopes,
    signatures,
    unsigned,
)
from osusume_endpoint.gate.destinations import Destination
from osusume_endpoint.gate.incoming import Incoming
from osusume_endpoint.gate.signatures import Refused
from osusume_endpoint.replacements import replaces

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

ADMINISTRATION = "Administration paths of the emulator are not served; only its health is"
CLOSED = "This data plane is not served by the local endpoint"


class Door:
    def __init__(self, inner: App, endpoint: Endpoint) -> None:
        self._inner, self._endpoint = inner, endpoint

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    async def _request(self, scope: Message, receive: Receive, send: Send) -> None:
        from ministack.core import responses

        responses.set_request_account_id("")
        identities.verified.set("")
        request = incoming.of(scope)
        if why := hosts.refusal(request):
            await _send(send, refusals.plain(421, why), request)
            return
        body = await _read(receive)
        if body is None:
            return  # the caller went away
        request = incoming.of(scope, body)
        destination = destinations.of(request)
        if refusal := self._refusal(request, destination):
            await _send(send, refusal, request)
            return
        await self._inner(scope, _again(body, receive), _without_cors(send, destination))

    def _refusal(self, request: Incoming, destination: Destination) -> wire.Response | None:
        """The answer to a request that gets no further; None for one that does."""
        if why := browsers.refusal(request, destination):
            return refusals.plain(403, why)
        if destination.kind == "administration":
            return refusals.plain(403, ADMINISTRATION)
        if destination.kind == "closed":
            return refusals.plain(403, CLOSED)
        try:
            self.authenticate(request, destination)
        except Refused as refused:
            return refusals.answer(request, destination, refused, region=self._endpoint.region)
        return None

    def authenticate(self, request: Incoming, destination: Destination) -> None:
        """Notes whose request it is. Raises Refused when it is nobody's and AWS would not answer it so."""
        if not request.raw_path.startswith("/"):
            raise Refused("IncompleteSignature", "The request's target must be a path.")
        claim = signatures.claim_of(request)
        if claim is not None:
            secret = identities.secret_of(claim, account=self._endpoint.account)
            scopes.check(claim, destination, region=self._endpoint.region)
            signatures.verify(claim, request, secret=secret, now=dt.datetime.now(dt.UTC))
            identities.verified.set(claim.access_key)
        elif not unsigned.is_served(request, destination) and not _is_left_to_the_api(request, destination):
            raise _refused_unsigned(request)
        _agrees_with_ministack(request)

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        from ministack.core import responses

        responses.set_request_account_id("")
        identities.verified.set("")
        request = incoming.of(scope)
        destination = destinations.of(request)
        if hosts.refusal(request) or not self._serves_socket(request, destination):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._inner(scope, receive, send)

    def _serves_socket(self, request: Incoming, destination: Destination) -> bool:
        """Sockets of a deployed WebSocket API, which no page may open: such APIs have no CORS configuration."""
        if destination.api is None or destination.api.kind != "websocket" or browsers.is_of_a_page(request):
            return False
        try:
            if signatures.claim_of(request) is not None:
                self.authenticate(request, destination)
            else:
                _agrees_with_ministack(request)
        except Refused:
            return False
        return True


def _is_left_to_the_api(request: Incoming, destination: Destination) -> bool:
    """A REST API words its own refusal of an Authorization header that is no signature."""
    rest = destination.api is not None and destination.api.kind == "rest"
    return rest and bool(request.headers.get("authorization"))


def _refused_unsigned(request: Incoming) -> Refused:
    if request.headers.get("authorization"):
        return Refused(
            "IncompleteSignature", "The Authorization header is no signature of Signature Version 4."
        )
    return refusals.missing()


def _agrees_with_ministack(request: Incoming) -> None:
    """What ministack will read as the caller's key must be what was verified here, whatever it is."""
    from ministack.core import router

    if router.extract_access_key_id(dict(request.headers), request.query) != identities.verified.get():
        raise Refused("IncompleteSignature", "The request names its caller in more than one way.")


async def _read(receive: Receive) -> bytes | None:
    """The body; None when the caller goes away before its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hands out the body that was read, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def once_more() -> Message:
        return messages.pop() if messages else await receive()

    return once_more


def _without_cors(send: Send, destination: Destination) -> Send:
    """ministack lets every page read every answer; only a deployed API's own headers go out."""
    if destination.kind == "api":
        return send

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(n, v) for n, v in message["headers"] if not n.lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return sending


async def _send(send: Send, response: wire.Response, request: Incoming) -> None:
    status, headers, body = response
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    lines = {**kept, "Content-Length": str(len(body))}
    encoded = [
        (name.encode("latin-1"), str(value).encode("latin-1", "replace")) for name, value in lines.items()
    ]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def install(endpoint: Endpoint) -> None:
    """A new key for the administrator, and the door in front of ministack's application."""
    from osusume_endpoint import administrator

    identities.install(endpoint, administrator.create(endpoint.home))
    replacements.apply(__name__, endpoint=endpoint)


@replaces("ministack.app:app", takes="async scope, receive, send")
def _behind_the_door(inner: App, endpoint: Endpoint) -> Door:
    return Door(inner, endpoint)
