"""The API: GET only, IAM in front of it, never an error because of the store."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from lambdas.get_recommendations import routes
from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.environment import Environment
from lambdas.get_recommendations.fallback import Recommender
from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.ranking import Ranking
from lambdas.get_recommendations.store import Store
from lambdas.get_recommendations.table import Table, make_client
from lambdas.shared import environment
from lambdas.shared.problems import CONTENT_TYPE, BadRequest, body
from lambdas.shared.telemetry import count, logger

app = APIGatewayRestResolver()


@cache
def settings() -> Environment:
    return environment.read(Environment)


@cache
def recommender() -> Recommender:
    given = settings()
    patience = Patience(clock=time.monotonic, seconds=given.answer_within_ms / 1000)
    table = Table(
        client=make_client(timeout_ms=given.read_timeout_ms),
        name=given.recommendations_table,
        breaker=Breaker(time.monotonic),
        patience=patience,
    )
    return Recommender(
        store=Store(table=table, clock=time.monotonic),
        patience=patience,
        personal=given.personal_list,
        related=given.related_list,
        popular=given.popular_list,
        report=report_fault,
    )


def report_fault(source: str, error: Exception) -> None:
    logger().warning("fallback", extra={"source": source, "fault": str(error)})


def user_recommendations(name: str) -> Response[str]:
    user = routes.identifier("userId", _parameter("userId", name))
    wanted = _results()
    return _answer(recommender().for_user(user), wanted)


def related_items(name: str) -> Response[str]:
    item = routes.identifier("itemId", _parameter("itemId", name))
    wanted = _results()
    return _answer(recommender().for_item(item), wanted)


def popular_items() -> Response[str]:
    wanted = _results()
    return _answer(recommender().for_everyone(), wanted)


OPERATIONS: Mapping[str, Callable[..., Response[str]]] = {
    "getRecommendations": user_recommendations,
    "getRelatedItems": related_items,
    "getPopularItems": popular_items,
}
for route in routes.ROUTES:
    app.get(route.rule)(OPERATIONS[route.operation])


def _parameter(name: str, matched: str) -> str | None:
    return (app.current_event.path_parameters or {}).get(name, matched)


def _results() -> int:
    return routes.results(app.current_event.query_string_parameters)


def _answer(ranking: Ranking, results: int) -> Response[str]:
    figures = {"Degraded": int(ranking.degraded), "Answers": 1}
    count(figures, namespace=settings().powertools_metrics_namespace, dimensions={"Source": ranking.source})
    return Response(
        status_code=200,
        content_type="application/json",
        headers={"Cache-Control": "private, no-store"},
        body=json.dumps(ranking.body(results), ensure_ascii=False, separators=(",", ":")),
    )


@app.exception_handler(BadRequest)
def bad_request(error: BadRequest) -> Response[str]:
    return _problem(400, str(error))


@app.not_found
def not_found(error: NotFoundError) -> Response[str]:
    event = app.current_event
    if routes.known(event.path) and event.http_method.upper() != routes.METHOD:
        return _problem(405, f"{event.http_method} is not allowed: use {routes.METHOD}", Allow=routes.METHOD)
    return _problem(404, f"{_requested_path()} is not a resource of this API")


@app.exception_handler(Exception)
def failed(error: Exception) -> Response[str]:
    logger().exception("failed", exc_info=error)
    return _problem(500, "The request failed on our side; it may be sent again")


def _requested_path() -> str:
    event = app.current_event
    return str(event.get("requestedPath") or event.path)


def _problem(status: int, detail: str, **headers: str) -> Response[str]:
    text = body(status, detail=detail, instance=_requested_path())
    return Response(status_code=status, content_type=CONTENT_TYPE, headers={**headers}, body=text)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(routed(event), context)  # type: ignore[arg-type]


def routed(event: dict[str, Any]) -> dict[str, Any]:
    """The event with a path that the resolver's patterns match whatever the id is.

    API Gateway has matched the resource already; identifiers come from its path parameters.
    """
    resource = event.get("resource")
    if not any(resource == route.path for route in routes.ROUTES):
        return event
    pattern = str(resource).replace("{", "").replace("}", "")
    return {**event, "path": pattern, "requestedPath": event.get("path", pattern)}


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # Only inside Lambda: its start-up has a whole CPU, the first request has what the memory size buys.
    recommender()
