from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lambdas.get_recommendations import fallback, handler, openapi
from lambdas.request_forgetting import handler as forgetting_handler
from tests import example
from tests.lambdas import dynamodb_server
from tests.lambdas.dynamodb_server import FAULTS, Server

RUN = "20261124T030000Z"
DEFAULT = list(example.settings().api.default_items)
USERS = "/v1/users/{userId}/recommendations"
ITEMS = "/v1/items/{itemId}/related"


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
    fallback.default_ranking.cache_clear()
    yield file
    fallback.default_ranking.cache_clear()


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
        "PERSONAL_LIST": "personal",
        "RELATED_LIST": "related",
        "POPULAR_LIST": "popular",
        "AWS_ENDPOINT_URL_DYNAMODB": server.url,
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    forget()
    yield server
    forget()


def forget() -> None:
    handler.settings.cache_clear()
    handler.recommender.cache_clear()


def event(path: str, *, method: str = "GET", query: Any = None, **parameters: str) -> dict[str, Any]:
    """What API Gateway sends: `path` names a resource with {parameters}, or is a path it does not know."""
    known = path in (USERS, ITEMS, "/v1/popular")
    return {
        "resource": path if known else "/{proxy+}",
        "path": path.format(**parameters) if known else path,
        "httpMethod": method,
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} if query else None,
        "pathParameters": (parameters or None) if known else {"proxy": path.lstrip("/")},
        "requestContext": {"requestId": "r", "stage": "live"},
        "body": None,
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
    assert ask(USERS, userId="u1") == {
        "items": [
            {"itemId": "p1", "score": 0.9},
            {"itemId": "p2", "score": 0.8},
            {"itemId": "p3", "score": 0.7},
        ],
        "source": "personal",
        "version": RUN,
        "degraded": False,
        "experiment": None,
        "variant": None,
    }


def test_an_item_gets_its_related_items() -> None:
    body = ask(ITEMS, itemId="i1")
    assert body["items"] == [{"itemId": "r1", "score": 0.5}, {"itemId": "r2", "score": None}]
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
    assert body["title"] == "Bad Request"
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
    assert world.requests == ["pointer#personal", "pointer#personal", "personal#u1"]


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
    assert body["detail"] == f"{name!r} is not a parameter of this resource: it takes numResults"


def test_a_pointer_to_a_version_that_is_gone_falls_back(world: Server) -> None:
    world.put("pointer#personal", "pointer", current="20200101T000000Z")
    assert ask(USERS, userId="u1")["source"] == "popular"


@pytest.mark.parametrize(
    ("variable", "path", "key"), [("PERSONAL_LIST", USERS, "userId"), ("RELATED_LIST", ITEMS, "itemId")]
)
def test_without_a_solution_for_it_the_popular_items_are_answered(
    monkeypatch: pytest.MonkeyPatch, variable: str, path: str, key: str
) -> None:
    monkeypatch.setenv(variable, "")
    forget()
    body = ask(path, **{key: "u1"})
    assert (body["source"], body["degraded"]) == ("popular", False)


def test_a_new_request_asks_for_the_list_only_once_the_pointer_is_known(world: Server) -> None:
    for _ in range(3):
        ask(USERS, userId="u1")
        ask("/v1/popular")
    assert world.requests.count("pointer#personal") == 1
    assert world.requests.count("personal#u1") == 3
    assert world.requests.count("popular#everyone") == 1


def test_answers_are_not_kept_by_anyone_between() -> None:
    response = handler.handler(event("/v1/popular"), SimpleNamespace(aws_request_id="r"))
    assert response["multiValueHeaders"]["Cache-Control"] == ["private, no-store"]


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
    paths = set(openapi.document()["paths"])
    forgetting = {path for _, path in forgetting_handler.OPERATIONS}
    assert len(served) == len(paths - forgetting) == 3 and len(paths) == 5
    for path in paths - forgetting:
        parameters = {"userId": "u1"} if "userId" in path else {"itemId": "i1"} if "itemId" in path else {}
        assert ask(path, **parameters)["items"]
