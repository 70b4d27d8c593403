"""Requests that a web page makes: the one place that decides about them.

Browsers name the page's origin in `Origin` (always, but for plain GET and HEAD) and tell `Sec-Fetch-Site`; no SDK
and no command line sends either. A page of another origin is let through to a deployed API whose own CORS
configuration allows the origin, and nowhere else. Pages that the endpoint serves itself are of its own origin:
`OWN_PAGES` lists their paths; a page that can change anything must bring a token beside it.
"""

from __future__ import annotations

from osusume_endpoint.gate import cors
from osusume_endpoint.gate.destinations import Destination
from osusume_endpoint.gate.incoming import Incoming

_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
# Cognito's hosted pages: they ask for user name and password, and nothing else lets their forms do anything.
OWN_PAGES = ("/login", "/logout", "/oauth2/authorize", "/oauth2/login")


def is_of_a_page(request: Incoming) -> bool:
    """Whether a page of another origin, or one that we don't serve, makes this request."""
    site = request.headers.get("sec-fetch-site", "").lower()
    return "origin" in request.headers or site in _FOREIGN_SITES


def refusal(request: Incoming, destination: Destination) -> str | None:
    """Why a page may not make this request; None when no page makes it, or this one may."""
    if not is_of_a_page(request) or _of_own_page(request):
        return None
    origin = request.headers.get("origin", "")
    if request.count("origin") <= 1 and cors.allows(request, destination, origin):
        return None
    who = f"The page's origin {origin[:200]!r}" if origin else "A page of another site"
    return (
        f"{who} may not call this endpoint: requests of web pages are served by a deployed API whose own CORS "
        "configuration allows the origin, and by nothing else"
    )


def _of_own_page(request: Incoming) -> bool:
    own = request.headers.get("origin", "") == f"http://{request.host}"
    return (
        own
        and request.path in OWN_PAGES
        and request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    )
