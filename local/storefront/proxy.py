"""The API as the application calls it: requests of the page, checked against the API's routes, signed and passed on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, unquote, urlencode

from botocore.credentials import Credentials as Signer

from lambdas.get_recommendations import routes
from lambdas.shared.problems import CONTENT_TYPE
from osusume_endpoint import signed
from osusume_endpoint.endpoint import Credentials

SECONDS = 20.0
MOST_BYTES = 1 << 18  # of a body, either way round a tenth of what API Gateway takes


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"


def problem(status: int, detail: str, instance: str) -> Answer:
    """This server's own, which says no more than the status: types are the API's (lambdas/shared/problems.py)."""
    phrase = HTTPStatus(status).phrase
    told = {"type": "about:blank", "title": phrase, "status": status, "detail": detail, "instance": instance}
    return Answer(status, json.dumps(told, ensure_ascii=False).encode(), CONTENT_TYPE)


@dataclass(frozen=True, kw_only=True)
class Api:
    """`url` is empty where no API is deployed."""

    url: str
    region: str
    credentials: Callable[[], Credentials]

    def send(self, method: str, path: str, query: str, body: bytes) -> Answer:
        """`path` is as the page sent it, from /v1 on. What the API has no route for is not passed on."""
        checked = _checked(method, path)
        if checked is None:
            return problem(404, f"{method} {path[:200]} is no route that the application may call", path)
        if not self.url:
            return problem(
                503, "No API is deployed: the stack `serving` makes it, `make up` deploys it", path
            )
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=300)
        asked = f"?{urlencode(pairs, quote_via=quote, safe='')}" if pairs else ""
        return self._sent(
            method, f"{self.url.rstrip('/')}{checked}{asked}", body if method == "POST" else None
        )

    def _sent(self, method: str, url: str, body: bytes | None) -> Answer:
        try:
            answer = signed.exchange(
                method,
                url,
                service="execute-api",
                region=self.region,
                credentials=Signer(*self.credentials()),
                body=body,
                seconds=SECONDS,
            )
        except OSError as error:
            return problem(502, f"The API did not answer: {error}", url)
        return Answer(answer.status, answer.body, answer.content_type)


def _checked(method: str, path: str) -> str | None:
    """The path with each part escaped once, and once only; None for what is no route of the API."""
    try:
        parts = [unquote(part, errors="strict") for part in path.split("/")]
    except UnicodeDecodeError:
        return None
    if any(part in (".", "..") for part in parts):
        return None
    escaped = "/".join(quote(part, safe="") for part in parts)
    route = routes.route_of(escaped)
    known = route is not None and route.method == method and not route.services
    return escaped if known else None
