"""The API over HTTP: by schemathesis, what the document allows and what it doesn't; and by the typed client.

All of its checks, also the ones about what is refused. The functions run in this process behind
tests/lambdas/gateway.py; what API Gateway itself refuses is compared with the document in
tests/stacks/test_security.py.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from clients.python.osusume_client import Client
from clients.python.osusume_client.api.default import (
    get_actions,
    get_recommendations,
    get_segment,
    record_events,
)
from clients.python.osusume_client.models import (
    Actions,
    Events,
    EventsAnswer,
    EventsEventsItem,
    Problem,
    Recommendations,
    Segment,
)
from config import serving
from config.settings import Settings
from lambdas.get_recommendations import actions, answers, fallback, handler, openapi, placements
from lambdas.get_recommendations.table import make_client
from lambdas.record_events import exposures
from lambdas.record_events import handler as recording
from tests import example
from tests.lambdas import dynamodb_server, gateway
from tests.lambdas.test_record_events import SETTINGS, Tables

RUN = "20261124T030000Z"
EXAMPLE = example.CONFIG.parent / "docs" / "examples" / "items-and-segments.yaml"
SEED = 20261128
# A bad event is rejected by itself, in an answer of 202 (docs/api.md): no refusal of the request.
# API Gateway answers 403 to who doesn't sign ("Missing Authentication Token").
CONFIGURED = """
[checks.missing_required_header]
expected-statuses = [403]

[[operations]]
include-operation-id = "recordEvents"
checks.negative_data_rejection.enabled = false
"""
# What a segment has no way out of.
UNREADABLE = """
[[operations]]
include-operation-id = "getSegment"
checks.not_a_server_error.expected-statuses = ["2xx", "4xx", 503]
"""


@pytest.fixture
def store() -> Iterator[dynamodb_server.Server]:
    with dynamodb_server.running() as running:
        published(running)
        yield running


@pytest.fixture
def api(
    store: dynamodb_server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[gateway.Gateway]:
    more = yaml.safe_load(EXAMPLE.read_text())
    more["solutions"] = [one for one in more["solutions"] if one["name"] != "fans"]
    content = example.content(**more)
    content["api"] = {**content["api"], "service_callers": ["Mailer"], "may_explain": ["Mailer"]}
    given = Settings.model_validate(content)
    (tmp_path / "serving.json").write_text(serving.text(given))
    (tmp_path / "default_items.json").write_text(json.dumps(list(given.api.default_items)))
    monkeypatch.setattr(placements, "SERVING", tmp_path / "serving.json")
    monkeypatch.setattr(fallback, "DEFAULT_ITEMS", tmp_path / "default_items.json")
    monkeypatch.setattr(actions, "make_client", lambda: SimpleNamespace(get_action_recommendations=offered))
    tables = Tables()
    monkeypatch.setattr(recording, "settings", lambda: SETTINGS)
    monkeypatch.setattr(recording, "client", lambda _: tables)
    monkeypatch.setattr(exposures, "document", lambda: serving.content(given)["experiments"])
    for cached in (placements.packaged, fallback.default_ranking, handler.settings, handler.recommender):
        cached.cache_clear()
    for name, value in variables(store.url).items():
        monkeypatch.setenv(name, value)
    made = make_client(timeout_ms=1000)  # a busy machine is no fault of the API
    monkeypatch.setattr(handler, "make_client", lambda timeout_ms: made)
    functions: dict[str, Any] = {
        "get_recommendations": handler.handler,
        "record_events": recording.handler,
    }
    with gateway.running(functions) as running:
        yield running
    for cached in (placements.packaged, fallback.default_ranking, handler.settings, handler.recommender):
        cached.cache_clear()


def offered(**asked: Any) -> dict[str, Any]:
    return {"recommendationId": "RID-1", "actionList": [{"actionId": "join", "score": 0.5}]}


def published(store: dynamodb_server.Server) -> None:
    for name in ("personal", "related", "popular", "tastes", "alike", "bought-together"):
        store.put(f"pointer#{name}", "pointer", current=RUN)
    store.put("pointer#actions", "campaign", campaign_arn="c", solution_version_arn="solution/s/v1")
    store.put("segment#tastes#0", f"{RUN}#00001", items='["u1","u2"]')
    store.items["segment#tastes#0", f"{RUN}#00001"]["pages"] = {"N": "1"}
    store.put("popular#everyone", RUN, items=json.dumps([[f"t{n}", 100 - n] for n in range(100)]))


def variables(url: str) -> dict[str, str]:
    return {
        "RECOMMENDATIONS_TABLE": "recommendations",
        "USER_STATE_TABLE": "user-state",
        "POWERTOOLS_METRICS_NAMESPACE": "Osusume/test",
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "ANSWER_WITHIN_MS": "5000",
    }


def document(folder: Path) -> Path:
    """Without the routes of the function that forgets, which tests/lambdas/test_forget_users.py asks."""
    made = copy.deepcopy(openapi.document())
    for path in ("/v1/users/{userId}", "/v1/deletions/{deletionId}"):
        del made["paths"][path]
    for path, item in made["paths"].items():
        for operation in item.values():
            operation["parameters"] = [
                known(path, one)
                for one in operation["parameters"]
                if (operation["operationId"], one["name"]) not in DEPENDENT
            ]
    file = folder / "openapi.json"
    file.write_text(json.dumps(made))
    return file


# What may stand here depends on what else is asked: tests/lambdas/test_get_recommendations.py, and of segments, whose
# cursor is of one segment, tests/lambdas/test_segments_and_actions.py.
DEPENDENT = {("getRecommendations", "context"), ("getSegment", "cursor")}
# What only the configuration knows, and a cursor that an answer gave.
KNOWN = {
    "fields": ["CATEGORY_L1", "CATEGORY_L2", "TITLE"],
    "cursor": [answers.cursor(RUN, 2), answers.cursor(RUN, 90)],
    "solution": ["tastes"],
    "runId": [RUN, "20200101T000000Z"],
}
PLACEMENTS = {
    "/v1/users/{userId}/recommendations": ["home", "buy_again", "new_for_you"],
    "/v1/items/{itemId}/related": ["product", "cart"],
}


def known(path: str, parameter: dict[str, Any]) -> dict[str, Any]:
    values = PLACEMENTS.get(path) if parameter["name"] == "placement" else KNOWN.get(parameter["name"])
    if values is None:
        return parameter
    schema = parameter["schema"]
    told = {**schema, "items": {"enum": values}} if schema["type"] == "array" else {"enum": values}
    return {**parameter, "schema": told}


def asked(api: gateway.Gateway, folder: Path, *options: str, configured: str = CONFIGURED) -> int:
    """Cases that were sent, none of which failed."""
    (folder / "schemathesis.toml").write_text(configured)
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(document(folder)), "--url", api.url]
    command += ["--header", f"Authorization: {gateway.SIGNED}", "--no-color"]
    command += ["--output-truncate", "true", "--seed", str(SEED), *options]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "160"}
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return cases(done.stdout)


def cases(output: str) -> int:
    found = [line for line in output.splitlines() if "generated" in line]
    assert found, output[-3000:]
    return int(found[-1].split()[0].replace(",", ""))


def test_the_typed_client_reads_lists_actions_and_segments(api: gateway.Gateway) -> None:
    client = Client(api.url, headers={"Authorization": gateway.SIGNED})
    listed = get_recommendations.sync("ユ/1", client=client, placement="home", fields=["TITLE"])
    assert isinstance(listed, Recommendations)
    assert [item.item_id for item in listed.items][:2] == ["t0", "t1"] and listed.source == "popular"
    assert len(listed.items) == 25, "the placement's length, since none is given"
    found = get_segment.sync("0", client=client)
    assert isinstance(found, Segment) and [one.user_id for one in found.members] == ["u1", "u2"]
    offers = get_actions.sync("u1", client=client)
    assert isinstance(offers, Actions) and [one.action_id for one in offers.actions] == ["join"]
    refused = get_segment.sync_detailed("none", client=client)
    assert refused.status_code == 404 and isinstance(refused.parsed, Problem)
    sent = Events(
        [EventsEventsItem(event_id="e1", type_="click", occurred_at=now(), user_id="u1", item_id="t0")]
    )
    told = record_events.sync(client=client, body=sent)
    assert isinstance(told, EventsAnswer) and (told.accepted, told.rejected) == (1, [])


def now() -> datetime:
    return datetime.now(UTC)


def test_the_functions_answer_what_the_document_says(api: gateway.Gateway, tmp_path: Path) -> None:
    assert asked(api, tmp_path, "--phases", "fuzzing", "--max-examples", "20") >= 150


@pytest.mark.nightly
def test_the_functions_answer_what_the_document_says_in_thousands_of_cases(
    api: gateway.Gateway, tmp_path: Path
) -> None:
    assert asked(api, tmp_path, "--phases", "coverage,fuzzing", "--max-examples", "450") >= 3000


FAULTS = {
    "throttled": dynamodb_server.error(400, "ProvisionedThroughputExceededException"),
    "broken": dynamodb_server.error(500, "InternalServerError"),
    "denied": dynamodb_server.error(400, "AccessDeniedException"),
    "reset": dynamodb_server.reset,
    "nothing readable": dynamodb_server.raw(b"<html>"),
    "cut off": dynamodb_server.truncate,
    "left unprocessed": dynamodb_server.unprocessed,
}


@pytest.mark.parametrize("fault", [*FAULTS])
@pytest.mark.nightly
def test_the_functions_answer_what_the_document_says_of_a_store_that_fails(
    api: gateway.Gateway, store: dynamodb_server.Server, tmp_path: Path, fault: str
) -> None:
    """Every list is answered; a segment has no way out, so its 503, which the document has, is expected."""
    store.fail(FAULTS[fault])
    options = ("--phases", "fuzzing", "--max-examples", "20")
    assert asked(api, tmp_path, *options, configured=CONFIGURED + UNREADABLE) >= 150
