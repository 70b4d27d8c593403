"""A request as it arrived, before anything was decoded away."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote


@dataclass(frozen=True)
class Incoming:
    method: str
    path: str  # decoded, as ministack routes by it
    raw_path: str  # as on the wire
    raw_query: str
    lines: tuple[tuple[str, str], ...]  # header lines, names in lower case
    body: bytes = b""

    @functools.cached_property
    def headers(self) -> dict[str, str]:
        """Headers by name; the values of repeated lines joined with a comma, as ministack joins them."""
        found: dict[str, str] = {}
        for name, value in self.lines:
            joint = "; " if name == "cookie" else ", "
            found[name] = f"{found[name]}{joint}{value}" if name in found else value
        return found

    @functools.cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.raw_query, keep_blank_values=True)

    def count(self, name: str) -> int:
        """How many lines have this header."""
        return sum(each == name for each, _ in self.lines)

    @property
    def host(self) -> str:
        return self.headers.get("host", "")


def of(scope: Mapping[str, Any], body: bytes = b"") -> Incoming:
    """The request of an ASGI scope (http or websocket)."""
    path = str(scope["path"])
    raw_path = scope.get("raw_path") or quote(path).encode()
    return Incoming(
        method=str(scope.get("method", "GET")),
        path=path,
        raw_path=raw_path.decode("latin-1"),
        raw_query=scope.get("query_string", b"").decode("utf-8", "replace"),
        lines=tuple((name.decode("latin-1").lower(), _text(value)) for name, value in scope["headers"]),
        body=body,
    )


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
