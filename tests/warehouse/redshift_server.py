"""A server of PostgreSQL's protocol, as far as redshift-connector speaks it: every query gets one row, late."""

from __future__ import annotations

import contextlib
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

INT4 = 23


@dataclass
class Served:
    """Statements that clients sent to their end, by text."""

    port: int
    answered: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serving(*, seconds: float) -> Iterator[Served]:
    """`seconds` pass before the answer to each SELECT."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(EOFError, OSError):
                _Session(self.rfile, self.wfile, served, seconds).run()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads = True, True

    with Server(("127.0.0.1", 0), Handler) as server:
        served = Served(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield served
        server.shutdown()


class _Session:
    def __init__(self, reader: Any, writer: Any, served: Served, seconds: float) -> None:
        self._reader, self._writer, self._served, self._seconds = reader, writer, served, seconds
        self._sql = ""

    def run(self) -> None:
        self._read(struct.unpack("!i", self._read(4))[0] - 4)  # the start-up message: user, database
        self._send(b"R", struct.pack("!i", 0))
        self._send(b"S", b"server_version\x008.0.2\x00")
        self._send(b"K", struct.pack("!ii", 1, 1))
        self._send(b"Z", b"I")
        self._writer.flush()
        while (kind := self._read(1)) != b"X":
            self._answer(kind, self._read(struct.unpack("!i", self._read(4))[0] - 4))
            self._writer.flush()

    def _answer(self, kind: bytes, body: bytes) -> None:
        if kind == b"P":
            self._sql = body.split(b"\0")[1].decode()
            self._send(b"1")
        elif kind == b"D":
            self._describe(of_statement=body[:1] == b"S")
        elif kind == b"B":
            self._send(b"2")
        elif kind == b"E":
            self._execute()
        elif kind == b"C":
            self._send(b"3")
        elif kind == b"S":
            self._send(b"Z", b"I")

    def _describe(self, *, of_statement: bool) -> None:
        if of_statement:
            self._send(b"t", struct.pack("!h", 0))
        if self._selects:
            self._send(b"T", struct.pack("!h", 1) + b"id\0" + struct.pack("!ihihih", 0, 0, INT4, 4, -1, 1))
        else:
            self._send(b"n")

    def _execute(self) -> None:
        if self._selects:
            time.sleep(self._seconds)
            self._send(b"D", struct.pack("!hii", 1, 4, 1))
        self._send(b"C", b"SELECT 1\0" if self._selects else b"SET\0")
        self._writer.flush()
        self._served.answered.append(self._sql)

    @property
    def _selects(self) -> bool:
        return "select" in self._sql.lower()

    def _send(self, kind: bytes, body: bytes = b"") -> None:
        self._writer.write(kind + struct.pack("!i", len(body) + 4) + body)

    def _read(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) < count:
            raise EOFError
        return bytes(data)
