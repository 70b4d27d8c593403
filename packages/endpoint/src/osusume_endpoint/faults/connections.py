"""Breaks the connection that a request came over, as a network does: with a reset, without an answer."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

_writer: contextvars.ContextVar[asyncio.StreamWriter] = contextvars.ContextVar("osusume_connection")


def install() -> None:
    """Notes the connection in the context of its requests. The server has no other way to reach it."""
    replacements.apply(__name__)


@replaces("hypercorn.asyncio.tcp_server:TCPServer.run", takes="async self")
def _noting(inner: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    async def run(self: Any) -> None:
        _writer.set(self.writer)
        await inner(self)

    return run


def reset() -> None:
    """Ends the current request's connection with RST."""
    writer = _writer.get(None)
    if writer is None:
        return
    connection = writer.get_extra_info("socket")
    # With a lingering time of zero the kernel sends RST instead of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
