"""What functions tell browsers, by the rules of the Fetch standard ("CORS check"), and what caches are told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from lambdas.record_events import handler as events
from lambdas.shared import cors

SHOP, APP, EVIL = "https://shop.example", "https://app.example", "https://evil.example"
ALLOWED = f"{SHOP} {APP}"


def told(answer: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in answer["headers"].items()}


def asked(*origins: str, name: str = "Origin", **more: Any) -> dict[str, Any]:
    return {"multiValueHeaders": {name: list(origins)}, **more}


def may_read(origin: str, headers: Mapping[str, str]) -> bool:
    """Fetch standard, 4.9 "CORS check", of a request without credentials."""
    allowed = headers.get("access-control-allow-origin")
    return allowed is not None and (allowed == "*" or allowed == origin)


@pytest.mark.parametrize("name", ["Origin", "origin", "ORIGIN"])
@pytest.mark.parametrize("origin", [SHOP, APP])
def test_a_page_of_an_allowed_origin_reads_the_answer_and_no_other_does(origin: str, name: str) -> None:
    headers = told(cors.answered({"statusCode": 200}, event=asked(origin, name=name), origins=ALLOWED))
    assert [may_read(one, headers) for one in (SHOP, APP, EVIL)] == [origin == SHOP, origin == APP, False]
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "null",
        "*",
        "",
        "https://shop.example.evil.example",
        "https://evil.example/https://shop.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example/",
        "https://SHOP.example",
        ALLOWED,
        "https://shop.exampl",
        " ",
    ],
)
def test_another_origin_is_told_nothing_but_that_answers_differ(origin: str) -> None:
    headers = told(cors.answered({"statusCode": 200}, event=asked(origin), origins=ALLOWED))
    assert headers == {"vary": "Origin"}


@pytest.mark.parametrize(
    "event", [{}, {"multiValueHeaders": None}, asked(), asked(SHOP, APP), asked(SHOP, SHOP)]
)
def test_who_names_no_one_origin_is_a_program(event: dict[str, Any]) -> None:
    assert told(cors.answered({"statusCode": 200}, event=event, origins=ALLOWED)) == {"vary": "Origin"}


def test_without_cors_an_answer_is_as_it_was() -> None:
    answer = {"statusCode": 200, "headers": {"ETag": '"1"'}, "body": "{}"}
    assert cors.answered(answer, event=asked(SHOP), origins="") is answer


def test_the_answers_own_headers_stay_and_a_304_is_readable_too() -> None:
    answer = {
        "statusCode": 304,
        "headers": {"ETag": '"1"'},
        "multiValueHeaders": {"Cache-Control": ["private"]},
    }
    made = cors.answered(answer, event=asked(SHOP), origins=SHOP)
    assert (made["statusCode"], made["multiValueHeaders"]) == (304, answer["multiValueHeaders"])
    headers = told(made)
    assert headers["etag"] == '"1"' and may_read(SHOP, headers)
    assert "ETag" in headers["access-control-expose-headers"].split(",")
    assert answer["headers"] == {"ETag": '"1"'}, "what was handed in stays as it is"


def test_a_batch_of_events_that_is_refused_tells_its_page_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Given:
        cors_origins = SHOP

    monkeypatch.setattr(events, "settings", lambda: Given())
    for body in ("not JSON", json.dumps({"events": []}), "null"):
        made = events.handler(asked(SHOP, body=body, path="/v1/events"), None)
        assert made["statusCode"] == 400 and may_read(SHOP, told(made)), made
