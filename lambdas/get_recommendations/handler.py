"""The API: IAM in front of it, never an error because of the store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from lambdas.get_recommendations import actions, answers, placements, requests, routes, segments
from lambdas.get_recommendations.answers import Page, Told
from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.environment import Environment
from lambdas.get_recommendations.fallback import Asked, Ranking, Recommender
from lambdas.get_recommendations.impressions import Channel, Shown, make_sender, served_as
from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.placements import SOURCES, Asker, Choice, Placement
from lambdas.get_recommendations.store import Store
from lambdas.get_recommendations.table import Table, make_client
from lambdas.shared import cors, delivered, environment
from lambdas.shared.assignment import Assignment
from lambdas.shared.delivered import Delivered
from lambdas.shared.experiment_rules import Known, check
from lambdas.shared.problems import CONTENT_TYPE, KINDS, BadRequest, Forbidden, Refusal, body
from lambdas.shared.readers import check_own
from lambdas.shared.telemetry import count, logger

START_SECONDS = 0.2  # for which a start waits for AppConfig
IMPRESSIONS_MS = 40  # for which an answer that is made waits for the queue of what it shows

app = APIGatewayRestResolver()
NEVER_KEPT = {"Cache-Control": "private, no-store"}


@cache
def settings() -> Environment:
    return environment.read(Environment)


@cache
def recommender() -> Recommender:
    given = settings()
    patience = Patience(clock=time.monotonic, seconds=given.answer_within_ms / 1000)
    table = Table(
        client=make_client(timeout_ms=given.read_timeout_ms),
        breaker=Breaker(time.monotonic),
        patience=patience,
    )
    store = Store(
        table=table,
        clock=time.monotonic,
        recommendations=given.recommendations_table,
        user_state=given.user_state_table,
        names=tuple(placements.packaged().lists),
    )
    return Recommender(store=store, patience=patience, report=report_fault, now=time.time)


@cache
def channel() -> Channel | None:
    """None where nothing is logged."""
    given = settings()
    if not given.impressions_queue_url:
        return None
    return Channel(
        send=make_sender(given.impressions_queue_url, timeout_ms=IMPRESSIONS_MS),
        breaker=Breaker(time.monotonic),
        patience=Patience(clock=time.monotonic, seconds=IMPRESSIONS_MS / 1000),
        report=report_fault,
    )


@cache
def experiments() -> Delivered:
    known = placements.packaged()
    names = Known(frozenset(known.lists), frozenset(known.placements), known.user_fields)
    return Delivered(
        source=delivered.source_of(settings()),
        packaged=known.experiments,
        understand=lambda document: check(document, names),
        clock=time.monotonic,
        report=report_fault,
    )


def report_fault(source: str, error: Exception) -> None:
    logger().warning("fallback", extra={"source": source, "fault": str(error)})


def user_recommendations(name: str) -> Response[str]:
    user = _user(name)
    query = _query("getRecommendations")
    placement = _placement(query, "user")
    items = query.get("context", ())
    requests.check_context(placement, items)
    return _listed(query, placement, user=user, items=items)


def related_items(name: str) -> Response[str]:
    item = routes.identifier("itemId", _parameter("itemId", name))
    query = _query("getRelatedItems")
    placement = _placement(query, "item")
    requests.check_user(placement, query)
    check_own(app.current_event.raw_event, query.get("userId"))
    return _listed(query, placement, user=query.get("userId"), items=(item,))


def popular_items() -> Response[str]:
    return _listed(_query("getPopularItems"), placements.packaged().plain("everyone"))


def trending_items() -> Response[str]:
    return _listed(_query("getTrendingItems"), placements.packaged().trending())


def rank_items(name: str) -> Response[str]:
    user = _user(name)
    query = _query("rankItems")
    items = requests.ranked_items(app.current_event.raw_event)
    own = recommender().personal_scores(user, placements.packaged().plain("user"), run=query.get("runId"))
    entries = requests.in_order_of(own.entries, items)
    ranking = Ranking(entries, own.source, own.version, own.degraded)
    return _answer(ranking, Page(0, len(entries)), told=Told(), query=query)[0]


def proposed_actions(name: str) -> Response[str]:
    user = _user(name)
    query = _query("getActions")
    solution = placements.packaged().actions
    if solution is None:
        raise Refusal("not-configured", "no solution proposes actions")
    offered = _offers(solution).of(user, count=query.get("numResults", routes.DEFAULT_RESULTS))
    # Personal, for the alarm on degraded answers: it can't have more sources.
    figures = {"Degraded": int(offered.degraded), "Answers": 1}
    count(figures, namespace=settings().powertools_metrics_namespace, dimensions={"Source": SOURCES["user"]})
    made = actions.body(offered, solution=solution, name=answers.new_id())
    return _json(answers.text_of(made), NEVER_KEPT)


def _offers(solution: str) -> actions.Actions:
    given = recommender()
    return actions.reader(given.store, given.patience, report_fault, solution)


def segment_members(name: str) -> Response[str]:
    serving = placements.packaged()
    requests.check_service(app.current_event.raw_event, serving)
    segment = routes.identifier("segment", _parameter("segment", name))
    query = _query("getSegment")
    reading = recommender()
    reading.patience.begin()
    found = segments.reader(reading.store, serving.segments).page(
        segment, solution=query.get("solution"), cursor=query.get("cursor")
    )
    return _json(answers.text_of(segments.body(segment, found)), NEVER_KEPT)


def health() -> Response[str]:
    _query("getHealth")
    versions = recommender().versions()
    status = "ok" if versions is not None else "degraded"
    text = answers.text_of({"status": status, "versions": versions or {}})
    return _json(text, NEVER_KEPT)


OPERATIONS: Mapping[str, Callable[..., Response[str]]] = {
    "getRecommendations": user_recommendations,
    "getRelatedItems": related_items,
    "rankItems": rank_items,
    "getPopularItems": popular_items,
    "getTrendingItems": trending_items,
    "getActions": proposed_actions,
    "getSegment": segment_members,
    "getHealth": health,
}
OWN = {route.operation: route for route in routes.ROUTES if route.operation in OPERATIONS}
for route in OWN.values():
    app.route(route.rule, method=route.method)(OPERATIONS[route.operation])


def _parameter(name: str, matched: str) -> str | None:
    return (app.current_event.path_parameters or {}).get(name, matched)


def _user(matched: str) -> str:
    user = routes.identifier("userId", _parameter("userId", matched))
    check_own(app.current_event.raw_event, user)
    return user


def _query(operation: str) -> dict[str, Any]:
    given = app.current_event.raw_event.get("multiValueQueryStringParameters")
    return routes.query(OWN[operation], given)


def _placement(query: Mapping[str, Any], audience: str) -> Placement:
    serving = placements.packaged()
    requests.check_fields(query, serving)
    if query.get("explain"):
        requests.check_may_explain(app.current_event.raw_event, serving)
    return requests.placement(query, serving) or serving.plain(audience)


def _listed(
    query: Mapping[str, Any], placement: Placement, *, user: str | None = None, items: Sequence[str] = ()
) -> Response[str]:
    requests.check_fields(query, placements.packaged())
    page = answers.page(query, length=placement.length)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    holds = experiments().current()
    asker = Asker(
        serving=placements.packaged(), placement=placement, user=user, day=day, experiments=holds.document
    )
    asked = Asked(
        placement=placement,
        asker=asker,
        user=user,
        items=tuple(items),
        exclude=frozenset(query.get("exclude", ())),
        run=page.run,
        wanted=page.start + page.count,
    )
    began = time.perf_counter()
    ranking = recommender().answer(asked)
    choice = ranking.choice or Choice(placement)
    _count_variants(ranking, choice.assignments, took=time.perf_counter() - began)
    told = Told(
        placement=placement.name, assignments=choice.assignments, revision=holds.label, state=choice.state
    )
    response, name = _answer(ranking, page, told=told, query=query)
    # Who asks why looks at a list, and is not shown it.
    if placement.logged and user is not None and not query.get("explain"):
        _log(ranking, page, told=told, user=user, name=name)
    return response


def _log(ranking: Ranking, page: Page, *, told: Told, user: str, name: str) -> None:
    """Logs after the answer is made: a 304 shows the same again, under the same name."""
    items = [entry.item for entry in ranking.entries[page.start : page.start + page.count]]
    to = channel()
    if not items or to is None:
        return
    shown = Shown(
        user=user,
        recommendation=name,
        placement=told.placement,
        start=page.start,
        items=items,
        # What stands in is no variant's, so it exposes nobody.
        assignments=() if ranking.degraded else told.assignments,
        served_as=served_as(
            source=ranking.source,
            degraded=ranking.degraded,
            fallback=ranking.fallback,
            acted=ranking.acted,
        ),
    )
    if not to.put(shown):
        namespace = settings().powertools_metrics_namespace
        count({"ImpressionsDropped": 1}, namespace=namespace, dimensions={"Service": "get_recommendations"})


def _answer(
    ranking: Ranking, page: Page, *, told: Told, query: Mapping[str, Any]
) -> tuple[Response[str], str]:
    """(the response, what it is called)."""
    _count(ranking)
    fields, explain = query.get("fields", ()), bool(query.get("explain"))
    text = answers.text_of(answers.body(ranking, page, told=told, fields=fields, explain=explain))
    if ranking.degraded:
        # What stands in is not what should be kept.
        name = answers.new_id()
        return _json(answers.called(name, text), NEVER_KEPT), name
    digest = answers.digest(text, revision=placements.packaged().revision + told.revision)
    held = answers.kept(app.current_event.headers.get("If-None-Match"), digest)
    name = held or answers.new_id()
    headers = {"Cache-Control": "private, no-cache", "ETag": answers.tag(name, digest)}
    if held:
        return Response(status_code=304, headers={**headers}, body=""), name
    return _json(answers.called(name, text), headers), name


def _count(ranking: Ranking) -> None:
    namespace = settings().powertools_metrics_namespace
    figures = {"Degraded": int(ranking.degraded), "Answers": 1}
    count(figures, namespace=namespace, dimensions={"Source": ranking.source})
    for acted in ranking.acted:
        count({"Acted": acted.count}, namespace=namespace, dimensions={"Rule": acted.rule})


def _count_variants(ranking: Ranking, assignments: Sequence[Assignment], *, took: float) -> None:
    """What guardrails look at; a tester is nobody's variant."""
    figures = {
        "Answers": 1,
        "Failed": int(ranking.degraded or not ranking.entries),
        "ReadMs": round(took * 1000, 1),
    }
    for one in assignments:
        if not one.tester:
            dimensions = {"Experiment": one.experiment, "Variant": one.variant}
            count(figures, namespace=settings().powertools_metrics_namespace, dimensions=dimensions)


def _json(text: str, headers: Mapping[str, str]) -> Response[str]:
    return Response(status_code=200, content_type="application/json", headers={**headers}, body=text)


@app.exception_handler(BadRequest)
def bad_request(error: BadRequest) -> Response[str]:
    return _problem(error.kind, str(error))


@app.exception_handler(Forbidden)
def forbidden(error: Forbidden) -> Response[str]:
    return _problem("not-allowed", str(error))


@app.exception_handler(Refusal)
def refused(error: Refusal) -> Response[str]:
    if error.__cause__ is not None:
        logger().warning("refused", extra={"fault": str(error.__cause__)})
    return _problem(error.kind, str(error))


@app.not_found
def not_found(error: NotFoundError) -> Response[str]:
    event = app.current_event
    route = routes.route_of(event.path)
    if route and event.http_method.upper() != route.method:
        detail = f"{event.http_method} is not allowed: use {route.method}"
        return _problem("method-not-allowed", detail, Allow=route.method)
    return _problem("no-such-resource", f"{_requested_path()} is not a resource of this API")


@app.exception_handler(Exception)
def failed(error: Exception) -> Response[str]:
    logger().exception("failed", exc_info=error)
    return _problem("internal-error", "The request failed on our side; it may be sent again")


def _requested_path() -> str:
    event = app.current_event
    return str(event.get("requestedPath") or event.path)


def _problem(kind: str, detail: str, **headers: str) -> Response[str]:
    text = body(kind, detail=detail, instance=_requested_path())
    return Response(status_code=KINDS[kind].status, content_type=CONTENT_TYPE, headers={**headers}, body=text)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = app.resolve(routed(event), context)  # type: ignore[arg-type]
    return cors.answered(answer, event=event, origins=cors.allowed(settings))


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
    experiments().current()  # meanwhile the rest is made
    recommender()
    channel()
    experiments().first(within=START_SECONDS)
    if (proposing := placements.packaged().actions) is not None:
        _offers(proposing).client()
