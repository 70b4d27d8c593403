"""Paths of the endpoint that no AWS service has; callers sign them and need a permission as for any other."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from osusume_endpoint import wire
from osusume_endpoint.replacements import replaces


class LocalRoute(NamedTuple):
    action: str  # what the caller's policies must allow, on "*"
    answer: Callable[[wire.Request], wire.Response]
    signing_name: str = "osusume"  # the service of the signature's scope


# By (method, path).
routes: dict[tuple[str, str], LocalRoute] = {}


@replaces(
    "ministack.app:_handle_post_body_shortcuts",
    takes="async method, path, headers, body, query_params, request_id",
)
def answering(inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    from ministack.core import iam_evaluator, router
    from ministack.core.concurrency import run_reentrant

    async def shortcuts(
        method: str, path: str, headers: dict, body: bytes, query: dict, request_id: str
    ) -> Any:
        route = routes.get((method, path))
        if route is None:
            return await inner(method, path, headers, body, query, request_id)
        iam_evaluator.pin_request_caller(headers, query)
        access_key = router.extract_access_key_id(headers, query) or ""
        denied = iam_evaluator.enforce(access_key, route.action, "osusume", router.extract_region(headers))
        if denied:
            message = f"{route.action} is not allowed for {getattr(denied, 'principal_arn', '') or 'nobody'}"
            return 403, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()
        return await run_reentrant(route.answer, wire.Request(method, path, headers, body, query))

    return shortcuts
