"""What the storefront's server shows of a deployed line, as its own roles, which IAM holds to what they may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.credentials import Credentials as Signer
from botocore.exceptions import ClientError

from local.storefront.__main__ import site
from local.storefront.site import Asked, Site
from osusume_endpoint import signed
from tests.e2e.line import Line

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def shop(line: Line, first_run: str) -> Site:
    return site(line.endpoint, line.settings.environment)


def told(shop: Site, path: str, query: str = "", body: Any = None) -> Any:
    method = "GET" if body is None else "POST"
    sent = b"" if body is None else json.dumps(body).encode()
    answer = shop.answer(Asked(method=method, path=path, query=query, body=sent))
    assert answer.status in (200, 202), answer.body
    return json.loads(answer.body)


def test_lists_are_read_and_events_taken_as_the_application(shop: Site, first_run: str) -> None:
    [user, *_] = told(shop, "/shop/users")
    path = f"/api/v1/users/{user['user']}/recommendations"
    answer = told(shop, path, "placement=home&numResults=6")
    assert answer["version"] >= first_run and len(answer["items"]) == 6
    wanted = [one["itemId"] for one in answer["items"]]
    assert set(told(shop, "/shop/names", body=wanted)) == set(wanted)
    assert told(shop, "/shop/purchases", f"user={user['user']}")


def test_the_console_s_figures_are_those_of_the_run(shop: Site, line: Line, first_run: str) -> None:
    ended = [one for one in told(shop, "/console/runs") if one["workflow"] == "pipeline"]
    first = ended[-1]
    assert first["status"] == "SUCCEEDED"
    drawn = told(shop, "/console/run", f"workflow=pipeline&name={first['name']}")["rows"]
    job = next(row["log"]["job"] for row in drawn if row["name"] == "BuildDatasets")
    assert told(shop, "/console/log", f"job={job}")
    report = next(one for one in told(shop, "/console/rows") if one["run_id"] == first_run)
    orders = line.application("select count(*) from orders")[0][0]
    assert report["datasets"][0]["dataset"] == "interactions" and report["datasets"][0]["kept"] >= orders
    judged = {one["solution"] for one in told(shop, "/console/verdicts") if one["promoted"]}
    assert {one["list"] for one in told(shop, "/console/versions")} <= judged


def test_the_way_back_is_make_rollback_s_own(shop: Site, line: Line, first_run: str) -> None:
    """From a first version it is refused in its words; from a later one readers go, and come again."""
    for _ in range(2):
        before = line.pointer("personal")
        answer = told(shop, "/console/rollback", body={"list": "personal", "current": before["current"]})
        goes = before["previous"] not in ("", before["current"])
        assert answer["done"] is goes, answer["lines"]
        assert line.pointer("personal")["current"] == before["previous" if goes else "current"]
        said = (
            "Readers of personal get the version before"
            if goes
            else "is the first version of the list personal"
        )
        assert said in "".join(answer["lines"])


def test_iam_holds_both_roles_to_what_they_may(shop: Site, line: Line) -> None:
    signer = Signer(*shop.api.credentials())
    with pytest.raises(signed.RequestRefused, match="403"):
        signed.send(
            "DELETE",
            f"{shop.api.url}/v1/users/1",
            service="execute-api",
            region=line.endpoint.region,
            credentials=signer,
        )
    table = line.settings.names.recommendations_table
    as_application = line.endpoint.client("dynamodb", shop.api.credentials())
    for client in (as_application, shop.place.client("dynamodb")):
        with pytest.raises(ClientError, match="AccessDenied"):
            client.put_item(TableName=table, Item={"pk": {"S": "x"}, "sk": {"S": "x"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        shop.place.client("stepfunctions").start_execution(
            stateMachineArn=line.settings.names.workflow_arn("pipeline")
        )
