"""Whose requests are answered: those of the pages that this server gave, in the browser of who started it.

A page of another origin can send requests here, and under a name of its own (DNS rebinding) even read the answers. So
the Host must be ours; a browser's own words about the origin must not deny it; and data are for who has the token,
which stands in the address behind `#`, where no server, log or other page reads it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOKEN_HEADER = "X-Storefront-Token"
OWN_NAMES = ("127.0.0.1", "localhost")
_OWN_SITES = ("same-origin", "none")  # Fetch Metadata: `none` is what a person typed


@dataclass(frozen=True)
class Refusal:
    status: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class Guard:
    port: int
    token: str

    @property
    def _hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.port}" for name in OWN_NAMES)

    def page(self, headers: Mapping[str, Sequence[str]]) -> Refusal | None:
        """Why a file of the pages is not given, which hold no data. Names of headers are in small letters."""
        hosts = headers.get("host", ())
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return Refusal(
                421, f"Host is {list(hosts)!r:.120}: this server is http://{self._hosts[0]}/ alone"
            )
        return None

    def data(self, method: str, headers: Mapping[str, Sequence[str]]) -> Refusal | None:
        """Why a request for data, or for a change, is not answered."""
        return self.page(headers) or self._origin(method, headers) or self._secret(headers)

    def _origin(self, method: str, headers: Mapping[str, Sequence[str]]) -> Refusal | None:
        """A browser names the origin with every POST, and for GETs of its own pages says `same-origin`."""
        own = [f"http://{headers['host'][0]}"]
        origins = list(headers.get("origin", ()))
        if origins != own and (origins or method != "GET"):
            return Refusal(403, f"Origin is {origins!r:.120}: only the pages of {own[0]} may ask")
        sites = headers.get("sec-fetch-site", ())
        if any(site not in _OWN_SITES for site in sites):
            return Refusal(403, "The request comes of another site's page")
        return None

    def _secret(self, headers: Mapping[str, Sequence[str]]) -> Refusal | None:
        given = headers.get(TOKEN_HEADER.lower(), ())
        if len(given) == 1 and hmac.compare_digest(given[0].encode(), self.token.encode()):
            return None
        return Refusal(
            401, "The token is missing or old: open the address that `make up` (or `make status`) prints"
        )
