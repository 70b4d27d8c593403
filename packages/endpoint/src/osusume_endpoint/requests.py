"""The request being served: who calls, and with which credentials."""

from __future__ import annotations

import contextvars
from dataclasses import dataclass

from osusume_endpoint.endpoint import Credentials


@dataclass(frozen=True)
class Caller:
    access_key: str = ""
    account: str = ""
    region: str = ""
    arn: str = ""
    request_id: str = ""
    credentials: Credentials | None = None


ANONYMOUS = "anonymous"  # the arn of a caller whom AWS answers without a signature
NOBODY = Caller()  # outside a request: this process itself
_current: contextvars.ContextVar[Caller] = contextvars.ContextVar("osusume_caller")
_raw_path: contextvars.ContextVar[str] = contextvars.ContextVar("osusume_raw_path", default="")


def current() -> Caller:
    """The caller of this request; an empty Caller outside a request."""
    return _current.get(NOBODY)


def pin(caller: Caller) -> contextvars.Token[Caller]:
    return _current.set(caller)


def unpin(token: contextvars.Token[Caller]) -> None:
    _current.reset(token)


def note_raw_path(path: str) -> None:
    _raw_path.set(path)


def raw_path() -> str:
    """The request's path as it was sent, still escaped; for services that ministack answers."""
    return _raw_path.get()
