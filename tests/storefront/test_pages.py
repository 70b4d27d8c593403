"""The pages in a real browser over an API that a test plays: what a visitor does, sees, and is told of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from lambdas.record_events import events as contract
from local.storefront.guard import Guard
from local.storefront.proxy import Answer, problem
from local.storefront.server import Served, Server, listening
from local.storefront.site import Asked, about
from tests import example
from tests.storefront.browser import Tab, tab

pytestmark = pytest.mark.slow
TOKEN = "a-token-of-the-test"
HOSTILE = '<img src=x onerror="document.title=1">'
USER = "u/1 買"
NAMES = {
    "milk": ("Milk", "牛乳"),
    "bread": (HOSTILE, "食パン"),
    "rice": ("Rice", "米"),
    "tea": ("Tea", "お茶"),
}
FAILED_STATE = {
    "name": "PlanRun",
    "workflow": "pipeline",
    "kind": "Task",
    "depth": 0,
    "inner": False,
    "times": 1,
    "status": "caught",
    "from": 1_795_000_000,
    "to": 1_795_000_002,
    "input": '{"mode": "no"}',
    "output": "",
    "error": "InvalidEvent",
    "cause": "mode is 'no'",
    "log": {"group": "/aws/lambda/plan-run", "from": 1, "to": 2},
}


@dataclass
class Shop:
    """Plays the API and the console. A dismissed item leaves `home`, by its rule; `answers` stand in for the rest."""

    answers: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        path = unquote(asked.path)
        self.asked.append(f"{asked.method} {path}?{unquote(asked.query)}")
        if path in self.answers:
            given = self.answers[path]
            return given if isinstance(given, Answer) else _json(given)
        if path == "/api/v1/events":
            return self._record(json.loads(asked.body))
        if path.startswith("/api/"):
            return self._list(asked)
        return _json(self._own(path, asked))

    def _record(self, content: Any) -> Answer:
        """What the API's own function refuses is refused."""
        for one in contract.batch(content):
            contract.event(one, now=datetime.now(UTC))
            self.events.append(one)
        return _json({"accepted": len(content["events"]), "duplicates": 0, "rejected": []}, status=202)

    def _list(self, asked: Asked) -> Answer:
        [placement] = asked.values("placement")
        if placement == "new_for_you":
            return problem(429, "Slow down, please", asked.path)
        gone = {one["itemId"] for one in self.events if one["type"] == "dismiss"}
        gone -= {one["itemId"] for one in self.events if one["type"] == "undo"}
        items = [] if placement == "buy_again" else [item for item in NAMES if item not in gone]
        rule = {"rule": "not-interested", "kind": "not_interested", "moved": [], "added": []}
        removed = [{"itemId": item, "position": 1, "score": 0.5} for item in NAMES if item in gone]
        return _json(
            {
                "recommendationId": f"id-{placement}",
                "items": [
                    {
                        "itemId": item,
                        "score": 0.5,
                        "position": n,
                        "source": "personal",
                        "metadata": {"BRAND": "B"},
                    }
                    for n, item in enumerate(items, start=1)
                ],
                "placement": placement,
                "source": "personal",
                "version": "20261127T180000Z",
                "degraded": placement == "cart",
                "experiment": "ranking" if placement == "home" else None,
                "variant": "new-model" if placement == "home" else None,
                "nextCursor": None,
                "rules": [{**rule, "removed": removed}] if removed else [],
            }
        )

    def _own(self, path: str, asked: Asked) -> Any:
        names = {item: {"title": t, "second": s, "category": "C"} for item, (t, s) in NAMES.items()}
        run = {
            "workflow": "pipeline",
            "name": "one",
            "status": "FAILED",
            "started": 1_795_000_000,
            "stopped": 1_795_000_009,
        }
        pointer = {"updated_at": "", "arn": "a:solution/x/1", "previous_arn": "", "promoted_arn": ""}
        own: dict[str, Callable[[], Any]] = {
            "/shop/about": lambda: _about(logged=["buy_again", "product", "cart"]),
            "/shop/users": lambda: [{"user": USER, "orders": 1234}],
            "/shop/purchases": lambda: [{"item": "tea", "day": "2026-11-20"}],
            "/shop/names": lambda: {item: names[item] for item in json.loads(asked.body)},
            "/console/runs": lambda: [run],
            "/console/run": lambda: {
                **run,
                "input": "{}",
                "output": "",
                "error": "E",
                "cause": HOSTILE,
                "rows": [FAILED_STATE],
            },
            "/console/log": lambda: ["a line of the log"],
            "/console/rows": list,
            "/console/verdicts": lambda: [
                {
                    "run_id": "R",
                    "solution": "personal",
                    "recipe": "r",
                    "arn": "a",
                    "promoted": False,
                    "reason": HOSTILE,
                    "metrics": {"m": 0.5},
                }
            ],
            "/console/versions": lambda: [{"list": "personal", "current": "B", "previous": "A", **pointer}],
            "/console/rollback": lambda: {
                "done": False,
                "lines": ["Nothing was done: a run is moving pointers"],
            },
        }
        return own[path]()


def _about(*, logged: Sequence[str]) -> dict[str, Any]:
    """What the example configuration says, but for the placements that the API logs itself."""
    told = about(example.settings())
    placements = [{**one, "logged": one["name"] in logged} for one in told["placements"]]
    return {**told, "placements": placements}


def _json(value: Any, *, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def address(shop: Shop) -> Iterator[str]:
    server: Server = listening(0)
    server.served = Served(site=shop, guard=Guard(port=server.server_port, token=TOKEN))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Tab]:
    with tab(tmp_path / "profile") as opened:
        yield opened


def place(name: str) -> str:
    return f"[data-placement={name}]"


def button(placement: str, item: str, act: str) -> str:
    return f'{place(placement)} [data-key="{placement} {act} {item}"]'


def told(browser: Tab, count: int) -> str:
    """The newest entry of what was done and what it changed, once there are so many."""
    browser.until(f"document.querySelectorAll('#changes > ol > li').length === {count}")
    return browser.text("#changes > ol > li")


def test_a_visitor_sees_lists_acts_and_is_told_what_changed_by_which_rule(
    browser: Tab, address: str, shop: Shop
) -> None:
    browser.look(f"{address}/?language=en#token={TOKEN}")
    assert TOKEN not in browser.value("location.href"), "the token leaves the address"
    assert browser.text(f"{place('home')} .cards").count(HOSTILE) == 1, "a name is text, whatever it holds"
    assert "Experiment ranking: variant new-model" in browser.text("#user")
    assert "source personal" in browser.text(f"{place('home')} .badges")
    assert "This list is empty" in browser.text(place("buy_again"))
    assert "429 Too Many Requests Slow down, please" in browser.text(place("new_for_you"))
    assert "Put something into the cart" in browser.text(place("cart"))

    browser.value(f"document.querySelector({json.dumps(button('home', 'milk', 'dismiss'))}).focus()")
    browser.key("Enter", 13)
    assert "Home: “Milk” is gone, by the rule not-interested" in told(browser, 1)
    assert browser.value("document.activeElement.textContent") == "Home", "the keyboard stays in the place"
    dismissed = [one for one in shop.events if one["type"] == "dismiss"]
    assert [
        (one["itemId"], one["recommendationId"], one["placement"], one["userId"]) for one in dismissed
    ] == [("milk", "id-home", "home", USER)]
    browser.click("#dismissed button")
    assert "Home: “Milk” is new, at 1" in told(browser, 2)
    browser.click(button("home", "rice", "cart"))
    assert "Goes with your cart is filled now" in told(browser, 3)
    assert "another list stands in" in browser.text(place("cart")), "a degraded list says so"
    assert any("placement=cart" in one and "context=rice" in one for one in shop.asked)
    browser.click(button("home", "tea", "buy"))
    assert "Bought “Tea”" in told(browser, 4)
    browser.click(f"{place('home')} .title")
    browser.until("document.querySelector('.product')")
    assert any(one.startswith("GET /api/v1/items/milk/related?placement=product") for one in shop.asked)
    kinds = [one["type"] for one in shop.events if one["type"] != "impression"]
    assert kinds == ["dismiss", "undo", "purchase", "click"]
    shown = [
        tuple(one["itemIds"])
        for one in shop.events
        if one["type"] == "impression" and one["placement"] == "home"
    ]
    assert shown == [tuple(NAMES)], "an item is counted as shown once in a visit"
    assert {one["placement"] for one in shop.events if one["type"] == "impression"} == {"home"}, (
        "the API logs the rest"
    )
    assert browser.errors == [] and {
        url.partition("/shop")[0].partition("/api")[0] for url in browser.requests if "/shop/" in url
    } == {address}


@pytest.mark.nightly
def test_the_pages_are_in_japanese_as_narrow_as_a_phone_and_dark(browser: Tab, address: str) -> None:
    browser.look(f"{address}/?language=en#token={TOKEN}")
    light = browser.value("getComputedStyle(document.body).backgroundColor")
    for path, wanted in (("/", "カートの中身に合うもの"), ("/console", "配信中のバージョン")):
        browser.look(f"{address}{path}?language=ja#token={TOKEN}", width=390, height=844, dark=True)
        assert wanted in browser.text("main") and browser.value("document.documentElement.lang") == "ja"
        assert browser.value("document.documentElement.scrollWidth") == 390
        assert browser.value("getComputedStyle(document.body).backgroundColor") != light
    browser.look(f"{address}/?language=ja", width=390)
    assert "牛乳" in browser.text(f"{place('home')} .cards")
    named = "one.ariaLabel || one.textContent.trim() || one.labels?.length"
    unnamed = f"[...document.querySelectorAll('button, a, input, select')].filter(one => !({named})).length"
    assert browser.value(unnamed) == 0, "everything that the keyboard reaches has a name"
    assert browser.errors == []


@pytest.mark.nightly
def test_the_console_shows_a_failed_run_and_a_refused_rollback_in_words(
    browser: Tab, address: str, shop: Shop
) -> None:
    browser.look(f"{address}/console?language=en#token={TOKEN}")
    browser.until("document.querySelector('.state')")
    assert TOKEN not in browser.value("location.href"), "the token leaves the address"
    assert HOSTILE in browser.text("#graph") and HOSTILE in browser.text("#gate")
    browser.click(".state")
    assert "mode is 'no'" in browser.text(".what") and '"mode": "no"' in browser.text(".what")
    browser.click(".what button")
    browser.until("document.querySelector('.what').innerText.includes('a line of the log')")
    assert "No run has written a report yet" in browser.text("#rows")
    browser.click("#versions button")
    assert "Readers of personal go from version B to A" in browser.text("#confirm-text")
    browser.click("#confirm-no")
    assert not [one for one in shop.asked if one.startswith("POST /console")], "it is asked first"
    browser.click("#versions button")
    browser.click("#confirm-yes")
    browser.until("document.querySelector('#rolled pre')")
    assert "Refused: nothing was done\nNothing was done: a run is moving pointers" in browser.text(
        "#rolled"
    ).replace("\n\n", "\n")
    assert browser.errors == []


@pytest.mark.nightly
def test_without_the_token_and_without_explanations_the_page_says_what_to_do(
    browser: Tab, address: str, shop: Shop
) -> None:
    browser.look(f"{address}/?language=en")
    assert "Open the address that make up or make status prints" in browser.text("#trouble")
    assert shop.asked == []
    path = f"/api/v1/users/{USER}/recommendations"
    shop.answers[path] = problem(403, "explain=true is for the roles of api.may_explain", path)
    browser.look(f"{address}/?language=en#token={TOKEN}")
    assert "403 Forbidden explain=true is for" in browser.text(place("home"))
    assert any(path in one and "explain" not in one for one in shop.asked), "it is asked again without"
