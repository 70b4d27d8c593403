"""Breaks the connection that a request came over, as a network does: with a reset, without an answer."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import struct
from typing import Any

_writer: contextvars.ContextVar[asyncio.StreamWriter] = contextvars.ContextVar("osusume_connection")


def install() -> None:
    """Notes the connection in the context of its requests. The server has no other way to reach it."""
    from hypercorn.asyncio.tcp_server import TCPServer

    run = TCPServer.run

    async def noting(self: Any) -> None:
        _writer.set(self.writer)
        await run(self)

    TCPServer.run = noting  # type: ignore[method-assign]


def reset() -> None:
    """Ends the current request's connection with RST."""
    writer = _writer.get(None)
    if writer is None:
        return
    connection = writer.get_extra_info("socket")
    # With a lingering time of zero the kernel sends RST instead of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
