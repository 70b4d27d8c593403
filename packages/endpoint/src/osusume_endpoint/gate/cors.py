"""Whether a deployed API's own CORS configuration allows a page's origin.

HTTP APIs and function URLs have one by name. A REST API's is its OPTIONS method: a MOCK integration that answers
the preflight with Access-Control-Allow-Origin, as CDK's `default_cors_preflight_options` writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from osusume_endpoint.gate.destinations import Api, Destination
from osusume_endpoint.gate.incoming import Incoming

_HEADER = "method.response.header.access-control-allow-origin"
_ALTERNATIVE = re.compile(r'\$origin\s*==\s*"([^"]+)"')


def allows(request: Incoming, destination: Destination, origin: str) -> bool:
    """`origin` "": a page that did not name itself, which only an API for everybody allows."""
    api = destination.api
    if api is None:
        return False
    allowed = {"rest": _of_rest, "http": _of_http, "function": _of_function}.get(api.kind)
    return allowed is not None and _permits(set(allowed(api)), origin)


def _permits(allowed: set[str], origin: str) -> bool:
    return "*" in allowed or (bool(origin) and origin.lower() in {each.lower() for each in allowed})


def _of_http(api: Api) -> Iterator[str]:
    yield from (api.cors or {}).get("allowOrigins", ())


def _of_function(api: Api) -> Iterator[str]:
    yield from (api.cors or {}).get("AllowOrigins", ())


def _of_rest(api: Api) -> Iterator[str]:
    for answer in _preflight_answers(api):
        parameters = {name.lower(): value for name, value in (answer.get("responseParameters") or {}).items()}
        literal = str(parameters.get(_HEADER) or "")
        if re.fullmatch(r"'[^']+'", literal):
            yield literal.strip("'")
            for template in (answer.get("responseTemplates") or {}).values():
                yield from _ALTERNATIVE.findall(str(template))


def _preflight_answers(api: Api) -> list[dict[str, Any]]:
    from ministack.core.responses import request_scope
    from ministack.services import apigateway_v1

    segments = [segment for segment in api.path.split("/") if segment]
    with request_scope(api.account, api.region):
        resource, _ = apigateway_v1._match_resource_tree(api.id, segments)
    method = ((resource or {}).get("resourceMethods") or {}).get("OPTIONS") or {}
    integration = method.get("methodIntegration") or {}
    if str(integration.get("type", "")).upper() != "MOCK":
        return []
    return list((integration.get("integrationResponses") or {}).values())
