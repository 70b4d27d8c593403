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


NOBODY = Caller()
_current: contextvars.ContextVar[Caller] = contextvars.ContextVar("osusume_caller")


def current() -> Caller:
    """The caller of this request; an empty Caller outside a request."""
    return _current.get(NOBODY)


def pin(caller: Caller) -> contextvars.Token[Caller]:
    return _current.set(caller)


def unpin(token: contextvars.Token[Caller]) -> None:
    _current.reset(token)
