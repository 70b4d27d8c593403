"""An id of 1 to 256 characters of Unicode is the same in a published list, the API, an event and the marts."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from lambdas.publish_recommendations import lists
from lambdas.record_events import handler as recording
from local.month import plan
from local.month.warehouse import Warehouse
from operations import queries
from osusume_endpoint.testing import cloud as clouds
from tests import example
from tests.lambdas import dynamodb_server, gateway
from tests.lambdas.test_over_http import RUN, api, store
from tests.lambdas.test_record_events import Tables

__all__ = ["api", "store"]

LONGEST = 256
# Letters of one to four bytes; what JSON, CSV, SQL, URLs and keys have a use for; accents by themselves; spaces.
ALPHABETS = (
    "az09",
    "\"'\\,;:#?&%+/|{}[]<>$*=.~`^@!-_ ",
    "éÄßñ",
    "ユーザー鮨🍣😀𠮷",
    "a\u0301e\u0308\u200d\u00a0\u2028",
)
AWKWARD = ("#", "a#b", "\\N", "NULL", "null", " ", "  a ", "..", "%2F", "'; drop table x; --", "{}", "𠮷" * LONGEST,
           "ユ" * LONGEST, "x" * LONGEST, "\u00e9", "e\u0301", "A", "a")  # fmt: skip


def made(count: int) -> list[str]:
    draw = Random(1)
    found = dict.fromkeys(AWKWARD)
    while len(found) < count:
        letters = "".join(draw.sample(ALPHABETS, draw.randint(1, 3)))
        length = draw.choice((1, 2, 7, 30, 255, LONGEST))
        found["".join(draw.choice(letters) for _ in range(length))] = None
    return list(found)


IDS = made(300)


def answered(url: str, path: str, body: Any = None) -> Any:
    sent = None if body is None else json.dumps(body).encode()
    request = Request(url + path, data=sent, headers={"Authorization": gateway.SIGNED})
    with urlopen(request) as answer:
        return json.loads(answer.read())


@pytest.mark.nightly
def test_in_a_list_and_through_the_api(api: gateway.Gateway, store: dynamodb_server.Server) -> None:
    """The file's line becomes an item by the publishing function's own code."""
    file = [
        json.dumps({"list": "personal", "key": user, "items": [[IDS[-1 - n], 1.0]]})
        for n, user in enumerate(IDS)
    ]
    body = gzip.compress("\n".join(file).encode())
    for item in lists.items(body, source="f", expected="personal", version=RUN, expires_at=None):
        store.items[item["pk"]["S"], item["sk"]["S"]] = item
    for n, user in enumerate(IDS):
        answer = answered(api.url, f"/v1/users/{quote(user, safe='')}/recommendations?numResults=1")
        assert (answer["source"], answer["items"][0]["itemId"]) == ("personal", IDS[-1 - n]), user


@pytest.mark.nightly
def test_in_an_event_and_the_log(api: gateway.Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables()
    monkeypatch.setattr(recording, "client", lambda _: tables)
    now = datetime.now(UTC).isoformat()
    for n, user in enumerate(IDS):
        event = {"eventId": IDS[-1 - n], "type": "click", "occurredAt": now, "userId": user, "itemId": user}
        assert answered(api.url, "/v1/events", {"events": [event]})["accepted"] == 1, user
    kept = {
        item["user_id"]["S"]: (item["item_id"]["S"], item["event_id"]["S"]) for item in tables.log.values()
    }
    assert kept == {user: (user, IDS[-1 - n]) for n, user in enumerate(IDS)}


@pytest.mark.nightly
def test_in_the_warehouse(tmp_path: Path) -> None:
    """Through the files, COPY and dbt; asked as the reader of the marts."""
    settings = plan.configured(example.settings(), first=datetime.now(UTC).date() - timedelta(days=1))
    at = "2026-11-24 03:00:00"
    click = {"occurred_at": at, "event_type": "click"}
    rows = {
        "users": [{"user_id": one} for one in IDS],
        "items": [{"item_id": one} for one in IDS],
        "interactions": [{"user_id": one, "item_id": one, **click} for one in IDS],
        "recommendations": [
            {"solution": "personal", "entity_id": one, "rank": 1, "item_id": one, "score": 1.0} for one in IDS
        ],
    }
    with clouds.running(tmp_path) as cloud:
        warehouse = Warehouse.made(cloud, settings, work=tmp_path / "dbt")
        warehouse.night(RUN, rows, whole=True)
        for select in (
            "user_id from marts.dim_users",
            "item_id from marts.dim_items",
            "user_id from marts.fct_interactions",
            "entity_id from marts.fct_recommendations",
            "item_id from marts.fct_recommendations",
        ):
            assert sorted(
                row[0] for row in queries.warehouse_rows(warehouse.place, f"select {select}")
            ) == sorted(IDS), select
