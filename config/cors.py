"""Web pages that may call the API: CORS, as the Fetch standard has it."""

from __future__ import annotations

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from config.errors import check_distinct
from config.section import Section

DEFAULT_MAX_AGE = 600
# What browsers keep at most: Firefox a day, Chromium two hours.
LONGEST_MAX_AGE = 86_400
_DEFAULT_PORTS = {"https": 443, "http": 80}
# Host names as browsers send them: lower case, other scripts as xn--.
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|\[[0-9a-f:]+\]")
_THIS_MACHINE = re.compile(r"localhost|[a-z0-9.-]+\.localhost|127\.0\.0\.1|\[::1\]")


def _origin(origin: str) -> str:
    """An origin as a browser's `Origin` has it, to the letter. Raises ValueError with a cure."""
    if problem := _problem(origin):
        raise ValueError(f"origins has {origin!r}: {problem}")
    return origin


def _problem(origin: str) -> str | None:
    if "*" in origin:
        return (
            "every route asks for a signature, a token or a key, so no wildcard may stand here: list the origin "
            "of each of your pages, such as https://shop.example"
        )
    if origin == "null":
        return "it is the origin of files and sandboxed frames, whosever they are: serve the page by https"
    if not origin.startswith(("https://", "http://")):
        return _without_scheme(origin)
    try:
        return _wrong_part(origin)
    except ValueError:
        return "write https://, a host and, if it is not 443, a port, such as https://shop.example"


def _without_scheme(origin: str) -> str:
    if origin.lower().startswith(("https://", "http://")):
        return f"browsers send it in lower case: write {origin.lower()}"
    bare = re.fullmatch(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?", origin)
    return f"begin it with https://, as in https://{(origin if bare else 'shop.example').lower()}"


def _wrong_part(origin: str) -> str | None:
    """The problem of a text that begins with https:// or http://. Raises ValueError for one that is no address."""
    parts = urlsplit(origin)
    host, port = (parts.hostname or "").lower(), parts.port
    host = f"[{host}]" if ":" in host else host
    plain = f"{parts.scheme}://{host}" + (
        f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else ""
    )
    if not _HOST.fullmatch(host) or port == 0:
        return (
            "the host is none that a browser sends: write it in ASCII, in lower case, other scripts as xn-- "
            "(Punycode)"
        )
    if parts.scheme == "http" and not _THIS_MACHINE.fullmatch(host):
        return f"http is for pages of this machine (localhost): write https{plain.removeprefix('http')}"
    return None if origin == plain else f"an origin has scheme, host and port alone: write {plain}"


Origin = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_origin)]


class Cors(Section):
    """Pages of other origins that may call the API; who they call for is proved by token, signature and key."""

    origins: tuple[Origin, ...] = Field(default=(), max_length=10)
    """Origins of your pages, to the letter, such as https://shop.example; none: no page of another origin may call."""
    max_age_seconds: int = Field(default=DEFAULT_MAX_AGE, ge=0, le=LONGEST_MAX_AGE)
    """How long a browser may remember that it may; 0: it asks before each request."""

    @model_validator(mode="after")
    def _is_of_use(self) -> Self:
        check_distinct("origins", self.origins)
        if not self.origins and self.max_age_seconds != DEFAULT_MAX_AGE:
            raise ValueError(
                f"max_age_seconds is {self.max_age_seconds} and origins is empty, so nobody would ask: list the "
                "origins of your pages, or remove it"
            )
        return self
