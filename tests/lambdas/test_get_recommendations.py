from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from config import serving
from config.settings import Settings
from lambdas.get_recommendations import fallback, handler, openapi, placements, routes
from lambdas.get_recommendations.impressions import Shown
from lambdas.get_recommendations.table import make_client
from lambdas.request_forgetting import handler as forgetting_handler
from tests import example
from tests.lambdas import dynamodb_server
from tests.lambdas.dynamodb_server import FAULTS, Server

RUN = "20261124T030000Z"
DEFAULT = list(example.settings().api.default_items)
USERS = "/v1/users/{userId}/recommendations"
ITEMS = "/v1/items/{itemId}/related"
POINTERS = "pointer#personal+pointer#related+pointer#popular"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with dynamodb_server.running() as running:
        yield running


@pytest.fixture(autouse=True)
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that the stack puts beside the code."""
    file = tmp_path / "default_items.json"
    file.write_text(json.dumps(DEFAULT))
    monkeypatch.setattr(fallback, "DEFAULT_ITEMS", file)
    (tmp_path / "serving.json").write_text(serving.text(example.settings()))
    monkeypatch.setattr(placements, "SERVING", tmp_path / "serving.json")
    fallback.default_ranking.cache_clear()
    placements.packaged.cache_clear()
    yield file
    fallback.default_ranking.cache_clear()
    placements.packaged.cache_clear()


def configure(file: Path, **sections: Any) -> None:
    """The example's configuration with other sections, as the stack would package it."""
    settings = Settings.model_validate({**example.content(), **sections})
    file.with_name("serving.json").write_text(serving.text(settings))
    placements.packaged.cache_clear()
    forget()


@pytest.fixture(autouse=True)
def world(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Three published lists and a cold function."""
    server.items.clear()
    server.fault, server.requests = None, []
    for name in ("personal", "related", "popular"):
        server.put(f"pointer#{name}", "pointer", current=RUN)
    server.put("personal#u1", RUN, items='[["p1",0.9],["p2",0.8],["p3",0.7]]')
    server.put("related#i1", RUN, items='[["r1",0.5],["r2",null]]')
    server.put("popular#everyone", RUN, items='[["t1",12.0],["t2",9.0]]')
    variables = {
        "RECOMMENDATIONS_TABLE": "recommendations",
        "POWERTOOLS_METRICS_NAMESPACE": "Osusume/test",
        "USER_STATE_TABLE": "user-state",
        "AWS_ENDPOINT_URL_DYNAMODB": server.url,
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "make_client", kept_client)
    forget()
    yield server
    if server.fault is not None:  # its connections may be broken
        kept.clear()
    forget()


kept: dict[tuple[int, str], Any] = {}


def kept_client(*, timeout_ms: int) -> Any:
    """Making a client takes longer than most tests here."""
    key = (timeout_ms, os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
    if key not in kept:
        kept[key] = make_client(timeout_ms=timeout_ms)
    return kept[key]


def forget() -> None:
    handler.settings.cache_clear()
    handler.recommender.cache_clear()
    handler.experiments.cache_clear()


def event(
    path: str, *, method: str = "GET", query: Any = None, body: str | None = None, **parameters: str
) -> dict[str, Any]:
    """What API Gateway sends: `path` names a resource with {parameters}, or is a path it does not know.

    A tuple among the values of `query` is a parameter that is given several times.
    """
    known = path in {route.path for route in routes.ROUTES}
    several = {k: list(v) if isinstance(v, tuple) else [v] for k, v in (query or {}).items()}
    return {
        "resource": path if known else "/{proxy+}",
        "path": path.format(**parameters) if known else path,
        "httpMethod": method,
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": {k: v[-1] for k, v in several.items()} or None,
        "multiValueQueryStringParameters": several or None,
        "pathParameters": (parameters or None) if known else {"proxy": path.lstrip("/")},
        "requestContext": {"requestId": "r", "stage": "live", "accountId": "111111111111"},
        "body": body,
        "isBase64Encoded": False,
    }


def ask(path: str, *, status: int = 200, **named: Any) -> Any:
    """The body, after checking status, content type and that the document describes it."""
    response = handler.handler(event(path, **named), SimpleNamespace(aws_request_id="r"))
    assert response["statusCode"] == status, response
    body = json.loads(response["body"])
    schema = "Recommendations" if status == 200 else "Problem"
    document = openapi.document()
    reference = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    Draft202012Validator(reference).validate(body)
    kind = "application/json" if status == 200 else "application/problem+json"
    assert response["multiValueHeaders"]["Content-Type"] == [kind]
    return body


def ids(body: Any) -> list[str]:
    return [item["itemId"] for item in body["items"]]


def test_a_user_gets_their_own_list() -> None:
    body = ask(USERS, userId="u1")
    assert len(body.pop("recommendationId")) == 26
    assert body == {
        "items": [
            {"itemId": "p1", "score": 0.9, "position": 1, "source": "personal"},
            {"itemId": "p2", "score": 0.8, "position": 2, "source": "personal"},
            {"itemId": "p3", "score": 0.7, "position": 3, "source": "personal"},
        ],
        "placement": None,
        "source": "personal",
        "version": RUN,
        "degraded": False,
        "experiment": None,
        "variant": None,
        "nextCursor": None,
    }


def test_an_item_gets_its_related_items() -> None:
    body = ask(ITEMS, itemId="i1")
    assert [(item["itemId"], item["score"]) for item in body["items"]] == [("r1", 0.5), ("r2", None)]
    assert (body["source"], body["version"], body["degraded"]) == ("related", RUN, False)


def test_everyone_gets_the_popular_items() -> None:
    body = ask("/v1/popular")
    assert (ids(body), body["source"], body["degraded"]) == (["t1", "t2"], "popular", False)


@pytest.mark.parametrize(("path", "key"), [(USERS, "userId"), (ITEMS, "itemId")])
def test_who_has_no_list_gets_the_popular_items_and_that_is_no_fault(path: str, key: str) -> None:
    body = ask(path, **{key: "unknown"})
    assert (ids(body), body["source"], body["degraded"]) == (["t1", "t2"], "popular", False)


def test_before_anything_is_published_the_packaged_list_stands_in(world: Server) -> None:
    world.items.clear()
    body = ask(USERS, userId="u1", query={"numResults": "100"})
    assert (ids(body), body["source"], body["version"], body["degraded"]) == (DEFAULT, "default", None, True)


def test_the_packaged_list_is_long_enough_for_a_page_and_has_no_item_twice() -> None:
    assert len(DEFAULT) == len(set(DEFAULT)) >= 25


def test_the_patience_of_a_read_has_a_default_and_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(handler, "make_client", lambda *, timeout_ms: seen.append(timeout_ms))
    handler.recommender()
    forget()
    monkeypatch.setenv("READ_TIMEOUT_MS", "40")
    handler.recommender()
    assert seen == [150, 40]


@pytest.mark.parametrize(("wanted", "got"), [("1", 1), ("2", 2), ("3", 3), ("100", 3)])
def test_num_results_is_a_limit(wanted: str, got: int) -> None:
    assert len(ask(USERS, userId="u1", query={"numResults": wanted})["items"]) == got


@pytest.mark.parametrize(
    "wrong", ["0", "101", "-1", "1.0", "ten", "", " 5", "5 ", "+5", "٣", "1e1", "999999", "true"]
)
@pytest.mark.parametrize("path", [USERS, ITEMS, "/v1/popular"])
def test_a_wrong_num_results_is_400_and_says_what_is_right(path: str, wrong: str) -> None:
    parameters = {"userId": "u1"} if path == USERS else {"itemId": "i1"} if path == ITEMS else {}
    body = ask(path, status=400, query={"numResults": wrong}, **parameters)
    assert body["detail"] == f"numResults is {wrong!r}: give a whole number from 1 to 100"
    assert (body["type"], body["title"]) == (
        "urn:problem-type:recommendations:invalid-parameter",
        "A parameter is wrong",
    )
    assert body["instance"] == path.format(**parameters)


@pytest.mark.parametrize("wrong", ["x" * 257, ""])
def test_an_identifier_that_no_list_can_have_is_400(wrong: str, world: Server) -> None:
    body = ask(USERS, status=400, userId=wrong)
    assert body["detail"] == f"userId has {len(wrong)} characters: give 1 to 256"
    assert world.requests == [], "nothing was read for it"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("a b", "a b"),
        ("a%20b", "a b"),
        ("a/b", "a/b"),
        ('"', '"'),
        ("日本", "日本"),
        ("100%", "100%"),
        ("#", "#"),
    ],
)
def test_identifiers_may_have_any_character(world: Server, sent: str, meant: str) -> None:
    world.put(f"personal#{meant}", RUN, items='[["mine",1]]')
    assert ids(ask(USERS, userId=sent)) == ["mine"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/users/u1", "/v1/popular/x", "/v2/popular", "/v1/items//x"])
def test_an_unknown_path_is_404(path: str) -> None:
    body = ask(path, status=404)
    assert body["detail"] == f"{path} is not a resource of this API"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", [USERS, ITEMS, "/v1/popular"])
def test_another_method_is_405_and_names_the_one_that_is_right(path: str, method: str) -> None:
    parameters = {"userId": "u1"} if path == USERS else {"itemId": "i1"} if path == ITEMS else {}
    named = event(path, method=method, **parameters)
    response = handler.handler(named, SimpleNamespace(aws_request_id="r"))
    assert response["multiValueHeaders"]["Allow"] == ["GET"]
    assert ask(path, status=405, method=method, **parameters)["detail"] == f"{method} is not allowed: use GET"


def test_another_method_on_an_unknown_path_is_404() -> None:
    assert ask("/v1/nothing", status=404, method="POST")["status"] == 404


def test_a_fault_of_our_own_is_500_without_its_details(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECOMMENDATIONS_TABLE")
    body = ask("/v1/popular", status=500)
    assert body["detail"] == "The request failed on our side; it may be sent again"


def test_a_body_is_ignored_whatever_it_is() -> None:
    odd = event("/v1/popular") | {"body": "\xff{", "headers": {"Content-Type": "multipart/form-data"}}
    assert handler.handler(odd, SimpleNamespace(aws_request_id="r"))["statusCode"] == 200


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_fails_with_a_cold_cache_the_packaged_list_is_answered_in_time(
    world: Server, fault: str
) -> None:
    world.fail(FAULTS[fault])
    handler.recommender()
    started = time.monotonic()
    body = ask(USERS, userId="u1")
    took = time.monotonic() - started
    assert (ids(body), body["source"], body["degraded"]) == (DEFAULT[:25], "default", True)
    assert took < 1.0, "all reads together have 250 ms; a busy machine adds to it"
    assert 1 <= len(world.requests) <= 4


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_fails_when_warm_the_popular_list_is_answered(world: Server, fault: str) -> None:
    ask("/v1/popular")
    ask(USERS, userId="u1")
    world.fail(FAULTS[fault])
    body = ask(USERS, userId="u1")
    assert (ids(body), body["source"], body["version"], body["degraded"]) == (
        ["t1", "t2"],
        "popular",
        RUN,
        True,
    )
    assert world.requests[0] == "personal#u1", "the fault really fired"
    assert ids(ask("/v1/popular")) == ["t1", "t2"]


@pytest.mark.parametrize("fault", ["internal error", "unavailable", "reset"])
def test_a_fault_that_passes_is_not_seen_by_the_reader(world: Server, fault: str) -> None:
    world.fail(FAULTS[fault], times=1)
    body = ask(USERS, userId="u1")
    assert (body["source"], body["degraded"]) == ("personal", False)
    assert world.requests == [POINTERS, POINTERS, "personal#u1"]


@pytest.mark.parametrize("fault", ["throttle", "hang", "access denied"])
def test_what_a_retry_would_make_worse_is_not_retried(world: Server, fault: str) -> None:
    ask(USERS, userId="u1")
    ask("/v1/popular")
    world.fail(FAULTS[fault])
    ask(USERS, userId="u1")
    assert world.requests == ["personal#u1"]


def test_after_five_faults_the_table_is_left_alone_for_a_second_and_then_asked_again(world: Server) -> None:
    world.fail(FAULTS["throttle"])
    for _ in range(20):
        assert ask(USERS, userId="u1")["degraded"] is True
    assert len(world.requests) == 5
    world.fault = None
    time.sleep(1.05)
    assert ask(USERS, userId="u1")["source"] == "personal"


def test_nobody_listening_is_a_fault_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    forget()
    assert ask(USERS, userId="u1")["source"] == "default"


def test_a_missing_pointer_means_that_the_list_is_not_published(world: Server) -> None:
    del world.items["pointer#personal", "pointer"]
    body = ask(USERS, userId="u1")
    assert (body["source"], body["degraded"]) == ("popular", False)


def test_a_published_version_without_a_list_for_everyone_is_a_fault(world: Server) -> None:
    del world.items["popular#everyone", RUN]
    body = ask("/v1/popular")
    assert (body["source"], body["degraded"]) == ("default", True)


def test_reads_that_hang_for_good_use_up_no_more_threads_than_a_few(world: Server) -> None:
    world.fail(FAULTS["drip"])
    before = set(threading.enumerate())
    for _ in range(12):
        assert ask(USERS, userId="u1")["source"] == "default"
        handler.recommender().store._table._breaker.succeeded()
    ours = {thread for thread in threading.enumerate() if thread.name.startswith("read-")} - before
    assert 1 <= len(ours) <= 9


@pytest.mark.parametrize("wrong", ["a\x00b", "\x01", "a\nb", "\x7f"])
def test_an_identifier_with_a_control_character_is_400(wrong: str, world: Server) -> None:
    assert "control character" in ask(USERS, status=400, userId=wrong)["detail"]
    assert world.requests == []


@pytest.mark.parametrize("name", ["NUMRESULTS", "limit", "numresults", ""])
def test_a_query_parameter_that_nobody_reads_is_400_and_names_the_right_one(name: str) -> None:
    body = ask("/v1/popular", status=400, query={name: "3"})
    takes = "numResults, cursor, exclude, fields, runId"
    assert body["detail"] == f"{name!r} is not a parameter of this resource: it takes {takes}"


def test_a_pointer_to_a_version_that_is_gone_falls_back(world: Server) -> None:
    world.put("pointer#personal", "pointer", current="20200101T000000Z")
    assert ask(USERS, userId="u1")["source"] == "popular"


@pytest.mark.parametrize(("path", "key"), [(USERS, "userId"), (ITEMS, "itemId")])
def test_without_a_solution_for_it_the_popular_items_are_answered(
    packaged: Path, path: str, key: str
) -> None:
    popular = [row for row in example.content()["solutions"] if row["for_each"] == "everyone"]
    configure(packaged, solutions=popular, placements={}, rules={}, publishing={})
    body = ask(path, **{key: "u1"})
    assert (body["source"], body["degraded"]) == ("popular", False)


def test_a_new_request_asks_for_the_list_only_once_the_pointer_is_known(world: Server) -> None:
    for _ in range(3):
        ask(USERS, userId="u1")
        ask("/v1/popular")
    assert world.requests.count(POINTERS) == 1
    assert world.requests.count("personal#u1") == 3
    assert world.requests.count("popular#everyone") == 1


def test_answers_are_not_kept_by_anyone_between() -> None:
    response = handler.handler(event("/v1/popular"), SimpleNamespace(aws_request_id="r"))
    assert response["multiValueHeaders"]["Cache-Control"] == ["private, no-cache"]


def test_each_answer_is_counted_by_source(capsys: pytest.CaptureFixture[str]) -> None:
    ask(USERS, userId="u1")
    ask(USERS, userId="unknown")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [(line["Source"], line["Answers"], line["Degraded"]) for line in lines] == [
        ("personal", 1, 0),
        ("popular", 1, 0),
    ]


def test_a_hidden_fault_is_logged_without_the_readers_name(
    world: Server, caplog: pytest.LogCaptureFixture
) -> None:
    world.fail(FAULTS["access denied"])
    with caplog.at_level("WARNING"):
        ask(USERS, userId="canary-user")
    said = [{**vars(record)} for record in caplog.records if record.message == "fallback"]
    assert [one["source"] for one in said] == ["personal", "popular"]
    assert "AccessDeniedException" in said[0]["fault"]
    assert "canary-user" not in str(said)


def test_the_committed_document_is_the_generated_one() -> None:
    assert openapi.FILE.read_text() == openapi.rendered(), "run python -m lambdas.get_recommendations.openapi"


def test_a_stale_document_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "openapi.json"
    stale.write_text(openapi.rendered().replace("numResults", "limit"))
    monkeypatch.setattr(openapi, "FILE", stale)
    assert openapi.main(["--check"]) == 1
    assert "is stale: run python -m" in capsys.readouterr().out
    assert openapi.main([]) == 0
    assert openapi.main(["--check"]) == 0


def test_every_route_of_the_document_is_one_of_the_handlers() -> None:
    served = {route.rule.pattern for route in handler.app._static_routes + handler.app._dynamic_routes}
    paths = openapi.document()["paths"]
    forgetting = {path for _, path in forgetting_handler.OPERATIONS}
    own = {route.path for route in routes.ROUTES if route.function == "get_recommendations"}
    assert len(served) == len(own) == len(set(paths) - forgetting) - 1 == 8 and len(paths) == 11
    lists = own & {path for path in paths if "get" in paths[path]} - {"/v1/health"}
    others = {"/v1/segments/{segment}", "/v1/users/{userId}/actions"}  # test_segments_and_actions.py
    for path in lists - others:
        parameters = {"userId": "u1"} if "userId" in path else {"itemId": "i1"} if "itemId" in path else {}
        assert ask(path, **parameters)["items"]


def post(path: str, body: Any, **parameters: str) -> dict[str, Any]:
    return event(path, method="POST", body=body if isinstance(body, str) else json.dumps(body), **parameters)


def whole(given: dict[str, Any], **headers: str) -> Any:
    given["headers"] = {name.replace("_", "-"): value for name, value in headers.items()}
    return handler.handler(given, SimpleNamespace(aws_request_id="r"))


def sources(body: Any) -> list[str]:
    return [f"{item['itemId']}:{item['source']}" for item in body["items"]]


def test_a_placement_has_a_length_and_is_filled_up_from_its_fallback_without_doubles(
    world: Server, packaged: Path
) -> None:
    world.put("popular#everyone", RUN, items='[["t1",12.0],["p2",9.0],["t3",8.0],["t4",7.0]]')
    configure(packaged, placements={"home": {"lists": ["personal"], "length": 5, "fallback": ["popular"]}})
    body = ask(USERS, userId="u1", query={"placement": "home"})
    assert sources(body) == ["p1:personal", "p2:personal", "p3:personal", "t1:popular", "t3:popular"]
    assert (body["placement"], body["source"], body["nextCursor"] is None) == ("home", "personal", False)


def test_pages_follow_each_other_without_a_gap_or_a_double_and_stay_with_their_run(
    world: Server, packaged: Path
) -> None:
    world.put("popular#everyone", RUN, items=json.dumps([[f"t{n}", 1] for n in range(5)]))
    configure(packaged, placements={"home": {"lists": ["personal"], "length": 3, "fallback": ["popular"]}})
    seen, query = [], {"placement": "home"}
    for _ in range(4):
        body = ask(USERS, userId="u1", query=query)
        seen += [(item["position"], item["itemId"]) for item in body["items"]]
        if body["nextCursor"] is None:
            break
        query = {"placement": "home", "cursor": body["nextCursor"]}
        for name in ("personal", "related", "popular"):  # another run, which this reader doesn't see
            world.put(f"pointer#{name}", "pointer", current="20261125T030000Z", previous=RUN)
        world.put("personal#u1", "20261125T030000Z", items='[["new",1]]')
        world.put("popular#everyone", "20261125T030000Z", items='[["new",1]]')
        forget()
    assert seen == list(enumerate(["p1", "p2", "p3", "t0", "t1", "t2", "t3", "t4"], start=1))


@pytest.mark.parametrize("wrong", ["x", "", "MjAyNjExMjRUMDMwMDAwWi4x", "é", "Li4u", "=" * 9])
def test_a_cursor_that_no_answer_gave_is_400(wrong: str) -> None:
    ok = "MjAyNjExMjRUMDMwMDAwWi4x"
    if wrong == ok:
        assert ids(ask("/v1/popular", query={"cursor": ok})) == ["t2"]
    else:
        assert "nextCursor" in ask("/v1/popular", status=400, query={"cursor": wrong})["detail"]


def test_what_is_excluded_is_not_answered_and_what_fills_up_neither(packaged: Path) -> None:
    configure(packaged, placements={"home": {"lists": ["personal"], "fallback": ["popular"]}})
    query = {"placement": "home", "exclude": ("p1", "t1", "nothing, that is there")}
    assert ids(ask(USERS, userId="u1", query=query)) == ["p2", "p3", "t2"]
    assert ids(ask("/v1/popular", query={"exclude": "t1"})) == ["t2"]


def test_a_placement_without_fallback_may_be_empty_and_that_is_no_fault(packaged: Path) -> None:
    configure(packaged, placements={"again": {"lists": ["personal"], "rules": ["bought-before"]}})
    body = ask(USERS, userId="u1", query={"placement": "again"})
    assert (body["items"], body["degraded"], body["version"]) == ([], False, RUN)


def test_buy_again_and_new_for_you_are_the_two_halves_of_one_list(world: Server) -> None:
    bought = '{"p2":"2026-11-01 10:00:00"}'
    world.put("personal#u1", RUN, items='[["p1",0.9],["p2",0.8],["p3",0.7]]', bought=bought)
    assert ids(ask(USERS, userId="u1", query={"placement": "buy_again"})) == ["p2"]
    assert sources(ask(USERS, userId="u1", query={"placement": "new_for_you"}))[:2] == [
        "p1:personal",
        "p3:personal",
    ]


def test_the_cart_is_filled_by_what_goes_with_its_items_in_turn(world: Server) -> None:
    world.put("related#i2", RUN, items='[["s1",0.9],["r1",0.8],["i1",0.7]]')
    body = ask(USERS, userId="u1", query={"placement": "cart", "context": ("i1", "i2"), "numResults": "3"})
    assert ids(body) == ["r1", "s1", "r2"], "neither what is in the cart, nor an item twice"
    assert world.requests[-1] == "popular#everyone" or world.requests[1] == "related#i1+related#i2+u1"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"placement": "cart"}, "name them in context"),
        ({"context": "i1"}, "the user's own list doesn't look at it"),
        ({"placement": "home", "context": "i1"}, "placement 'home' doesn't look at it"),
        ({"placement": "nowhere"}, "give one of buy_again, cart, home, new_for_you, product"),
        ({"placement": "../x"}, "give the name of a configured placement"),
        ({"placement": ("home", "cart")}, "placement is given 2 times: give it once"),
        ({"fields": "PRICE"}, "give one of BRAND, CATEGORY_L1, CATEGORY_L2"),
        ({"explain": "yes"}, "explain is 'yes': give true or false"),
        ({"runId": "now"}, "give the version of an answer"),
        ({"exclude": ""}, "exclude has 0 characters"),
        ({"exclude": tuple(f"i{n}" for n in range(101))}, "exclude is given 101 times"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_400_and_says_what_does(
    query: Any, told: str, world: Server
) -> None:
    assert told in ask(USERS, status=400, userId="u1", query=query)["detail"]
    assert world.requests == []


def test_fields_are_answered_as_they_were_published(world: Server) -> None:
    facts = '{"BRAND":["X",null,"Y"],"CATEGORY_L1":["a","b|c",null]}'
    world.put("personal#u1", RUN, items='[["p1",0.9],["p2",0.8],["p3",0.7]]', facts=facts)
    body = ask(USERS, userId="u1", query={"fields": ("BRAND", "CATEGORY_L1")})
    assert [item["metadata"] for item in body["items"]] == [
        {"BRAND": "X", "CATEGORY_L1": "a"},
        {"BRAND": None, "CATEGORY_L1": "b|c"},
        {"BRAND": "Y", "CATEGORY_L1": None},
    ]
    assert "metadata" not in ask(USERS, userId="u1")["items"][0]


def test_rules_see_what_the_user_did_since_the_run(world: Server) -> None:
    now = int(time.time())
    deeds = [f"s|{now - n}|p1" for n in range(5)] + [f"d|{now}|t1", f"b|{now}|p3"]
    world.items["u1", ""] = {"pk": {"S": "u1"}, "deeds": {"SS": deeds}}
    body = ask(USERS, userId="u1", query={"placement": "home"})
    assert sources(body) == ["p2:personal", "t2:popular"]
    assert world.requests == [POINTERS, "personal#u1+u1", "popular#everyone"]


def test_a_related_list_leaves_out_what_its_user_must_not_see(world: Server) -> None:
    world.items["u1", ""] = {"pk": {"S": "u1"}, "deeds": {"SS": [f"d|{int(time.time())}|r1"]}}
    placed = {"placement": "product", "userId": "u1"}
    assert ids(ask(ITEMS, itemId="i1", query=placed))[:1] == ["r2"]
    assert ids(ask(ITEMS, itemId="i1", query={"placement": "product"}))[:2] == ["r1", "r2"]
    assert (
        "name the user in userId"
        in ask(ITEMS, itemId="i1", status=400, query={"placement": "home"})["detail"]
    )


def signed(given: dict[str, Any], arn: str | None) -> dict[str, Any]:
    given["requestContext"]["identity"] = {"userArn": arn, "sourceIp": "x"}
    return given


@pytest.mark.parametrize(
    ("arn", "status"),
    [
        ("arn:aws:sts::111111111111:assumed-role/Console/someone", 200),
        ("arn:aws:iam::111111111111:user/team/Console", 200),
        ("arn:aws:sts::111111111111:assumed-role/Application/Console", 403),
        ("arn:aws:iam::111111111111:user/Consoles", 403),
        ("arn:aws:sts::222222222222:assumed-role/Console/someone", 403),
        ("arn:aws:iam::222222222222:user/Console", 403),
        ("arn:aws:iam::111111111111:root", 403),
        (None, 403),
    ],
)
def test_why_a_list_is_as_it_is_is_told_to_those_who_may_ask(
    world: Server, packaged: Path, arn: str | None, status: int
) -> None:
    api = {**example.content()["api"], "may_explain": ["Console"]}
    configure(packaged, api=api)
    world.items["u1", ""] = {"pk": {"S": "u1"}, "deeds": {"SS": [f"d|{int(time.time())}|p2"]}}
    asked = event(USERS, userId="u1", query={"placement": "home", "explain": "true"})
    response = whole(signed(asked, arn))
    assert response["statusCode"] == status
    body = json.loads(response["body"])
    if status == 200:
        gone = {"itemId": "p2", "position": 2, "score": 0.8}
        told = {
            "rule": "not-interested",
            "kind": "not_interested",
            "removed": [gone],
            "moved": [],
            "added": [],
        }
        assert body["rules"][0] == told
    else:
        assert "api.may_explain" in body["detail"]


def test_how_often_a_rule_acted_is_counted(world: Server, capsys: pytest.CaptureFixture[str]) -> None:
    world.items["u1", ""] = {
        "pk": {"S": "u1"},
        "deeds": {"SS": [f"d|{int(time.time())}|{i}" for i in ("p1", "p2")]},
    }
    ask(USERS, userId="u1", query={"placement": "home"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"Rule"' in line]
    assert [(line["Rule"], line["Acted"]) for line in lines] == [("not-interested", 2)]


def test_an_answer_that_did_not_change_is_not_sent_again_and_keeps_its_id() -> None:
    first = whole(event(USERS, userId="u1"))
    [tag] = first["multiValueHeaders"]["ETag"]
    name = json.loads(first["body"])["recommendationId"]
    again = whole(event(USERS, userId="u1"), If_None_Match=f'W/"x", {tag}')
    assert (again["statusCode"], again["body"]) == (304, "")
    assert again["multiValueHeaders"]["ETag"] == [tag] and name in tag
    other = whole(event(USERS, userId="u1"))
    assert json.loads(other["body"])["recommendationId"] != name


def test_another_list_other_rules_or_another_page_are_another_answer(world: Server, packaged: Path) -> None:
    [tag] = whole(event(USERS, userId="u1"))["multiValueHeaders"]["ETag"]
    assert whole(event(USERS, userId="u1", query={"numResults": "2"}), If_None_Match=tag)["statusCode"] == 200
    world.put("personal#u1", RUN, items='[["p1",0.9],["p2",0.8],["p4",0.7]]')
    assert whole(event(USERS, userId="u1"), If_None_Match=tag)["statusCode"] == 200
    world.put("personal#u1", RUN, items='[["p1",0.9],["p2",0.8],["p3",0.7]]')
    assert whole(event(USERS, userId="u1"), If_None_Match=tag)["statusCode"] == 304
    configure(packaged, rules={**example.content()["rules"], "more": {"kind": "shuffle", "within": 2}})
    assert whole(event(USERS, userId="u1"), If_None_Match=tag)["statusCode"] == 200


def test_what_stands_in_for_a_fault_is_not_kept(world: Server) -> None:
    world.fail(FAULTS["throttle"])
    response = whole(event(USERS, userId="u1"))
    assert response["multiValueHeaders"]["Cache-Control"] == ["private, no-store"]
    assert "ETag" not in response["multiValueHeaders"]


RANKINGS = "/v1/users/{userId}/rankings"


def test_items_that_the_caller_names_come_in_the_order_of_the_users_list() -> None:
    named = post(RANKINGS, {"itemIds": ["x", "p3", "日本", "p1"]}, userId="u1")
    body = json.loads(whole(named)["body"])
    told = [(item["itemId"], item["score"], item["source"]) for item in body["items"]]
    assert told == [
        ("p1", 0.9, "personal"),
        ("p3", 0.7, "personal"),
        ("x", None, "unranked"),
        ("日本", None, "unranked"),
    ]


@pytest.mark.parametrize(
    "wrong",
    ["", "{", "[]", "null", '{"itemIds": []}', '{"itemIds": "p1"}', '{"itemIds": [1]}', '{"itemIds": ["a", "a"]}',
     '{"itemIds": [""]}', '{"itemIds": ["a\\u0000"]}', '{"itemIds": ["\\ud800"]}', '{"itemIds": ["a"], "more": 1}',
     '{"itemIds": [NaN]}', "[" * 100_000, json.dumps({"itemIds": [str(n) for n in range(501)]})],
)  # fmt: skip
def test_a_body_that_names_no_items_is_400(wrong: str, world: Server) -> None:
    response = whole(post(RANKINGS, wrong, userId="u1"))
    assert response["statusCode"] == 400 and json.loads(response["body"])["detail"]
    assert json.loads(response["body"])["type"] == "urn:problem-type:recommendations:invalid-body"
    assert world.requests == []


def test_trending_is_its_own_list_where_a_solution_makes_one_and_popular_elsewhere(
    world: Server, packaged: Path
) -> None:
    assert ask("/v1/trending")["source"] == "popular"
    trending = {"name": "rising", "recipe": "aws-trending-now", "for_each": "everyone"}
    told = json.loads(serving.text(example.settings()))
    told["lists"].append({**trending, "trending": True})
    packaged.with_name("serving.json").write_text(json.dumps(told))
    placements.packaged.cache_clear()
    forget()
    world.put("pointer#rising", "pointer", current=RUN)
    world.put("rising#everyone", RUN, items='[["hot",1]]')
    body = ask("/v1/trending")
    assert (ids(body), body["source"]) == (["hot"], "trending")
    assert ask("/v1/popular")["source"] == "popular"


def test_an_answer_is_of_the_variant_that_its_user_is_in(world: Server, packaged: Path) -> None:
    """Whichever half a user is in: the list, and what the answer says of itself, are that variant's."""
    home = {"starts": date.today() - timedelta(days=1), "name": "one", "layer": "home", "control": "own"}
    variants = [
        {"name": "own", "weight": 50, "solution": "personal"},
        {"name": "all", "weight": 50, "solution": "popular"},
    ]
    metrics = [{"name": "buyers", "event": "purchase", "counts": "users"}]
    configure(
        packaged,
        experiments={
            "layers": [{"name": "home", "placements": ["home"]}],
            "metrics": metrics,
            "definitions": [{**home, "variants": variants, "primary": "buyers"}],
        },
    )
    seen = set()
    for user in [f"user-{number}" for number in range(12)]:
        world.put(f"personal#{user}", RUN, items='[["own-item",1]]')
        query = {"placement": "home", "numResults": "1"}
        body = ask("/v1/users/{userId}/recommendations", userId=user, query=query)
        assert body["experiment"] == "one"
        assert (body["source"] == "personal") == (body["variant"] == "own")
        seen.add(body["variant"])
        plain = ask("/v1/users/{userId}/recommendations", userId=user)
        assert (plain["experiment"], plain["variant"], plain["source"]) == (None, None, "personal")
    assert seen == {"own", "all"}


def test_health_names_the_run_of_each_list(world: Server) -> None:
    body = json.loads(whole(event("/v1/health"))["body"])
    assert body == {"status": "ok", "versions": {"personal": RUN, "related": RUN, "popular": RUN}}
    forget()
    world.fail(FAULTS["access denied"])
    response = whole(event("/v1/health"))
    assert (response["statusCode"], json.loads(response["body"])) == (
        200,
        {"status": "degraded", "versions": {}},
    )


def test_while_pointers_move_one_after_the_other_all_lists_are_of_one_run(world: Server) -> None:
    new = "20261125T030000Z"
    world.put("personal#u1", new, items='[["n1",1]]')
    world.put("popular#everyone", new, items='[["n2",1]]')
    seen = []
    for moved in ("personal", "related", "popular"):
        world.put(f"pointer#{moved}", "pointer", current=new, previous=RUN)
        for name in {"personal", "related", "popular"} - {moved}:
            world.items[f"pointer#{name}", "pointer"].setdefault("previous", {"S": "20261123T030000Z"})
        forget()
        seen.append((ask(USERS, userId="u1")["version"], ask("/v1/popular")["version"]))
    assert seen == [(RUN, RUN), (RUN, RUN), (new, new)]


def test_a_page_may_stay_with_its_run_while_it_may_be_read(world: Server) -> None:
    new = "20261125T030000Z"
    for name in ("personal", "related", "popular"):
        world.put(f"pointer#{name}", "pointer", current=new, previous=RUN)
    world.put("personal#u1", new, items='[["n1",1]]')
    assert ids(ask(USERS, userId="u1", query={"runId": RUN})) == ["p1", "p2", "p3"]
    assert ids(ask(USERS, userId="u1", query={"runId": "20200101T000000Z"})) == ["n1"]


class Queue:
    """Takes what is shown in place of the queue; `takes` says whether it does."""

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.takes = True

    def put(self, shown: Shown) -> bool:
        self.shown.append(shown)
        return self.takes


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue()
    monkeypatch.setattr(handler, "channel", lambda: made)
    return made


def test_what_a_user_is_shown_is_told_with_places_placement_and_id(queue: Queue) -> None:
    first = ask(USERS, userId="u1", query={"placement": "home", "numResults": "2"})
    second = ask(USERS, userId="u1", query={"placement": "home", "cursor": first["nextCursor"]})
    assert [(one.recommendation, one.start, one.items) for one in queue.shown] == [
        (body["recommendationId"], start, ids(body)) for body, start in ((first, 0), (second, 2))
    ]
    assert {(one.user, one.placement) for one in queue.shown} == {("u1", "home")}


def test_an_answer_is_told_with_its_source_and_the_rules_that_acted_on_it(
    queue: Queue, packaged: Path, world: Server
) -> None:
    gone = {"kind": "exclude", "items": ["p2"]}
    home = {"lists": ["personal"], "rules": ["gone"], "fallback": ["popular"]}
    configure(packaged, rules={"gone": gone}, placements={"home": home})
    for user in ("u1", "nobody"):
        ask(USERS, userId=user, query={"placement": "home", "numResults": "1"})
    world.put("personal#u1", RUN, items="corrupt")
    ask(USERS, userId="u1", query={"placement": "home", "numResults": "1"})
    told = [one.served_as for one in queue.shown]
    assert told == ["personal;0;0;gone=1", "popular;0;1;", "popular;1;1;"]


def test_an_answer_that_is_repeated_is_told_under_its_name(queue: Queue) -> None:
    [held] = whole(event(USERS, userId="u1"))["multiValueHeaders"]["ETag"]
    assert whole(event(USERS, userId="u1"), If_None_Match=held)["statusCode"] == 304
    ask(USERS, userId="u1")
    names = [one.recommendation for one in queue.shown]
    assert names[0] == names[1] != names[2]


def test_what_nobody_is_shown_is_not_told(queue: Queue, world: Server) -> None:
    ask("/v1/popular")
    ask(ITEMS, itemId="i1")
    whole(event("/v1/users/{userId}/rankings", method="POST", body='{"itemIds": ["p1"]}', userId="u1"))
    ask(USERS, userId="u1", query={"placement": "buy_again", "exclude": ("p1", "p2", "p3")})
    assert queue.shown == []


@pytest.mark.parametrize(
    ("whole_api", "of_home", "told"), [(True, None, 2), (True, False, 1), (False, True, 1), (False, None, 0)]
)
def test_impressions_are_told_where_the_configuration_says(
    queue: Queue, packaged: Path, whole_api: bool, of_home: bool | None, told: int
) -> None:
    content = example.content()
    home = {**content["placements"]["home"], "log_impressions": of_home}
    configure(
        packaged,
        api={**content["api"], "log_impressions": whole_api},
        placements={**content["placements"], "home": home},
    )
    ask(USERS, userId="u1", query={"placement": "home"})
    ask(USERS, userId="u1")
    assert len(queue.shown) == told


def test_who_asks_why_is_shown_nothing(queue: Queue, packaged: Path) -> None:
    configure(packaged, api={**example.content()["api"], "may_explain": ["*"]})
    ask(USERS, userId="u1", query={"placement": "home", "explain": "true"})
    assert queue.shown == []


def test_a_drop_is_counted_and_changes_no_answer(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    queue.takes = False
    assert ids(ask(USERS, userId="u1")) == ["p1", "p2", "p3"]
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(line.get("ImpressionsDropped", 0) for line in figures) == 1


# What the authorizer of api.jwt refuses before, the function refuses too.
OF_A_USER = [
    ("/v1/users/{userId}/recommendations", {}),
    ("/v1/users/{userId}/actions", {}),
    ("/v1/users/{userId}/rankings", {"method": "POST", "body": '{"itemIds": ["p1"]}'}),
]


def by_token(path: str, reader: str, **named: Any) -> dict[str, Any]:
    request = event(path, **named)
    request["requestContext"]["authorizer"] = {"userId": reader, "principalId": "reader"}
    return dict(handler.handler(request, SimpleNamespace(aws_request_id="r")))


@pytest.mark.parametrize(("path", "more"), OF_A_USER)
def test_a_token_of_another_user_is_403(path: str, more: dict[str, Any]) -> None:
    assert by_token(path, "u2", userId="u1", **more)["statusCode"] == 403
    assert by_token(path, "", userId="u1", **more)["statusCode"] == 403


@pytest.mark.parametrize(("path", "more"), [OF_A_USER[0], OF_A_USER[2]])
def test_a_token_of_the_user_is_answered(path: str, more: dict[str, Any]) -> None:
    assert by_token(path, "u1", userId="u1", **more)["statusCode"] == 200


def test_related_items_look_at_the_tokens_user_alone() -> None:
    path = "/v1/items/{itemId}/related"
    assert by_token(path, "u1", itemId="i1", query={"userId": "u2"})["statusCode"] == 403
    assert by_token(path, "u1", itemId="i1", query={"userId": "u1"})["statusCode"] == 200
    assert by_token(path, "u1", itemId="i1")["statusCode"] == 200


def test_a_token_reads_no_segment() -> None:
    assert by_token("/v1/segments/{segment}", "u1", segment="s")["statusCode"] == 403


def days_ago(days: float) -> int:
    return int(time.time() - days * 86_400)


def profile(first: float, last: float, **attributes: str) -> str:
    times = {
        name: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(days_ago(days)))
        for name, days in (("first", first), ("last", last))
    }
    return json.dumps({**times, "attributes": attributes})


STATES = ("new", "active", "just_bought", "lapsed")


@pytest.fixture
def by_state(packaged: Path) -> None:
    """Placements whose users of each state miss another item, so that it shows whose rules acted."""
    gone = dict(zip(STATES, ("p1", "p2", "p3", "t1"), strict=True))
    rules = {
        f"not-{state.replace('_', '-')}": {"kind": "exclude", "items": [item]} for state, item in gone.items()
    }
    by = {state: [f"not-{state.replace('_', '-')}"] for state in gone}
    api = {**example.content()["api"], "may_explain": ["*"]}
    placed = {
        "home": {"lists": ["personal"], "rules_by_state": by, "fallback": ["popular"]},
        "cart": {"lists": ["related"], "rules_by_state": by, "fallback": ["popular"]},
    }
    configure(packaged, rules=rules, placements=placed, api=api)


@pytest.mark.usefixtures("by_state")
@pytest.mark.parametrize(
    ("published", "deeds", "state", "left"),
    [
        (profile(300, 1), [], "just_bought", ["p1", "p2", "t1", "t2"]),
        ('{"attributes":{}}', [], "new", ["p2", "p3", "t1", "t2"]),
        (profile(300, 100), [], "lapsed", ["p1", "p2", "p3", "t2"]),
        (profile(300, 100), [f"c|{days_ago(3)}|x"], "active", ["p1", "p3", "t1", "t2"]),
        (None, [], None, ["p1", "p2", "p3", "t1", "t2"]),
    ],
    ids=["just bought", "new", "lapsed", "lapsed, and here again", "unknown"],
)
def test_users_of_each_state_have_its_rules_and_one_call_reads_what_tells_it(
    world: Server, published: str | None, deeds: list[str], state: str | None, left: list[str]
) -> None:
    more = {} if published is None else {"profile": published}
    world.put("personal#u1", RUN, items='[["p1",0.9],["p2",0.8],["p3",0.7]]', **more)
    if deeds:
        world.items["u1", ""] = {"pk": {"S": "u1"}, "deeds": {"SS": deeds}}
    asked = event(USERS, userId="u1", query={"placement": "home", "explain": "true"})
    body = json.loads(whole(signed(asked, "arn:aws:iam::111111111111:user/x"))["body"])
    assert (ids(body), body["userState"]) == (left, state)
    assert world.requests == [POINTERS, "personal#u1+u1", "popular#everyone"]


@pytest.mark.usefixtures("by_state")
def test_a_list_of_items_is_by_the_state_of_its_user_too_and_by_none_without_a_user(world: Server) -> None:
    world.put("personal#u1", RUN, items='[["p1",1]]', profile=profile(300, 100))
    world.put("related#i1", RUN, items='[["t1",2],["p1",1]]')
    assert ids(ask(ITEMS, itemId="i1", query={"placement": "cart", "userId": "u1"})) == ["p1", "t2"]
    assert world.requests[1] == "related#i1+personal#u1+u1"
    assert ids(ask(ITEMS, itemId="i1", query={"placement": "cart"}))[:2] == ["t1", "p1"]


@pytest.mark.usefixtures("by_state")
@pytest.mark.parametrize("broken", ["store", "state", "profile"])
def test_who_cannot_be_known_is_in_no_state_and_above_all_not_new(world: Server, broken: str) -> None:
    world.put("personal#u1", RUN, items='[["p1",1]]', profile=profile(300, 100))
    if broken == "store":
        ask(USERS, userId="u1", query={"placement": "home"})
        world.fail(FAULTS["access denied"])
    elif broken == "state":
        world.items["u1", ""] = {"pk": {"S": "u1"}, "deeds": {"SS": ["nonsense"]}}
    else:
        world.put("personal#u1", RUN, items='[["p1",1]]', profile='{"first": 5}')
    query = {"placement": "home", "explain": "true"}
    asked = signed(event(USERS, userId="u1", query=query), "arn:aws:iam::111111111111:user/x")
    body = json.loads(whole(asked)["body"])
    assert (body["degraded"], body["userState"], body["rules"]) == (True, None, [])


def targeted(packaged: Path, **target: Any) -> None:
    """An experiment whose variants both show the popular list, so that who is in it shows."""
    one = {"name": "one", "layer": "home", "control": "a", "primary": "buyers", "target": target}
    variants = [{"name": name, "weight": 50, "solution": "popular"} for name in "ab"]
    configure(
        packaged,
        publishing={**example.content()["publishing"], "user_fields": ["AGE"]},
        experiments={
            "layers": [{"name": "home", "placements": ["home"]}],
            "metrics": [{"name": "buyers", "event": "purchase", "counts": "users"}],
            "definitions": [{**one, "starts": date.today() - timedelta(days=1), "variants": variants}],
        },
    )


@pytest.mark.parametrize(
    ("target", "told", "is_in"),
    [
        ({"attributes": {"AGE": ["25-34"]}}, profile(300, 5, AGE="25-34"), True),
        ({"attributes": {"AGE": ["25-34"]}}, profile(300, 5, AGE="x|25-34"), True),
        ({"attributes": {"AGE": ["25-34"]}}, profile(300, 5, AGE="65+"), False),
        ({"attributes": {"AGE": ["25-34"]}}, profile(300, 5), False),
        ({"attributes": {"AGE": ["25-34"]}}, None, False),
        ({"states": ["lapsed", "new"]}, profile(300, 100), True),
        ({"states": ["lapsed", "new"]}, profile(300, 5), False),
        ({"states": ["lapsed"], "attributes": {"AGE": ["25-34"]}}, profile(300, 100, AGE="25-34"), True),
        ({"states": ["lapsed"], "attributes": {"AGE": ["25-34"]}}, profile(300, 5, AGE="25-34"), False),
    ],
    ids=[
        "their age",
        "one of their ages",
        "another age",
        "no age",
        "no profile",
        "their state",
        "another state",
        "state and age",
        "the age without the state",
    ],
)
def test_an_experiment_takes_those_whom_its_target_means(
    world: Server, packaged: Path, target: Any, told: str | None, is_in: bool
) -> None:
    targeted(packaged, **target)
    more = {} if told is None else {"profile": told}
    world.put("personal#u1", RUN, items='[["p1",1]]', **more)
    body = ask(USERS, userId="u1", query={"placement": "home", "numResults": "1"})
    assert (body["experiment"], body["source"]) == (("one", "popular") if is_in else (None, "personal"))
    assert body["degraded"] is False


def test_while_the_store_is_away_nobody_is_in_an_experiment_with_a_target(
    world: Server, packaged: Path
) -> None:
    targeted(packaged, states=["lapsed"])
    world.put("personal#u1", RUN, items='[["p1",1]]', profile=profile(300, 100))
    assert ask(USERS, userId="u1", query={"placement": "home"})["experiment"] == "one"
    world.fail(FAULTS["access denied"])
    body = ask(USERS, userId="u1", query={"placement": "home"})
    assert (body["experiment"], body["degraded"]) == (None, True)


SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (event("/v1/users/{userId}/recommendations", userId="u1"), 200),
        (event("/v1/items/{itemId}/related", itemId="i1"), 200),
        (event("/v1/popular"), 200),
        (event("/v1/health"), 200),
        (event("/v1/popular", query={"nothing": "1"}), 400),
        (event("/v1/segments/{segment}", segment="s"), 403),
        (event("/v1/nothing"), 404),
        (event("/v1/popular", method="PUT"), 405),
    ],
)
def test_every_answer_names_the_page_s_origin_and_differs_by_it(
    asked: dict[str, Any], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"https://app.example {SHOP}")
    for origin, told in ((SHOP, SHOP), ("https://evil.example", None)):
        answer = handler.handler(
            {**asked, "multiValueHeaders": {"Origin": [origin]}}, SimpleNamespace(aws_request_id="r")
        )
        assert answer["statusCode"] == status
        assert answer["headers"].get("Access-Control-Allow-Origin") == told
        assert answer["headers"]["Vary"] == "Origin"


def test_a_304_names_the_page_s_origin_too_and_the_tag_is_no_matter_of_origins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"https://app.example {SHOP}")
    asked = event("/v1/popular")
    first = handler.handler(
        {**asked, "multiValueHeaders": {"Origin": ["https://app.example"]}},
        SimpleNamespace(aws_request_id="r"),
    )
    [tag] = first["multiValueHeaders"]["ETag"]
    kept = {
        "headers": {"If-None-Match": tag},
        "multiValueHeaders": {"If-None-Match": [tag], "Origin": [SHOP]},
    }
    again = handler.handler({**asked, **kept}, SimpleNamespace(aws_request_id="r"))
    assert (again["statusCode"], again["headers"]["Access-Control-Allow-Origin"]) == (304, SHOP)
    assert again["headers"]["Vary"] == "Origin"
